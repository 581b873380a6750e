package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.ByteWriter;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
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
    node.receive(
        Channel.MUTATIONS, Frames.encode(codec, new Frame.Mutations(PEER, List.of(mutation))), now);
    assertEquals(1, node.keyspace().size());
    node.takeEffects();
    node.call(command, now);
    node.flush();
    List<Frame> sent = new ArrayList<>();
    for (Effect effect : node.takeEffects()) {
      if (effect instanceof Effect.Publish publish) sent.add(Frames.decode(codec, publish.frame()));
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

  private static final int VERSIONS = 1;
  private static final int CHAINS = 2;
  private static final int ITEMS = 4;
  private static final int MEMBERS = 8;

  private static byte[] bytes(Consumer<ByteWriter> content) {
    ByteWriter out = new ByteWriter(64);
    content.accept(out);
    return out.toBytes();
  }

  /** An entry with one facet of these elements. */
  private static byte[] entry(Key key, int facet, byte[]... elements) {
    return bytes(out -> {
      out.bytes(key.stored().array());
      out.u8(facet);
      out.varint(elements.length);
      for (byte[] element : elements) out.raw(element, 0, element.length);
    });
  }

  private static void dot(long sequence, ByteWriter out) {
    out.varint(0);
    out.varint(sequence);
  }

  private static byte[] version(long sequence, long hlc) {
    return bytes(out -> {
      dot(sequence, out);
      out.u64(hlc);
      out.varint(0);
      out.bytes(VALUE);
    });
  }

  private static byte[] chain(long last) {
    return chain(last, 0);
  }

  private static byte[] chain(long last, long base) {
    return bytes(out -> {
      dot(1, out);
      out.varint(last);
      out.varint(base);
      for (int i = 0; i < 3; i++) out.u8(0);
    });
  }

  private static byte[] item(long position, long sequence) {
    return bytes(out -> {
      out.u64(position);
      dot(sequence, out);
      out.bytes(VALUE);
    });
  }

  private static byte[] member(long... sequences) {
    return bytes(out -> {
      out.bytes(VALUE);
      out.varint(sequences.length);
      for (long sequence : sequences) dot(sequence, out);
    });
  }

  /**
   * Whether a replica installs a snapshot of these entries, put into the bucket of {@link #KEY}.
   * Its vector includes five mutations of the peer.
   */
  private static boolean installs(byte[]... entries) {
    return installsInto(state().keyspace().bucket(KEY), entries);
  }

  private static boolean installsInto(int bucket, byte[]... entries) {
    List<byte[]> sections = new ArrayList<>();
    sections.add(header(5));
    for (int i = 0; i < BUCKETS; i++) sections.add(new byte[1]);
    sections.set(
        1 + bucket,
        bytes(out -> {
          out.varint(entries.length);
          for (byte[] entry : entries) out.raw(entry, 0, entry.length);
        }));
    return installs(sections);
  }

  private static boolean installs(List<byte[]> sections) {
    ReplicatedState state = state();
    Staging staging = state.newStaging();
    List<Frame.Piece> pieces = new ArrayList<>();
    for (byte[] section : sections) pieces.add(new Frame.Piece(true, new Bytes(section)));
    assertTrue(staging.add(new Frame.SnapshotChunk(PEER, 1, 1, 0, 0, true, pieces)));
    boolean installed = state.install(staging, Long.MAX_VALUE) == ReplicatedState.Installed.DONE;
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
          public void settled(int slot) {}

          @Override
          public void forgot(SortedMap<OriginId, Long> gone) {}

          @Override
          public void contradiction(String text) {}
        });
  }

  @Test
  void whatTheVectorIncludesIsInstalled() {
    assertTrue(installs(entry(KEY, VERSIONS, version(5, TIME_MAX))));
    assertTrue(installs(entry(KEY, CHAINS, chain(5))));
    assertTrue(installs(entry(KEY, ITEMS, item(1, 4), item(1, 5), item(TIME_MAX, 1))));
    assertTrue(installs(entry(KEY, MEMBERS, member(4, 5))));
  }

  @Test
  void dotBeyondTheVectorIsRefused() {
    assertFalse(installs(entry(KEY, VERSIONS, version(6, 1))));
    assertFalse(installs(entry(KEY, VERSIONS, version(0, 1))));
    assertFalse(installs(entry(KEY, CHAINS, chain(6))));
    assertFalse(installs(entry(KEY, ITEMS, item(1, 6))));
    assertFalse(installs(entry(KEY, MEMBERS, member(5, 6))));
  }

  /** Its server may have believed a reset that lied. */
  @Test
  void baseBeyondTheVectorIsInstalled() {
    assertTrue(installs(entry(KEY, CHAINS, chain(5, 6))));
    assertTrue(installs(entry(KEY, CHAINS, chain(5, Dot.SEQUENCE_MAX))));
    assertFalse(installs(entry(KEY, CHAINS, chain(5, Dot.SEQUENCE_MAX + 1))));
  }

  @Test
  void twoVersionsOrChainsOfOneOriginAreRefused() {
    assertFalse(installs(entry(KEY, VERSIONS, version(1, 1), version(2, 2))));
    assertFalse(installs(entry(KEY, CHAINS, chain(3), chain(5))));
  }

  @Test
  void itemOrMemberTwiceIsRefused() {
    assertFalse(installs(entry(KEY, ITEMS, item(1, 2), item(1, 2))));
    assertFalse(installs(entry(KEY, MEMBERS, member(2, 2))));
    assertFalse(installs(entry(KEY, MEMBERS, member(2), member(2))));
  }

  @Test
  void itemsOutOfOrderAreRefused() {
    assertFalse(installs(entry(KEY, ITEMS, item(2, 2), item(1, 3))));
    assertFalse(installs(entry(KEY, ITEMS, item(1, 3), item(1, 2))));
  }

  @Test
  void timesOutOfRangeAreRefused() {
    assertFalse(installs(entry(KEY, VERSIONS, version(5, TIME_MAX + 1))));
    assertFalse(installs(entry(KEY, VERSIONS, version(5, -1))));
    assertFalse(installs(entry(KEY, ITEMS, item(TIME_MAX + 1, 2))));
  }

  @Test
  void keyInAnotherBucketOrTwiceIsRefused() {
    byte[] entry = entry(KEY, VERSIONS, version(5, 1));
    assertFalse(installsInto((state().keyspace().bucket(KEY) + 1) % BUCKETS, entry));
    assertFalse(installs(entry, entry));
  }

  /** 10,000 origins, each with a row that names the last of them: 800 MB as arrays by slot. */
  @Test
  void headerTakesMemoryForItsMarksAndNotForTheirSlots() throws MalformedFrameException {
    int origins = 10_000;
    byte[] header =
        bytes(out -> {
          out.varint(origins);
          for (int i = 0; i < origins; i++) {
            out.origin(new OriginId(7, i));
            out.varint(1);
          }
          out.u64(0);
          for (int i = 0; i < origins; i++) {
            out.varint(1);
            out.varint(origins - 1);
            out.varint(1);
          }
          out.varint(BUCKETS);
          for (int i = 0; i < BUCKETS; i++) out.varint(0);
        });
    SnapshotCodec.Header read =
        new SnapshotCodec(new Origins()).decodeHeader(header, BUCKETS).header();
    long bytes = read.vector().footprint();
    for (VersionVector row : read.rows()) bytes += row.footprint();
    assertTrue(bytes < 8 * header.length, bytes + " of " + header.length);
  }

  @Test
  void headerThatIsRefusedLeavesNoNames() {
    byte[] header = header(5);
    for (int length = 0; length < header.length; length++) {
      Origins origins = new Origins();
      byte[] cut = Arrays.copyOf(header, length);
      assertThrows(
          MalformedFrameException.class,
          () -> new SnapshotCodec(origins).decodeHeader(cut, BUCKETS));
      assertEquals(0, origins.size());
    }
  }

  @Test
  void originWithoutMarkOrTwiceInTheVectorIsRefused() {
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
    ByteWriter out = new ByteWriter(64);
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
