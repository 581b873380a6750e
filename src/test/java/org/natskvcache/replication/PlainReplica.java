package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Join;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Decision;
import org.natskvcache.store.Key;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Merge;
import org.natskvcache.store.Mutation;

/**
 * Keyspace and delivery of one replica, without peers, timers or repair; frames are carried by
 * hand.
 */
final class PlainReplica {
  static final int BUCKET_BITS = 3;
  static final int SECTIONS = 1 + (1 << BUCKET_BITS);
  static final Limits LIMITS =
      new Limits(
          1 << 10,
          1 << 12,
          1 << 20,
          100,
          1 << 20,
          1_000,
          100,
          1_000,
          1_000,
          100,
          2,
          BUCKET_BITS,
          100,
          1_024);

  final Origins origins = new Origins();
  final Keyspace keyspace = new Keyspace(origins, LIMITS, Defect.NONE);
  final Delivery delivery = new Delivery(origins, LIMITS, Defect.NONE);
  final BucketVectors buckets = new BucketVectors(origins, BUCKET_BITS);
  final FrameCodec codec = new FrameCodec(origins);
  final SnapshotCodec snapshots = new SnapshotCodec(origins);
  final List<Cut> cuts = new ArrayList<>();
  final OriginId id;
  final int me;
  long nowMillis = 1_000_000;
  private Merge merge;
  private long hlc;

  PlainReplica(OriginId id) {
    this.id = id;
    me = origins.slot(id);
  }

  /** Runs a command; the frame of its mutation, if there is one. */
  Optional<byte[]> run(Command command) {
    hlc = Math.max(hlc + 1, nowMillis << 16);
    Decision decision = keyspace.decide(command, nowMillis, hlc, me);
    if (decision.op() == null) return Optional.empty();
    VersionVector row = delivery.row(me);
    List<Integer> risen = new ArrayList<>();
    for (int slot = 0; slot < origins.size(); slot++) {
      if (slot != me && delivery.applied().get(slot) > row.get(slot)) risen.add(slot);
    }
    int[] slots = risen.stream().mapToInt(slot -> slot).toArray();
    long[] deltas = risen.stream().mapToLong(s -> delivery.applied().get(s) - row.get(s)).toArray();
    long dot = Dot.of(me, delivery.applied().get(me) + 1);
    apply(new Mutation(dot, hlc, slots, deltas, null, 0, decision.op()));
    Mutation sent = new Mutation(dot, hlc, slots, deltas, null, row.hash(), decision.op());
    return Optional.of(Frames.encode(codec, new Frame.Mutations(id, List.of(sent))));
  }

  private void apply(Mutation mutation) {
    int bucket = keyspace.bucket(mutation.op().key());
    for (Cut cut : cuts) cut.beforeChange(bucket);
    if (merge != null) merge.touched(mutation.op().key());
    VersionVector row = delivery.advance(mutation);
    hlc = Math.max(hlc, mutation.hlc());
    assertNull(keyspace.apply(mutation, row, me));
    int author = Dot.slot(mutation.dot());
    buckets.touch(bucket, author, Dot.sequence(mutation.dot()));
    if (mutation.rowHash() != 0) assertEquals(mutation.rowHash(), row.hash());
  }

  /** Takes one frame of mutations in any order. */
  void receive(byte[] frame) {
    for (Mutation mutation : mutations(frame)) {
      if (delivery.judge(mutation) == Delivery.Verdict.READY) apply(mutation);
    }
    for (Mutation m = delivery.nextReady(); m != null; m = delivery.nextReady()) apply(m);
  }

  private List<Mutation> mutations(byte[] frame) {
    try {
      return ((Frame.Mutations) Frames.decode(codec, frame)).mutations();
    } catch (MalformedFrameException malformed) {
      throw new AssertionError(malformed);
    }
  }

  Cut cut() {
    Cut cut = new Cut(keyspace, snapshots, Cut.header(delivery, buckets, origins, hlc));
    cuts.add(cut);
    return cut;
  }

  Staging staging() {
    merge = null;
    return new Staging(
        snapshots,
        SECTIONS - 1,
        header -> {
          Join rule =
              new Join(
                  delivery.applied(),
                  header.vector(),
                  Defect.NONE,
                  said -> {
                    throw new AssertionError(said);
                  });
          merge = new Merge(keyspace, rule);
          return merge;
        });
  }

