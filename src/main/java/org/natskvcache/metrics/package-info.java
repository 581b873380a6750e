/** Counters of the whole process; each one's Javadoc says what a rise means to an operator. */
@org.jspecify.annotations.NullMarked
package org.natskvcache.metrics;
