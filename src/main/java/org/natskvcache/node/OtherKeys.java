package org.natskvcache.node;

/**
 * Remembers that others on our subjects seal their frames with another key. What they say is not
 * heard, and whoever joins must not take that for silence. Owned by the node.
 */
final class OtherKeys {
  static final String PROBLEM = "others use another REPLICATION_KEY";

  /** A joining instance waits no longer than this for one with its own key, milliseconds. */
  private static final long JOIN_MILLIS_MAX = 5_000;

  /** Others are told at most this often, milliseconds. */
  private static final long TELL_MILLIS = 1_000;

  private final long silenceMillis;
  private boolean heard;
  private long heardTick;
  private long joiningTick;
  private long toldTick = Long.MIN_VALUE / 2;

  /**
   * @param silenceMillis how long others must be silent to be no longer told of, milliseconds
   */
  OtherKeys(long silenceMillis) {
    this.silenceMillis = silenceMillis;
  }

  /** A frame with another key came; whether it is to be told soon that somebody is here. */
  boolean heard(long tick) {
    heard = true;
    heardTick = tick;
    if (tick - toldTick < TELL_MILLIS) return false;
    toldTick = tick;
    return true;
  }

  /** Begins to ask who is there. */
  void joining(long tick) {
    joiningTick = tick;
  }

  /** Whether one came in the last three heartbeats. */
  boolean lately(long tick) {
    return heard && tick - heardTick < silenceMillis;
  }

  /** Whether somebody may be there who is not understood, and there is still time to wait. */
  boolean mayBeMistakenForSilence(long tick) {
    return lately(tick) && tick - joiningTick < JOIN_MILLIS_MAX;
  }
}
