package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Feature;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/** What an instance does that meets peers of later releases, and of earlier ones. */
class LaterReleaseTest {
  private static final Limits ROOMY = Group.limits(1_000, 1_000, 1_000, 2);
  private static final OriginId LATER = new OriginId(9, 9);
  private static final Key KEY = Key.of("k");
  private static final Bytes ITEM = Bytes.utf8("m");

  /** Two operations whose encodings differ in their numbers alone. */
  private static final Op ADD = new Op.AddMember(KEY, ITEM, null);

  private static final Op REMOVE = new Op.RemoveMember(KEY, ITEM);

  private final Group group = new Group(7);

  private static byte[] withChecksum(byte[] frame) {
    CRC32C crc = new CRC32C();
    crc.update(frame, 0, frame.length - 4);
    ByteBuffer.wrap(frame).putInt(frame.length - 4, (int) crc.getValue());
    return frame;
  }

  private Frame.Mutations of(OriginId author, long sequence, Op op) {
    long dot = Dot.of(group.origins().slot(author), sequence);
    Mutation mutation = new Mutation(dot, 1, new int[0], new long[0], null, 0, op);
    return new Frame.Mutations(author, List.of(mutation));
  }

  /** A mutation with an operation of a later release. */
  private byte[] unknown(OriginId author, long sequence, int operation) {
    byte[] frame = group.encode(of(author, sequence, ADD));
    int at = Arrays.mismatch(frame, group.encode(of(author, sequence, REMOVE)));
    frame[at] = (byte) operation;
    return withChecksum(frame);
  }

  private static void refuses(Member member, byte[] frame) {
    assertThrows(MalformedFrameException.class, () -> member.receive(frame));
  }

