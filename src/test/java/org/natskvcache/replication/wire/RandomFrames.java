package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** Frames of every kind with fields from all of their ranges. */
final class RandomFrames {
  static final int KINDS = 16;
  private static final long TIME_MAX = 1L << 62;

  private final SplittableRandom random;
  private final Origins origins;

  /** Knows six origins, numbered in the order of {@code random}. */
  RandomFrames(SplittableRandom random, Origins origins) {
    this.random = random;
    this.origins = origins;
    for (int i = 0; i < 6; i++) origins.slot(new OriginId(random.nextLong(), random.nextLong()));
  }

  Frame frame(int kind) {
    OriginId from = origins.id(random.nextInt(6));
    return switch (kind) {
      case 0 -> mutations(from);
      case 1 -> new Frame.Beacon(from, sequence(), random.nextLong());
      case 2 -> heartbeat(from);
      case 3 -> new Frame.Leave(from, sequence(), random.nextLong());
      case 4 -> new Frame.OfferRequest(from, random.nextLong(), (int) upTo(Integer.MAX_VALUE));
      case 5 ->
          new Frame.Offer(
              from, random.nextLong(), random.nextLong(), vector(), upTo(Long.MAX_VALUE));
      case 6 ->
          new Frame.ReplayRequest(from, random.nextLong(), vector(), (int) upTo(Integer.MAX_VALUE));
      case 7 -> {
        Frame.ReplayEnd.Outcome[] all = Frame.ReplayEnd.Outcome.values();
        yield new Frame.ReplayEnd(
            from, random.nextLong(), all[random.nextInt(all.length)], vector());
      }
      case 8 ->
          new Frame.SnapshotRequest(
              from,
              random.nextLong(),
              upTo(Long.MAX_VALUE),
              (int) upTo(Integer.MAX_VALUE),
              (int) upTo(Integer.MAX_VALUE),
              (int) upTo(Integer.MAX_VALUE));
      case 9 -> chunk(from);
      case 10 ->
          new Frame.SnapshotRefused(
              from, random.nextLong(), upTo(Long.MAX_VALUE), random.nextBoolean());
      case 11 -> new Frame.VectorRequest(from, random.nextLong());
      case 12 -> new Frame.Vector(from, random.nextLong(), vector());
      case 13 ->
          new Frame.DigestRequest(
              from,
              random.nextBoolean(),
              upTo(Long.MAX_VALUE),
              (int) upTo(1 << 16) - 1,
              random.nextLong());
      case 14 -> digestResponse(from);
      case 15 -> replayed(from);
      default -> throw new IllegalArgumentException();
    };
  }

  /** A number of any magnitude up to {@code most}, its ends more often than chance has it. */
  private long upTo(long most) {
    return switch (random.nextInt(8)) {
      case 0 -> 0;
      case 1 -> most;
      default -> Math.min(most, random.nextLong() >>> 1 >>> random.nextInt(63));
    };
  }

  private long sequence() {
    return upTo(Dot.SEQUENCE_MAX);
  }

  private long signed() {
    return random.nextLong() >> random.nextInt(64);
  }

  private Bytes bytes() {
    byte[] bytes = new byte[random.nextInt(4) == 0 ? random.nextInt(300) : random.nextInt(9)];
    random.nextBytes(bytes);
    return new Bytes(bytes);
  }

  private VersionVector vector() {
    VersionVector vector = new VersionVector(origins);
    for (int slot = 0; slot < 6; slot++) {
      if (random.nextBoolean()) vector.raise(slot, sequence());
    }
    vector.forgotten(forgotten());
    return vector;
  }

  private Forgotten forgotten() {
    if (random.nextInt(3) > 0) return null;
    OriginId until = new OriginId(random.nextLong(), random.nextLong());
    return new Forgotten(until, random.nextLong());
  }

