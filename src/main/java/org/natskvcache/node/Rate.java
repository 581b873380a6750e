package org.natskvcache.node;

/** A bound on what is done in a second; seconds begin with the first use after the last one. */
final class Rate {
  private static final long SECOND_MILLIS = 1_000;

  private final long perSecond;
  private long endsTick = Long.MIN_VALUE;
  private long used;

  Rate(long perSecond) {
    this.perSecond = perSecond;
  }

  /** Whether nothing more may be done now. */
  boolean full(long tick) {
    if (tick >= endsTick) {
      endsTick = tick + SECOND_MILLIS;
      used = 0;
    }
    return used >= perSecond;
  }

  /** Counts what was done in this second; the last that was begun may go beyond the bound. */
  void add(long amount) {
    used += amount;
  }

  /** Whether one more may be done now; it counts as done. */
  boolean take(long tick) {
    if (full(tick)) return false;
    add(1);
    return true;
  }
}
