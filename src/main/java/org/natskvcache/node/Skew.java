package org.natskvcache.node;

/**
 * How far our clock is ahead of a peer's. What a message tells is too much by the time it was under
 * way, so the least of the last few counts; it is kept against the monotonic clock, so that a jump
 * of our wall clock is seen at once. Owned by the node.
 */
final class Skew {
  private static final int SAMPLES = 4;

  private final long[] leads = new long[SAMPLES];
  private int taken;

  /** Whether it was warned of and has not gone since. */
  boolean warned;

  /** A message the peer sent at this wall time, milliseconds since 1970, is here. */
  void heard(long tick, long sentWallMillis) {
    leads[taken++ % SAMPLES] = tick - sentWallMillis;
  }

  boolean known() {
    return taken > 0;
  }

  /** Milliseconds, negative when ours is behind; 0 as long as nothing was heard. */
  long millis(Time now) {
    if (taken == 0) return 0;
    long least = Long.MAX_VALUE;
    for (int i = 0; i < Math.min(taken, SAMPLES); i++) least = Math.min(least, leads[i]);
    return least + now.wallMillis() - now.tickMillis();
  }
}