  private static void assertOutdated(Member member, String reason) {
    assertEquals(ReplicaStatus.State.OUTDATED, member.node.state());
    assertTrue(member.status().hindrance().contains(reason), member.status().hindrance());
    assertEquals(1, member.count(Effect.Event.Kind.CANNOT_FOLLOW));
    Reply get = member.call(new Command.Get(KEY));
    assertEquals(Reply.Reason.OUTDATED, assertInstanceOf(Reply.Rejected.class, get).reason());
    assertFalse(member.answersReplays);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 11, 255})
  void unknownOperationStopsALiveInstanceForGood(int operation) {
    Member member = group.live(2, ROOMY).getFirst();
    for (int i = 0; i < 2; i++) refuses(member, unknown(LATER, 1, operation));
    assertOutdated(
        member, "cannot follow instance " + LATER + ": it writes operation " + operation);
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    assertOutdated(member, "operation " + operation);
    assertNull(member.status().alarm());
  }

  @Test
  void positionBelowZeroStopsItToo() {
    Member member = group.live(2, ROOMY).getFirst();
    refuses(member, group.encode(of(LATER, 1, new Op.Append(KEY, -5, ITEM, null))));
    assertOutdated(member, "a position below 0");
  }

  @Test
  void itRefusesWholeBatchesAndPeersSeeIt() {
    List<Member> pair = group.live(2, ROOMY);
    refuses(pair.get(0), unknown(LATER, 1, 11));
    Reply reply = pair.get(0).call(new Command.Batch(List.of(new Command.Get(KEY))));
    Reply.Batch batch = assertInstanceOf(Reply.Batch.class, reply);
    assertInstanceOf(Reply.Rejected.class, batch.replies().getFirst());
    group.advance(100);
    assertEquals(ReplicaStatus.State.OUTDATED, pair.get(1).status().peers().getFirst().state());
  }

  @Test
  void itOffersNothingAndAsksForNothing() {
    Member member = group.live(1, ROOMY).getFirst();
    refuses(member, unknown(LATER, 1, 11));
    Member joiner = group.add();
    joiner.connect();
    group.advance(30_000);
    assertEquals(List.of(), member.sent(Frame.Offer.class));
    assertEquals(List.of(), member.sent(Frame.ReplayRequest.class));
  }

  @Test
  void whatItWroteBeforeCanStillBeHadFromIt() {
    List<Member> pair = group.live(2, ROOMY);
    group.lost = (sent, to) -> sent.is(Frame.Mutations.class);
    pair.get(0).set("mine", "v");
    refuses(pair.get(0), unknown(LATER, 1, 11));
    group.advance(2_000);
    assertEquals("v", pair.get(1).get("mine"));
  }

  @Test
  void itStaysSoWhenItLeavesAndComesBack() {
    Member member = group.live(2, ROOMY).getFirst();
    refuses(member, unknown(LATER, 1, 11));
    member.leave();
    member.node.rejoin(group.newOrigin(), member.now());
    member.connect();
    group.advance(10_000);
    assertOutdated(member, "operation 11");
  }

  @Test
  void whatIsAppliedAlreadyOrCannotBeTellsNothing() throws MalformedFrameException {
    List<Member> pair = group.live(2, ROOMY);
    OriginId peer = pair.get(1).node.id();
    pair.get(1).set("k", "v");
    refuses(pair.get(0), unknown(peer, 1, 11)); // applied
    refuses(pair.get(0), unknown(pair.get(0).node.id(), 1, 11)); // nobody else writes so
    assertEquals(ReplicaStatus.State.LIVE, pair.get(0).node.state());
    assertEquals(0, pair.get(0).count(Effect.Event.Kind.CANNOT_FOLLOW));
  }

  @Test
  void unknownOperationInAReplayStopsIt() throws MalformedFrameException {
    List<Member> pair = group.live(2, ROOMY);
    List<Frame.Replayed> replayed = new ArrayList<>();
    group.lost =
        (sent, to) -> {
          if (sent.frame() instanceof Frame.Replayed piece) replayed.add(piece);
          return sent.is(Frame.Mutations.class) || sent.is(Frame.Replayed.class);
        };
    pair.get(0).call(new Command.SetAdd(KEY, ITEM));
    group.advance(1_000);
    Frame.Replayed piece = replayed.getLast();
    FrameCodec codec = new FrameCodec(new Origins());
    Frame.Mutations whole = codec.decodeReplayed(piece.piece().array());
    Mutation mutation = whole.mutations().getFirst();
    Mutation other =
        new Mutation(
            mutation.dot(),
            mutation.hlc(),
            mutation.contextSlots(),
            mutation.contextDeltas(),
            null,
            mutation.rowHash(),
            REMOVE);
    Function<Mutation, byte[]> encode =
        one -> codec.encodeReplayed(new Frame.Mutations(whole.from(), List.of(one)));
    byte[] bytes = encode.apply(mutation);
    bytes[Arrays.mismatch(bytes, encode.apply(other))] = 12;
    Frame changed =
        new Frame.Replayed(
            piece.from(), piece.nonce(), piece.number(), 0, bytes.length, new Bytes(bytes));
    refuses(pair.get(1), group.encode(changed));
    assertOutdated(pair.get(1), "cannot follow instance " + whole.from() + ": it writes operation");
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 32, 128})
  void unknownFacetInASnapshotStopsAJoiner(int facet) {
    Member server = group.live(1, Group.limits(2, 1_000, 1_000, 2)).getFirst();
    for (int i = 0; i < 20; i++) server.set("k" + i, "v");
    group.tamper = bytes -> withFacet(bytes, facet);
    Member joiner = group.add();
    joiner.connect();
    group.advance(3_000);
    assertOutdated(joiner, "its snapshot has facet " + facet);
    assertEquals(0, joiner.node.keyspace().size());
    assertEquals(0, joiner.count(Effect.Event.Kind.SNAPSHOT_FAILED));
  }

  /** The frame; in a chunk the first bucket begins with an entry that has this facet. */
  private byte[] withFacet(byte[] frame, int facet) {
    if (!(group.decode(frame) instanceof Frame.SnapshotChunk chunk)) return frame;
    List<Frame.Piece> pieces = new ArrayList<>();
    int section = chunk.section();
    for (Frame.Piece piece : chunk.pieces()) {
      byte[] entry = {1, 1, 'x', (byte) facet};
      boolean first = section == 1 && (chunk.section() < 1 || pieces.isEmpty());
      pieces.add(first ? new Frame.Piece(piece.ends(), new Bytes(entry)) : piece);
      if (piece.ends()) section++;
    }
    return group.encode(
        new Frame.SnapshotChunk(
            chunk.from(),
            chunk.nonce(),
            chunk.cut(),
            chunk.section(),
            chunk.offset(),
            chunk.last(),
            pieces));
  }

  @Test
  void unknownTypesAndOtherChannelsTellNothing() {
    Member member = group.live(2, ROOMY).getFirst();
    byte[] frame = group.encode(new Frame.Beacon(LATER, 1, 1));
    frame[3] = 21;
    withChecksum(frame);
    for (Channel channel : Channel.values()) {
      assertThrows(
          MalformedFrameException.class, () -> member.node.receive(channel, frame, member.now()));
    }
    byte[] beacon = group.encode(new Frame.Beacon(LATER, 1, 1));
    assertThrows(
        MalformedFrameException.class,
        () -> member.node.receive(Channel.DIRECT, beacon, member.now()));
    group.advance(1);
    assertEquals(List.of(), member.events);
    assertEquals(1, member.status().peers().size());
  }

  private byte[] ofVersion(int version, OriginId from) {
    byte[] frame = group.encode(new Frame.Beacon(from, 1, 1));
    frame[2] = (byte) version;
    return withChecksum(frame);
  }

  @Test
  void anotherVersionIsToldOnceForEachSenderUntilItIsSilent() {
    List<Member> pair = group.live(2, ROOMY);
    Member member = pair.getFirst();
    OriginId peer = pair.get(1).node.id();
    for (int i = 0; i < 3; i++) refuses(member, ofVersion(1, LATER));
    assertEquals(1, member.count(Effect.Event.Kind.OTHER_VERSION));
    assertEquals(
        "an instance speaks version 1 of the protocol, this one speaks 2: " + LATER,
        member.status().problems().getFirst());
    refuses(member, ofVersion(3, peer));
    assertEquals(2, member.count(Effect.Event.Kind.OTHER_VERSION));
    assertTrue(
        member.status().problems().getFirst().endsWith(" and 1 more"),
        member.status().problems().getFirst());
    group.advance(2 * Group.HEARTBEAT_MILLIS);
    refuses(member, ofVersion(3, peer));
    group.advance(2 * Group.HEARTBEAT_MILLIS);
    assertTrue(
        member.status().problems().getFirst().contains("version 3"),
        member.status().problems().getFirst());
    group.advance(2 * Group.HEARTBEAT_MILLIS);
    assertEquals(List.of(), member.status().problems());
    assertEquals(ReplicaStatus.State.LIVE, member.node.state());
    refuses(member, ofVersion(1, LATER));
    assertEquals(3, member.count(Effect.Event.Kind.OTHER_VERSION));
  }

  @Test
  void manySendersOfAnotherVersionAreNotAllRemembered() {
    Member member = group.live(2, ROOMY).getFirst();
    for (int i = 0; i < 1_000; i++) refuses(member, ofVersion(1, new OriginId(5, i)));
    assertEquals(OtherVersions.SENDERS_MAX, member.count(Effect.Event.Kind.OTHER_VERSION));
    assertTrue(
        member.status().problems().getFirst().endsWith(" and 63 more"),
        member.status().problems().getFirst());
  }

  private byte[] heartbeat(OriginId from, boolean live, long features) {
    return group.encode(
        new Frame.Heartbeat(
            from,
            live,
            false,
            false,
            0,
            group.members.getFirst().now().wallMillis(),
            0,
            new org.natskvcache.crdt.VersionVector(group.origins()),
            0,
            0,
            0,
            0,
            List.of(),
            features));
  }

  @Test
  void whatNeedsAFeatureWaitsForEveryLiveInstance() throws MalformedFrameException {
    Member member = group.live(1, ROOMY).getFirst();
    Feature feature = new Feature(1L << 40, "PERSIST");
    assertNull(member.node.lacking(feature)); // alone
    member.receive(heartbeat(LATER, false, 1)); // joining
    assertNull(member.node.lacking(feature));
    member.receive(heartbeat(LATER, true, 1L << 40 | 1));
    assertNull(member.node.lacking(feature));
    assertEquals(1L << 40 | 1, member.status().peers().getFirst().features());
    member.receive(heartbeat(LATER, true, 1));
    Reply.Rejected refused = assertInstanceOf(Reply.Rejected.class, member.node.lacking(feature));
    assertEquals(Reply.Reason.FEATURE_MISSING, refused.reason());
    assertEquals(
        "feature missing: PERSIST: instance " + LATER + " lacks it; upgrade it", refused.text());
    assertNull(member.node.lacking(null));
  }

  @Test
  void reservedFlagOfADeleteIsIgnoredAndNotPassedOn() throws MalformedFrameException {
    List<Member> pair = group.live(2, ROOMY);
    pair.forEach(member -> member.set("k", "v"));
    Frame.Mutations delete = of(LATER, 1, new Op.Delete(KEY, Observed.NOTHING, false));
    byte[] frame = group.encode(delete);
    int flags =
        Arrays.mismatch(
            frame, group.encode(of(LATER, 1, new Op.Delete(KEY, Observed.NOTHING, true))));
    byte[] evicted = frame.clone();
    evicted[flags] = 16;
    pair.getFirst().receive(withChecksum(evicted));
    assertEquals(1, pair.getFirst().node.applied().toMap().get(LATER));
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    assertEquals(1, pair.get(1).node.applied().toMap().get(LATER));
    Frame.Replayed replayed =
        (Frame.Replayed) pair.getFirst().sent(Frame.Replayed.class).getLast().frame();
    byte[] record = Arrays.copyOfRange(frame, 22, frame.length - 4);
    byte[] passedOn = replayed.piece().array();
    int hashBytes = Long.BYTES; // the row's hash may be told or not
    assertEquals(
        ByteBuffer.wrap(record, 0, record.length - hashBytes),
        ByteBuffer.wrap(passedOn, 17, passedOn.length - 17 - hashBytes));
  }
}
