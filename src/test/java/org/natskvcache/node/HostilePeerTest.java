package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Entry;
import org.natskvcache.store.EntryLoader;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** Well-formed bytes that no replica of ours would write. None may make us one that others drop. */
class HostilePeerTest {
  private static final OriginId PEER = new OriginId(7, 7);
  private static final long TIME_MAX = 1L << 62;
  private static final Limits LIMITS = Group.limits(100, 100, 1_000, 2);
  private static final int BUCKETS = 1 << LIMITS.digestBucketBits();
  private static final Key KEY = Key.of("k");
  private static final byte[] VALUE = {1};

  // ---------------------------------------------------------------- frames

  /** A node that received one mutation of a peer and then ran a command; the frames it sent. */
  private static List<Frame> sentAfter(long hlc, Op op, Command command)
      throws MalformedFrameException {
    Time now = new Time(1_000_000, 0);
    var node =
        new Node(
            NodeSettings.replicated(LIMITS, 1_000),
            new OriginId(1, 1),
            new SplittableRandom(1),
            now);
    node.connected(now);
    Origins origins = new Origins();
    FrameCodec codec = new FrameCodec(origins);
    long dot = Dot.of(origins.slot(PEER), 1);
    Mutation mutation = new Mutation(dot, hlc, new int[0], new long[0], null, 0, op);
    node.receive(codec.encode(new Frame.Mutations(PEER, List.of(mutation))), now);
    assertEquals(1, node.keyspace().size());
    node.takeEffects();
    node.call(command, now);
    node.flush();
    List<Frame> sent = new ArrayList<>();
    for (Effect effect : node.takeEffects()) {
      if (effect instanceof Effect.Publish publish) sent.add(codec.decode(publish.frame()));
    }
    assertFalse(sent.isEmpty());
    return sent;
  }

  @Test
  void clockAtItsEndIsNotPushedBeyond() throws MalformedFrameException {
    Op put = new Op.Put(KEY, new Bytes(VALUE), 0, Observed.NOTHING);
    sentAfter(TIME_MAX, put, new Command.Increment(Key.of("n"), 1));
  }

  @Test
  void listAtItsEndTakesItemsThatPeersRead() throws MalformedFrameException {
    Op append = new Op.Append(KEY, TIME_MAX, new Bytes(VALUE), null);
    sentAfter(1, append, new Command.ListAdd(KEY, new Bytes(VALUE)));
  }

  // ---------------------------------------------------------------- snapshots

  private final Origins origins = new Origins();
  private final int peer = origins.slot(PEER);
  private final SnapshotCodec codec = new SnapshotCodec(origins);
  private final VersionVector vector = new VersionVector(origins);

  private EntryLoader entry(Key key) {
    return new EntryLoader(key, origins);
  }

  private Entry register(Key key, long sequence, long hlc) {
    EntryLoader entry = entry(key);
    entry.register(Dot.of(peer, sequence), hlc, 0, VALUE);
    return entry.entry();
  }

  /**
   * Whether a replica installs a snapshot of these entries, put into the bucket of {@link #KEY}.
   */
  private boolean installs(Entry... entries) {
    return installsInto(state().keyspace().bucket(KEY), entries);
  }

  private boolean installsInto(int bucket, Entry... entries) {
    List<VersionVector> bucketVectors = new ArrayList<>();
    for (int i = 0; i < BUCKETS; i++) bucketVectors.add(new VersionVector(origins));
    var header = new SnapshotCodec.Header(vector, 0, List.of(), bucketVectors);
    var table = new SnapshotCodec.Table(vector, origins);
    List<byte[]> sections = new ArrayList<>();
    sections.add(codec.encode(header, table));
    for (int i = 0; i < BUCKETS; i++) {
      sections.add(codec.encode(i == bucket ? List.of(entries) : List.of(), table));
    }
    return installs(sections);
  }

  private static boolean installs(List<byte[]> sections) {
    ReplicatedState state = state();
    Staging staging = state.newStaging();
    List<Frame.Piece> pieces = new ArrayList<>();
    for (byte[] section : sections) pieces.add(new Frame.Piece(true, new Bytes(section)));
    assertTrue(staging.add(new Frame.SnapshotChunk(PEER, 1, 0, 0, true, pieces)));
    boolean installed = state.install(staging) == ReplicatedState.Installed.DONE;
    assertEquals(installed, !state.applied().toMap().isEmpty());
    return installed;
  }

