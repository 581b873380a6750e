/** Start-up and shutdown of the daemon. */
@org.jspecify.annotations.NullMarked
package org.natskvcache;
