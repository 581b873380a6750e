package org.natskvcache.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/**
 * Somebody without a key who may publish on all subjects and hears what goes to all: well-formed
 * frames that are not true. It writes nothing where changes are published, which is allowed to
 * whoever may, and speaks in no name but its own, or as an answer that nobody asked for.
 */
final class Liar {
  /**
   * What it sends.
   *
   * @param target whom, on {@link Channel#DIRECT}; else null
   */
  record Lie(Channel channel, @Nullable OriginId target, byte[] frame) {}

  private static final int FRAMES_KEPT = 50;
  private static final Key[] KEYS = {Key.of("k0"), Key.of("k1"), Key.of("quiet")};

  private final SplittableRandom random;
  private final Origins origins = new Origins();
  private final FrameCodec codec = new FrameCodec(origins);
  private final List<byte[]> heard = new ArrayList<>();

  Liar(SplittableRandom random) {
    this.random = random;
  }

  /** A frame that goes to all. */
  void hear(byte[] frame) {
    if (heard.size() == FRAMES_KEPT) heard.removeFirst();
    heard.add(frame);
  }

  /**
   * The next lie.
   *
   * @param of an instance it tells about, or answers for
   * @param to an instance it tells
   */
  Lie lie(OriginId of, OriginId to, long wallMillis) {
    return switch (random.nextInt(8)) {
      case 0 -> astray(to);
      case 1 ->
          new Lie(wrongChannel(), to, codec.encode(deletion(wallMillis), Channel.MUTATIONS, null));
      case 2 -> unaskedReplay(of, to, wallMillis);
      case 3 -> answer(to, new Frame.Offer(of, random.nextLong(), wallMillis, vector(of), 0));
      case 4 -> answer(to, new Frame.Vector(of, random.nextLong(), vector(of)));
      case 5 -> answer(to, snapshot(of));
      case 6 -> toAll(new Frame.Beacon(stranger(wallMillis), sequence(), wallMillis));
      default -> toAll(heartbeat(of, wallMillis));
    };
  }

  private OriginId stranger(long wallMillis) {
    return OriginId.of(wallMillis, random.nextLong(), random.nextLong());
  }

  private long sequence() {
    return random.nextLong(1, 101);
  }

  private Lie toAll(Frame frame) {
    return new Lie(Channel.HEARTBEATS, null, codec.encode(frame, Channel.HEARTBEATS, null));
  }

  private Lie answer(OriginId to, Frame frame) {
    return new Lie(Channel.DIRECT, to, codec.encode(frame, Channel.DIRECT, to));
  }

  /** What was said elsewhere. */
  private Lie astray(OriginId to) {
    byte[] frame = heard.isEmpty() ? new byte[0] : heard.get(random.nextInt(heard.size()));
    return new Lie(wrongChannel(), to, frame);
  }

  private Channel wrongChannel() {
    return switch (random.nextInt(3)) {
      case 0 -> Channel.REPLAY_ALL;
      case 1 -> Channel.REPLAY_ANY;
      default -> Channel.DIRECT;
    };
  }

  private Frame.Mutations deletion(long wallMillis) {
    OriginId author = stranger(wallMillis);
    Op op = new Op.Put(KEYS[random.nextInt(KEYS.length)], Bytes.utf8("lie"), 0, Observed.NOTHING);
    long dot = Dot.of(origins.slot(author), 1);
    long clock = wallMillis << 16;
    return new Frame.Mutations(
        author, List.of(new Mutation(dot, clock, new int[0], new long[0], null, 0, op)));
  }

  private Lie unaskedReplay(OriginId of, OriginId to, long wallMillis) {
    byte[] whole = codec.encodeReplayed(deletion(wallMillis));
    return answer(
        to, new Frame.Replayed(of, random.nextLong(), 0, 0, whole.length, new Bytes(whole)));
  }

  private Frame snapshot(OriginId of) {
    byte[] garbage = new byte[1 + random.nextInt(40)];
    random.nextBytes(garbage);
    Frame.Piece piece = new Frame.Piece(random.nextBoolean(), new Bytes(garbage));
    return new Frame.SnapshotChunk(
        of, random.nextLong(), 1, 0, 0, random.nextBoolean(), List.of(piece));
  }

  /** Names more than the instance has written, and some that are none. */
  private VersionVector vector(OriginId of) {
    VersionVector vector = new VersionVector(origins);
    vector.raise(origins.slot(of), 1_000 + sequence());
    for (int i = random.nextInt(4); i > 0; i--) {
      vector.raise(origins.slot(new OriginId(random.nextLong(), random.nextLong())), sequence());
    }
    return vector;
  }

  /** One that contradicts itself. */
  private Frame heartbeat(OriginId of, long wallMillis) {
    return new Frame.Heartbeat(
        stranger(wallMillis),
        random.nextBoolean(),
        random.nextInt(4) == 0,
        false,
        sequence(),
        wallMillis,
        wallMillis << 16,
        vector(of),
        random.nextInt(1_000),
        random.nextLong(),
        random.nextLong(),
        random.nextInt(1_000),
        List.of(new Frame.Sample(random.nextInt(4), random.nextLong(), random.nextLong())),
        random.nextLong());
  }
}
