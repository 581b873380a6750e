package org.natskvcache.node;

import java.util.random.RandomGenerator;

/**
 * When heartbeats and beacons are due. A heartbeat comes every period, give or take a tenth, and
 * soon after something that makes peers want one. Beacons come 50 ms, 250 ms, 1 s and 5 s after the
 * last write, and every 5 s while writing goes on, so that a lost last mutation is noticed at once;
 * and soon after a write that only a beacon tells of. Owned by the node.
 */
final class Heartbeats {
  private static final long[] BEACONS_MILLIS = {50, 250, 1_000, 5_000};
  private static final long BUSY_BEACON_MILLIS = 5_000;

  /** Several mutations that are too large for a frame have one beacon. */
  private static final long ANNOUNCE_MILLIS = 10;

  static final long NEVER = Long.MAX_VALUE;

  private final long periodMillis;
  private final RandomGenerator random;
  private long heartbeatTick = NEVER;
  private long beaconTick = NEVER;
  private long announceTick = NEVER;
  private long wroteTick;
  private long lastBeaconTick;

  Heartbeats(long periodMillis, RandomGenerator random) {
    this.periodMillis = periodMillis;
    this.random = random;
  }

  void stop() {
    heartbeatTick = NEVER;
    beaconTick = NEVER;
    announceTick = NEVER;
  }

  /** Plans the next regular heartbeat. */
  void restart(long tick) {
    long tenth = periodMillis / 10;
    heartbeatTick = tick + periodMillis - tenth + random.nextLong(2 * tenth + 1);
  }

  /** A heartbeat is wanted within so many milliseconds. */
  void soon(long tick, int withinMillis) {
    if (heartbeatTick == NEVER) return;
    heartbeatTick = Math.min(heartbeatTick, tick + random.nextInt(withinMillis + 1));
  }

  void wrote(long tick) {
    wroteTick = tick;
    if (beaconTick == NEVER) beaconTick = tick + BEACONS_MILLIS[0];
  }

  /** A beacon has to tell of a mutation that was not published. */
  void announce(long tick) {
    announceTick = Math.min(announceTick, tick + ANNOUNCE_MILLIS);
  }

  long nextTick() {
    return Math.min(heartbeatTick, Math.min(beaconTick, announceTick));
  }

  /** Whether a heartbeat is due; the next one is planned. */
  boolean heartbeatDue(long tick) {
    if (heartbeatTick > tick) return false;
    restart(tick);
    return true;
  }

  /** Whether a beacon is due; the next one is planned. */
  boolean beaconDue(long tick) {
    boolean announces = announceTick <= tick;
    if (announces) announceTick = NEVER;
    else if (beaconTick > tick) return false;
    long quiet = tick - wroteTick;
    if (!announces && quiet < BEACONS_MILLIS[0] && tick - lastBeaconTick < BUSY_BEACON_MILLIS) {
      beaconTick = wroteTick + BEACONS_MILLIS[0];
      return false;
    }
    lastBeaconTick = tick;
    beaconTick = NEVER;
    for (long after : BEACONS_MILLIS) {
      if (wroteTick + after > tick) {
        beaconTick = wroteTick + after;
        break;
      }
    }
    return true;
  }
}
