package org.natskvcache.sim;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * How large a message the server of each host takes. In every third schedule that is little,
 * differs between hosts and changes; values are then about as large.
 */
final class Payloads {
  private static final int LARGE = Limits.DEFAULT_PAYLOAD_MAX;

  /** A frame without its vector has less. */
  private static final int FRAME_BYTES = 600;

  /** What a vector takes for each origin is less. */
  private static final int MARK_BYTES = 20;

  /** Draws apart from all else, so that schedules without small payloads stay as they are. */
  private final SplittableRandom random;

  private final boolean changing;
  private final int[] max;

  Payloads(long seed, int hosts) {
    random = new SplittableRandom(Long.reverse(~seed));
    changing = random.nextInt(3) == 0;
    max = new int[hosts];
    Arrays.fill(max, LARGE);
  }

  /** The largest message the server of a host takes, bytes. */
  int of(int host) {
    return max[host];
  }

  /** Whether something is to happen now: one action in forty. */
  boolean due() {
    return changing && random.nextInt(40) == 0;
  }

  /** Whether it is a large write only, and no change. */
  boolean writesOnly() {
    return random.nextInt(3) == 0;
  }

  int host() {
    return random.nextInt(max.length);
  }

  /**
   * The server of a host is another one, or has another configuration.
   *
   * @param origins how many there are, whose marks must fit into one message
   */
  void change(int host, long origins) {
    int least = least(origins);
    max[host] = random.nextInt(4) == 0 ? LARGE : least + random.nextInt(least);
  }

  /** Whether vectors have become too long for the server of a host. */
  boolean outgrown(int host, long origins) {
    return max[host] < least(origins);
  }

  void enlarge(int host) {
    max[host] = LARGE;
  }

  private static int least(long origins) {
    return (int) (FRAME_BYTES + MARK_BYTES * origins);
  }

  /** Sets a value that fits into a message, or hardly, or not after the next change. */
  Command large(long origins) {
    byte[] value = new byte[FRAME_BYTES / 2 + random.nextInt(2 * least(origins))];
    Arrays.fill(value, (byte) ('a' + random.nextInt(26)));
    return new Command.Set(Key.of("k" + random.nextInt(3)), new Bytes(value), 0);
  }
}
