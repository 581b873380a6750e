package org.natskvcache.node;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.replication.wire.Frame;

/**
 * The largest message that the server takes from this instance, and what could not be sent because
 * of it. Owned by the node.
 */
final class Payload {
  private int max = Integer.MAX_VALUE;

  /** Sizes of the frames that were too large, bytes; of each type the last one. */
  private final Map<Class<? extends Frame>, Integer> unsendable = new HashMap<>();

  /** Size of a frame that the transport could not send, bytes; 0 for none. */
  private int refused;

  /** The frame that was refused is made up for when peers have so many of our mutations. */
  private long refusedUntil;

  /** A connection was made: the transport knows no more of the limit than this. */
  void max(int bytes) {
    max = bytes;
    unsendable.values().removeIf(each -> each <= bytes);
    refused = 0;
  }

  int max() {
    return max;
  }

  /** Whether a frame may be published. */
  boolean takes(Frame frame, int bytes) {
    if (bytes > max) return false;
    if (!unsendable.isEmpty()) unsendable.remove(frame.getClass());
    return true;
  }

  /**
   * A frame that may not be published and cannot be had in pieces either: it is what is wrong until
   * one of its type may. False if another one of its type was so already.
   */
  boolean unsendable(Frame frame, int bytes) {
    return unsendable.put(frame.getClass(), bytes) == null;
  }

  /** The transport could not send a frame, which was lost. */
  void refused(int bytes, long written) {
    refused = bytes;
    refusedUntil = written;
  }

  /**
   * What is wrong; null for nothing.
   *
   * @param heardWrites how many of our mutations some peer has
   */
  @Nullable String trouble(long heardWrites) {
    if (heardWrites >= refusedUntil) refused = 0;
    int bytes = unsendable.isEmpty() ? refused : Collections.max(unsendable.values());
    return bytes == 0 ? null : "a frame of " + bytes + " bytes is more than the server takes";
  }
}