  /** Joins a whole cut into this replica; false, and nothing changed, if it cannot be read. */
  boolean install(List<byte[]> sections) {
    Staging staging = staging();
    assertTrue(add(staging, new Cut.Part(0, 0, pieces(sections), true)));
    if (staging.unreadable()) return false;
    install(staging);
    return true;
  }

  static List<Frame.Piece> pieces(List<byte[]> sections) {
    return sections.stream().map(bytes -> new Frame.Piece(true, new Bytes(bytes))).toList();
  }

  void install(Staging staging) {
    SnapshotCodec.Header header = staging.header();
    staging
        .merge()
        .finish(
            me,
            chain -> {
              VersionVector mine = delivery.rowIfKnown(chain.slot);
              VersionVector theirs =
                  chain.slot < header.rows().size() ? header.rows().get(chain.slot) : null;
              return (mine != null && mine.covers(chain.resetDot))
                  || (theirs != null && theirs.covers(chain.resetDot));
            },
            bucket -> cuts.forEach(cut -> cut.beforeChange(bucket)));
    merge = null;
    for (int bucket = 0; bucket < buckets.size(); bucket++) {
      VersionVector touched = header.bucketVectors().get(bucket);
      for (int slot = touched.next(0); slot >= 0; slot = touched.next(slot + 1)) {
        buckets.touch(bucket, slot, touched.get(slot));
      }
    }
    delivery.install(header.vector(), header.rows());
    hlc = Math.max(hlc, header.hlc());
  }

  /** The whole state as the sections of a cut taken now. */
  List<byte[]> state() {
    Cut cut = cut();
    cuts.remove(cut);
    return read(cut, Integer.MAX_VALUE);
  }

  /** All sections of a cut, asked for in parts of so many bytes. */
  static List<byte[]> read(Cut cut, int chunkBytes) {
    List<byte[]> sections = new ArrayList<>();
    ByteArrayOutputStream open = new ByteArrayOutputStream();
    while (sections.size() < SECTIONS) {
      Cut.Part part = cut.part(sections.size(), open.size(), chunkBytes);
      for (Frame.Piece piece : part.pieces()) {
        open.writeBytes(piece.bytes().array());
        if (!piece.ends()) continue;
        sections.add(open.toByteArray());
        open = new ByteArrayOutputStream();
      }
    }
    return sections;
  }

  static boolean add(Staging staging, Cut.Part part) {
    return staging.add(
        new Frame.SnapshotChunk(
            new OriginId(0, 0), 1, 1, part.section(), part.offset(), part.last(), part.pieces()));
  }

  /** Another replica in the same state, with its slots in another order. */
  PlainReplica copy(OriginId name) {
    PlainReplica copy = new PlainReplica(name);
    copy.joinIn(this);
    return copy;
  }

  void joinIn(PlainReplica theirs) {
    assertTrue(install(theirs.state()));
  }

  /** Equal for replicas in equal states, whatever their slots. */
  String summary() {
    assertEquals(keyspace.recomputedDigest(), keyspace.digest());
    assertEquals(keyspace.recomputedFootprint(), keyspace.footprint());
    StringBuilder out = new StringBuilder().append(delivery.applied()).append(' ');
    out.append(keyspace.footprint()).append(' ');
    for (int bucket = 0; bucket < buckets.size(); bucket++) {
      out.append(buckets.get(bucket)).append('=');
      out.append(keyspace.bucketDigest(bucket)).append(' ');
    }
    return out.toString();
  }

  /** Any command that may change something, on one of a few keys. */
  static Command command(RandomGenerator random) {
    Key key = Key.of("k" + random.nextInt(6));
    Bytes value = Bytes.utf8("v" + random.nextInt(3));
    return switch (random.nextInt(9)) {
      case 0 -> new Command.Set(key, value, 0);
      case 1 -> new Command.Set(key, Bytes.utf8("" + random.nextInt(9)), 1 + random.nextInt(50));
      case 2 -> new Command.Delete(key);
      case 3, 4 -> new Command.Increment(key, random.nextInt(19) - 5);
      case 5 -> new Command.SetAdd(key, value);
      case 6 -> new Command.SetRemove(key, value);
      case 7 -> new Command.ListAdd(key, value);
      default -> new Command.ListRemove(key, value);
    };
  }
}
