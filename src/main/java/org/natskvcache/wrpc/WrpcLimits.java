package org.natskvcache.wrpc;

import java.time.Duration;

/**
 * What a peer can make us keep.
 *
 * @param valueBytesMax longest encoded value, params or result, bytes
 * @param elementsMax most elements in all lists of one value, count
 * @param pendingCallsMax calls whose params, or whose answers, have not arrived whole, count
 * @param pendingBytesMax params and results of those calls together, bytes
 * @param timeout how long a call may take to send its params, or an answer to arrive
 * @param silence how long a caller may take to show that it has our handshake, before that is sent
 *     again; then four times as long, and again
 */
public record WrpcLimits(
    int valueBytesMax,
    int elementsMax,
    int pendingCallsMax,
    long pendingBytesMax,
    Duration timeout,
    Duration silence) {
  public static final WrpcLimits DEFAULTS =
      new WrpcLimits(
          32 << 20, 1 << 16, 4_096, 128L << 20, Duration.ofSeconds(10), Duration.ofMillis(50));
}
