/**
 * Counters of the whole process, each with what a rise means to an operator, and where failures end
 * that nobody foresaw.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.metrics;
