package org.natskvcache.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Effect;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;

/**
 * Senders of well-formed frames that are no instances: they ask for much and take nothing, or were
 * instances a moment ago. Whatever they do, an instance that starts beside live ones gets the data.
 */
final class Strangers {
  /** What they do in a schedule. */
  enum Deed {
    NOTHING,
    /** They take the places for snapshots and keep them by asking again. */
    TAKE_PLACES,
    /** They were live, many of them, and have died together. */
    DIE,
    /** They ask for more offers than an instance gives. */
    ASK_FOR_OFFERS
  }

  /** In so many schedules there is one with strangers. */
  private static final int ONE_IN = 6;

  /** As many as there are places for snapshots at most. */
  private static final int LISTENERS = 3;

  private static final int DEAD = 100;
  private static final int ASKERS = 40;
  private static final int WINDOW_BYTES = 16 << 20;
  private static final long ASKS_EVERY_MILLIS = 1_000;
  private static final long BEATS_EVERY_MILLIS = 100;

  /** One that takes a place, and with what number. */
  private record Taken(OriginId by, OriginId from) {}

  /** A frame and where it goes. */
  record Sent(Channel channel, byte[] frame) {}

  private final SplittableRandom random;
  private final Deed deed;
  private final Origins origins = new Origins();
  private final FrameCodec codec = new FrameCodec(origins);
  private final OriginId[] names = new OriginId[DEAD];
  private final OriginId deaf;
  private final Map<Taken, Long> numbers = new HashMap<>();
  private final Map<Taken, Long> nextRequestTick = new HashMap<>();
  private final Map<OriginId, Long> nextTick = new HashMap<>();

  Strangers(long seed, long wallMillis) {
    random = new SplittableRandom(seed * 31 + 17);
    Deed[] deeds = Deed.values();
    deed = random.nextInt(ONE_IN) > 0 ? Deed.NOTHING : deeds[1 + random.nextInt(deeds.length - 1)];
    for (int i = 0; i < DEAD; i++) names[i] = newName(wallMillis);
    deaf = newName(wallMillis);
  }

  private OriginId newName(long wallMillis) {
    return OriginId.of(wallMillis, random.nextLong(), random.nextLong());
  }

  Deed deed() {
    return deed;
  }

  /** What comes now to the instance of this name. */
  List<Sent> send(OriginId to, long tick, long wallMillis) {
    if (deed == Deed.TAKE_PLACES) return snapshotRequests(to, tick);
    if (tick < nextTick.getOrDefault(to, 0L)) return List.of();
    nextTick.put(to, tick + (deed == Deed.DIE ? BEATS_EVERY_MILLIS : ASKS_EVERY_MILLIS));
    return switch (deed) {
      case NOTHING, TAKE_PLACES -> List.of();
      case DIE -> Stream.of(names).map(from -> heartbeat(from, wallMillis)).toList();
      case ASK_FOR_OFFERS -> Stream.of(names).limit(ASKERS).map(this::offerRequest).toList();
    };
  }

  private List<Sent> snapshotRequests(OriginId to, long tick) {
    List<Sent> requests = new ArrayList<>();
    for (int i = 0; i < LISTENERS; i++) {
      Taken place = new Taken(names[i], to);
      if (tick < nextRequestTick.getOrDefault(place, 0L)) continue;
      nextRequestTick.put(place, tick + ASKS_EVERY_MILLIS);
      requests.add(snapshotRequest(names[i], numbers.getOrDefault(place, 0L), to));
      requests.add(snapshotRequest(deaf, 0, to));
    }
    return requests;
  }

  private Sent snapshotRequest(OriginId from, long cut, OriginId to) {
    Frame request = new Frame.SnapshotRequest(from, 1, cut, 0, 0, WINDOW_BYTES);
    return new Sent(Channel.DIRECT, codec.encode(request, Channel.DIRECT, to));
  }

  private Sent offerRequest(OriginId from) {
    Frame request = new Frame.OfferRequest(from, random.nextLong(), 5);
    return new Sent(Channel.REPLAY_ALL, codec.encode(request, Channel.REPLAY_ALL, null));
  }

  private Sent heartbeat(OriginId from, long wallMillis) {
    VersionVector nothing = new VersionVector(origins);
    Frame beat =
        new Frame.Heartbeat(
            from, true, false, false, 0, wallMillis, 0, nothing, 0, 0, 0, 0, List.of(), 0);
    return new Sent(Channel.HEARTBEATS, codec.encode(beat, Channel.HEARTBEATS, null));
  }

  /**
   * Hears what an instance sends to one name.
   *
   * @return what is wrong with it; null for nothing
   */
  @Nullable String hear(OriginId from, Effect.Publish publish) {
    OriginId to = publish.target();
    if (deed != Deed.TAKE_PLACES || to == null) return null;
    try {
      if (to.equals(deaf)) return heardByNobody(decode(publish, to));
      for (int i = 0; i < LISTENERS; i++) {
        if (to.equals(names[i])) answered(new Taken(to, from), decode(publish, to));
      }
      return null;
    } catch (MalformedFrameException malformed) {
      return "sent a frame that cannot be read: " + malformed;
    }
  }

  private Frame decode(Effect.Publish publish, OriginId to) throws MalformedFrameException {
    return codec.decode(publish.frame(), publish.channel(), to);
  }

  private static @Nullable String heardByNobody(Frame answer) {
    return answer instanceof Frame.SnapshotChunk
        ? "part of a snapshot was sent to one that does not hear"
        : null;
  }

  private void answered(Taken place, Frame answer) {
    if (!(answer instanceof Frame.SnapshotRefused(_, _, var cut, var busy))) return;
    numbers.put(place, busy ? cut : 0);
    if (cut != 0) nextRequestTick.put(place, 0L); // with its number, or for another, at once
  }
}
