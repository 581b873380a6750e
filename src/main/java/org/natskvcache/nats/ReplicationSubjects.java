package org.natskvcache.nats;

import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Transport.Channel;

/**
 * The subjects of one replication group.
 *
 * @param events E, the link's STATE_REPL_SUBJECT; heartbeats are on {@code E.hb}
 * @param replay R, its REPLAY_REQ_SUBJECT and also the name of the queue group there; {@code R.all}
 *     reaches every instance, {@code R.<origin>} one
 */
public record ReplicationSubjects(String events, String replay) {
  String heartbeats() {
    return events + ".hb";
  }

  String replayAll() {
    return replay + ".all";
  }

  String direct(OriginId origin) {
    return replay + "." + origin;
  }

  String of(Channel channel, @Nullable OriginId target) {
    return switch (channel) {
      case MUTATIONS -> events;
      case HEARTBEATS -> heartbeats();
      case REPLAY_ANY -> replay;
      case REPLAY_ALL -> replayAll();
      case DIRECT -> {
        if (target == null) {
          throw new IllegalStateException("a direct frame without a target");
        }
        yield direct(target);
      }
    };
  }
}
