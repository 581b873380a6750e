package org.natskvcache.node;

import org.natskvcache.crdt.Defect;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.store.Limits;

/**
 * How a node is to behave.
 *
 * @param replicated false for a standalone cache: nothing is published and nothing kept for replay
 * @param heartbeatMillis time between heartbeats, milliseconds, at least 1
 * @param offerWaitMillis how long a joining node waits for an answer to each of its {@link
 *     Node#OFFER_REQUESTS} requests for offers, milliseconds
 * @param clocks how far clocks may be apart
 * @param keys what signs frames, and what is accepted
 * @param defect {@link Defect#NONE} but in tests of the checks
 */
public record NodeSettings(
    Limits limits,
    boolean replicated,
    long heartbeatMillis,
    long offerWaitMillis,
    ClockLimits clocks,
    FrameKeys keys,
    Defect defect) {
  /**
   * A fifth of the second of silence after which a joining node takes itself for alone. Where the
   * server tells that nobody listens, there is no wait.
   */
  public static final long OFFER_WAIT_MILLIS = 200;

  private static final int SILENT_HEARTBEATS = 3;

  /** Who was not heard for so long is silent, milliseconds: three heartbeats. */
  public long silenceMillis() {
    return SILENT_HEARTBEATS * heartbeatMillis;
  }

  public static NodeSettings standalone(Limits limits) {
    return new NodeSettings(
        limits,
        false,
        60_000,
        OFFER_WAIT_MILLIS,
        ClockLimits.DEFAULTS,
        FrameKeys.NONE,
        Defect.NONE);
  }

  public static NodeSettings replicated(Limits limits, long heartbeatMillis) {
    return replicated(limits, heartbeatMillis, ClockLimits.DEFAULTS, FrameKeys.NONE);
  }

  public static NodeSettings replicated(
      Limits limits, long heartbeatMillis, ClockLimits clocks, FrameKeys keys) {
    return new NodeSettings(
        limits, true, heartbeatMillis, OFFER_WAIT_MILLIS, clocks, keys, Defect.NONE);
  }
}
