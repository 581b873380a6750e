package org.natskvcache.node;

/**
 * How far our clock is ahead of a peer's. What a message tells is too much by the time it was under
 * way, so the least of the last few counts, and it is a bound from above only: all of them may have
 * been held up by a stall. An answer to a question of ours gives a bound from below, since it was
 * sent after the question. Both are kept against the monotonic clock, so that a jump of our wall
 * clock is seen at once. Owned by the node.
 */
final class Skew {
  private static final int SAMPLES = 4;

  private final long[] leads = new long[SAMPLES];
  private int taken;

  /** The bound from below; {@link Long#MIN_VALUE} for none. */
  private long least = Long.MIN_VALUE;

  /** The open question; 0 for none. */
  private long question;

  private long askedTick = Long.MIN_VALUE / 2;

  /** Whether it was warned of and has not gone since. */
  boolean warned;

  /** A message the peer sent at this wall time, milliseconds since 1970, is here. */
  void heard(long tick, long sentWallMillis) {
    long lead = tick - sentWallMillis;
    leads[taken++ % SAMPLES] = lead;
    if (lead < least) least = Long.MIN_VALUE; // a clock was set since
  }

  /** When it was last asked; long ago if never. */
  long askedTick() {
    return askedTick;
  }

  /** The peer is asked for its wall time now; the question is at least 1. */
  void asked(long newQuestion, long tick) {
    question = newQuestion;
    askedTick = tick;
  }

  /** The peer, at this wall time, answered a question; any but the last one tells nothing. */
  void answered(long itsQuestion, long tick, long sentWallMillis) {
    if (itsQuestion != question) return;
    question = 0;
    heard(tick, sentWallMillis);
    least = askedTick - sentWallMillis;
  }

  boolean known() {
    return taken > 0;
  }

  /** At most, milliseconds, negative when ours is behind; 0 as long as nothing was heard. */
  long millis(Time now) {
    if (taken == 0) return 0;
    long most = Long.MAX_VALUE;
    for (int i = 0; i < Math.min(taken, SAMPLES); i++) most = Math.min(most, leads[i]);
    return most + now.wallMillis() - now.tickMillis();
  }

  /** As much of it as no delay explains, milliseconds, negative when ours is behind. */
  long sureMillis(Time now) {
    long most = millis(now);
    if (most <= 0 || least == Long.MIN_VALUE) return Math.min(most, 0);
    return Math.max(0, Math.min(most, least + now.wallMillis() - now.tickMillis()));
  }
}
