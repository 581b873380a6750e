/**
 * Runs the simulator at length: many schedules on all processors, with progress, and a failing one
 * made short.
 *
 * <p>In: {@link org.natskvcache.cli.SimOptions}. Out: text and an exit code. Always true: what is
 * found and counted depends on the first seed and the number of schedules, not on threads or time.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.proof;
