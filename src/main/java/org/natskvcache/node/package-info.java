/** To be told. */
@org.jspecify.annotations.NullMarked
package org.natskvcache.node;