  private static ReplicatedState state() {
    return new ReplicatedState(
        NodeSettings.replicated(LIMITS, 1_000),
        new OriginId(1, 1),
        new ReplicatedState.Listener() {
          @Override
          public void beforeChange(int bucket) {}

          @Override
          public void beforeInstall() {}

          @Override
          public void settled(int slot) {}

          @Override
          public void forgot(SortedMap<OriginId, Long> gone) {}

          @Override
          public void contradiction(String text) {}
        });
  }

  @Test
  void whatTheVectorIncludesIsInstalled() {
    vector.raise(peer, 5);
    assertTrue(installs(register(KEY, 5, TIME_MAX)));
  }

  @Test
  void dotBeyondTheVectorIsRefused() {
    vector.raise(peer, 5);
    assertFalse(installs(register(KEY, 6, 1)));
    assertFalse(installs(register(KEY, 0, 1)));
    EntryLoader member = entry(KEY);
    member.member(new Bytes(VALUE), new long[] {Dot.of(peer, 5), Dot.of(peer, 6)});
    assertFalse(installs(member.entry()));
  }

  @Test
  void chainBeyondTheVectorOrTwiceIsRefused() {
    vector.raise(peer, 5);
    EntryLoader beyond = entry(KEY);
    beyond.chain(chain(6));
    assertFalse(installs(beyond.entry()));
    EntryLoader twice = entry(KEY);
    twice.chain(chain(3));
    twice.chain(chain(5));
    assertFalse(installs(twice.entry()));
    EntryLoader once = entry(KEY);
    once.chain(chain(5));
    assertTrue(installs(once.entry()));
  }

  private Chain chain(long last) {
    Chain chain = new Chain(peer, 1);
    chain.last = last;
    return chain;
  }

  @Test
  void twoVersionsOfOneOriginAreRefused() {
    vector.raise(peer, 5);
    EntryLoader entry = entry(KEY);
    entry.register(Dot.of(peer, 1), 1, 0, VALUE);
    entry.register(Dot.of(peer, 2), 2, 0, VALUE);
    assertFalse(installs(entry.entry()));
  }

  @Test
  void itemTwiceIsRefused() {
    vector.raise(peer, 5);
    EntryLoader entry = entry(KEY);
    entry.item(1, Dot.of(peer, 2), VALUE);
    entry.item(1, Dot.of(peer, 2), VALUE);
    assertFalse(installs(entry.entry()));
  }

  @Test
  void timesOutOfRangeAreRefused() {
    vector.raise(peer, 5);
    assertFalse(installs(register(KEY, 5, TIME_MAX + 1)));
    assertFalse(installs(register(KEY, 5, -1)));
    EntryLoader item = entry(KEY);
    item.item(TIME_MAX + 1, Dot.of(peer, 2), VALUE);
    assertFalse(installs(item.entry()));
  }

  @Test
  void keyInAnotherBucketOrTwiceIsRefused() {
    vector.raise(peer, 5);
    assertFalse(installsInto((state().keyspace().bucket(KEY) + 1) % BUCKETS, register(KEY, 5, 1)));
    assertFalse(installs(register(KEY, 5, 1), register(KEY, 5, 1)));
  }

  @Test
  void originWithoutMarkOrTwiceInTheVectorIsRefused() {
    vector.raise(peer, 5);
    List<byte[]> sections = new ArrayList<>();
    for (int i = 0; i <= BUCKETS; i++) sections.add(new byte[1]);
    sections.set(0, header(5));
    assertTrue(installs(sections));
    sections.set(0, header(0));
    assertFalse(installs(sections));
    sections.set(0, header(5, 4));
    assertFalse(installs(sections));
  }

  /** A header that names the peer with each of these marks. */
  private static byte[] header(int... marks) {
    var out = new org.natskvcache.replication.wire.ByteWriter(64);
    out.varint(marks.length);
    for (int mark : marks) {
      out.origin(PEER);
      out.varint(mark);
    }
    out.u64(0);
    for (int i = 0; i < marks.length; i++) out.varint(0);
    out.varint(BUCKETS);
    for (int i = 0; i < BUCKETS; i++) out.varint(0);
    return out.toBytes();
  }
}
