package org.natskvcache.node;

/**
 * How far the clocks of two instances may be apart.
 *
 * @param warnMillis beyond it a warning is logged, milliseconds
 * @param maxMillis an instance that is further from most of its peers does not go live,
 *     milliseconds
 */
public record ClockLimits(long warnMillis, long maxMillis) {
  public static final ClockLimits DEFAULTS = new ClockLimits(1_000, 60_000);
}
