package org.natskvcache.nats;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Channel;

/**
 * The subjects of one replication group.
 *
 * @param events E, the link's STATE_REPL_SUBJECT; heartbeats are on {@code E.hb}
 * @param replay R, its REPLAY_REQ_SUBJECT and also the name of the queue group there; {@code R.all}
 *     reaches every instance, {@code R.<origin>} one, {@code R.observer.<origin>} one who only
 *     looks
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

  /** Where one who only looks is answered: apart, so that it may hear no more than that. */
  String observer(OriginId origin) {
    return observers() + origin;
  }

  /**
   * The channel of a subject that was subscribed to. What a message itself says may be another
   * name, where accounts import subjects.
   */
  Channel channel(String subscribed) {
    if (subscribed.equals(events)) return Channel.MUTATIONS;
    if (subscribed.equals(heartbeats())) return Channel.HEARTBEATS;
    if (subscribed.equals(replay)) return Channel.REPLAY_ANY;
    if (subscribed.equals(replayAll())) return Channel.REPLAY_ALL;
    return subscribed.startsWith(observers()) ? Channel.OBSERVER : Channel.DIRECT;
  }

  private String observers() {
    return replay + ".observer.";
  }

  /** The features that a cache can do without, and their subjects; all others it needs. */
  List<OptionalSubjects.Feature> optional() {
    return List.of(new OptionalSubjects.Feature("doctor is not answered", observers() + ">"));
  }

  String of(Channel channel, @Nullable OriginId target) {
    return switch (channel) {
      case MUTATIONS -> events;
      case HEARTBEATS -> heartbeats();
      case REPLAY_ANY -> replay;
      case REPLAY_ALL -> replayAll();
      case DIRECT -> direct(Objects.requireNonNull(target));
      case OBSERVER -> observer(Objects.requireNonNull(target));
    };
  }
}
