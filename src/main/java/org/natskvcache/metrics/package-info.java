/** Counters of the whole process; each one says what a rise means to an operator. */
@org.jspecify.annotations.NullMarked
package org.natskvcache.metrics;
