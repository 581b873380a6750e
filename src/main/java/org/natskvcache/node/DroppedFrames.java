package org.natskvcache.node;

import java.util.HashSet;
import java.util.Set;
import org.natskvcache.metrics.Counter;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the frames that a replica dropped, each kind by itself, and logs the first malformed one
 * of each kind and sender. Owned by {@link LockedReplica}, under its lock.
 */
final class DroppedFrames {
  private static final Logger LOG = LoggerFactory.getLogger(LockedReplica.class);

  private static final int REMEMBERED_SENDERS_MAX = 1_000;

  private final String link;
  private final Set<String> senders = new HashSet<>();

  /** Nothing was dropped yet. */
  DroppedFrames(String link) {
    this.link = link;
  }

  /**
   * A frame could not be decoded.
   *
   * @param size its length, bytes
   */
  void malformed(MalformedFrameException malformed, int size) {
    counter(malformed.kind()).increment();
    if (malformed.ofAnotherRelease()) {
      LOG.debug(
          "dropped a replication frame of another release link={} kind={} from={}",
          link,
          malformed.kind(),
          malformed.from());
      return; // the node tells what an operator must know of it
    }
    String sender = malformed.kind() + "/" + malformed.from();
    if (senders.size() >= REMEMBERED_SENDERS_MAX || !senders.add(sender)) return;
    LOG.warn(
        "dropped a replication frame link={} kind={} from={} reason=\"{}\" bytes={}; more of these are only counted",
        link,
        malformed.kind(),
        malformed.from(),
        malformed.getMessage(),
        size);
  }

  private static Counter counter(MalformedFrameException.Kind kind) {
    return switch (kind) {
      case FOREIGN -> Counter.FOREIGN_FRAMES;
      case UNKNOWN_VERSION -> Counter.UNKNOWN_VERSION_FRAMES;
      case UNKNOWN_TYPE -> Counter.UNKNOWN_TYPE_FRAMES;
      case UNKNOWN_OPERATION -> Counter.UNKNOWN_OPERATION_FRAMES;
      case WRONG_CHANNEL -> Counter.WRONG_CHANNEL_FRAMES;
      case OTHER_KEY -> Counter.OTHER_KEY_FRAMES;
      case INSPECTION_KEY -> Counter.INSPECTION_KEY_FRAMES;
      case TOO_MANY_NAMES -> Counter.TOO_MANY_NAMES_FRAMES;
      case DAMAGED -> Counter.DAMAGED_FRAMES;
    };
  }
}