  private Frame heartbeat(OriginId from) {
    return new Frame.Heartbeat(
        from,
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        sequence(),
        random.nextLong(),
        random.nextLong(),
        vector(),
        upTo(1 << 20),
        random.nextLong(),
        random.nextLong(),
        upTo(Long.MAX_VALUE),
        samples(),
        random.nextBoolean() ? 0 : random.nextLong());
  }

  private List<Frame.Sample> samples() {
    List<Frame.Sample> samples = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      samples.add(new Frame.Sample(random.nextInt(1 << 16), random.nextLong(), random.nextLong()));
    }
    return samples;
  }

  private Frame digestResponse(OriginId from) {
    List<Frame.KeyDigest> keys = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      keys.add(new Frame.KeyDigest(bytes(), random.nextLong()));
    }
    return new Frame.DigestResponse(
        from,
        upTo(Long.MAX_VALUE),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextLong(),
        vector(),
        random.nextLong(),
        upTo(Long.MAX_VALUE),
        samples(),
        keys);
  }

  private Frame replayed(OriginId from) {
    byte[] piece = new byte[1 + random.nextInt(40)];
    random.nextBytes(piece);
    int offset = random.nextInt(1_000);
    int total = offset + piece.length + random.nextInt(3);
    int number = (int) upTo(Integer.MAX_VALUE);
    return new Frame.Replayed(from, random.nextLong(), number, offset, total, new Bytes(piece));
  }

  private Frame chunk(OriginId from) {
    List<Frame.Piece> pieces = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      pieces.add(new Frame.Piece(random.nextBoolean(), bytes()));
    }
    return new Frame.SnapshotChunk(
        from,
        random.nextLong(),
        upTo(Long.MAX_VALUE),
        (int) upTo(Integer.MAX_VALUE),
        (int) upTo(Integer.MAX_VALUE),
        random.nextBoolean(),
        pieces);
  }

  private Frame mutations(OriginId from) {
    int author = origins.slot(from);
    long sequence = 1 + upTo(Dot.SEQUENCE_MAX - 20);
    List<Mutation> mutations = new ArrayList<>();
    for (int i = 1 + random.nextInt(6); i > 0; i--) {
      int[] slots = others(author);
      long[] deltas = new long[slots.length];
      for (int c = 0; c < deltas.length; c++) deltas[c] = 1 + upTo(Dot.SEQUENCE_MAX - 1);
      long rowHash = i == 1 ? random.nextLong() : 0; // only that of the last one travels
      long dot = Dot.of(author, sequence++);
      mutations.add(
          new Mutation(
              dot,
              upTo(TIME_MAX),
              slots,
              deltas,
              mutations.isEmpty() ? forgotten() : null,
              rowHash,
              op()));
    }
    return new Frame.Mutations(from, mutations);
  }

  private int[] others(int author) {
    return random.ints(random.nextInt(4), 0, 6).distinct().filter(s -> s != author).toArray();
  }

  private Observed observed() {
    int[] slots = random.ints(random.nextInt(4), 0, 6).distinct().toArray();
    Observed seen = new Observed(slots, new long[slots.length], new long[slots.length]);
    for (int i = 0; i < slots.length; i++) {
      seen.lasts()[i] = sequence();
      seen.sums()[i] = signed();
    }
    return seen;
  }

  private Observed reset() {
    return random.nextBoolean() ? null : observed();
  }

  private Op op() {
    Key key = new Key(bytes());
    return switch (random.nextInt(7)) {
      case 0 -> new Op.Put(key, bytes(), upTo(Long.MAX_VALUE - 1), observed());
      case 1 -> new Op.Delete(key, observed(), random.nextBoolean());
      case 2 -> new Op.Increment(key, signed(), signed(), random.nextBoolean(), reset());
      case 3 -> new Op.AddMember(key, bytes(), reset());
      case 4 -> new Op.RemoveMember(key, bytes());
      case 5 -> new Op.Append(key, upTo(TIME_MAX), bytes(), reset());
      default -> new Op.RemoveItem(key, upTo(TIME_MAX), Dot.of(random.nextInt(6), sequence()));
    };
  }
}
