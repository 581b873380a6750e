package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Group.Member;
import org.natskvcache.node.Group.Sent;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.FaultyMemory;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/** Whole nodes, two or three at a time, each protocol step by itself. */
class NodeTest {
  private static final Limits ROOMY = Group.limits(1_000, 1_000, 1_000, 2);

  /** A ring of three mutations: who is further behind needs a snapshot. */
  private static final Limits SHORT_RING = Group.limits(3, 1_000, 100, 2);

  private Group group = new Group(1);

  private static byte[] withChecksum(byte[] frame) {
    CRC32C crc = new CRC32C();
    crc.update(frame, 0, frame.length - 4);
    for (int i = 0; i < 4; i++) {
      frame[frame.length - 1 - i] = (byte) (crc.getValue() >>> (8 * i));
    }
    return frame;
  }

  private static void fill(Member member, int keys) {
    for (int i = 0; i < keys; i++) member.set("k" + i, "v" + i);
  }

  @Nested
  class Joining {
    @Test
    void offersAreAskedForAgainWhileALivePeerIsHeard() {
      group.live(1, ROOMY).getFirst().set("k", "v");
      long late = group.tick + 250;
      group.lost = (sent, to) -> sent.is(Frame.Offer.class) && group.tick < late;
      Member joiner = group.add(ROOMY);
      joiner.connect();
      group.advance(200);
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      group.advance(200);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertEquals("v", joiner.get("k"));
      group.lost = (sent, to) -> sent.is(Frame.Offer.class);
      Member unlucky = group.add(ROOMY);
      unlucky.connect();
      group.advance(29_000);
      assertEquals(ReplicaStatus.State.JOINING, unlucky.node.state());
      group.advance(2_000);
      assertEquals(ReplicaStatus.State.LIVE, unlucky.node.state());
    }

    @Test
    void aloneItIsLiveAfterASecondOfSilence() {
      Member alone = group.add();
      assertEquals(ReplicaStatus.State.JOINING, alone.node.state());
      group.advance(5_000);
      assertEquals(ReplicaStatus.State.JOINING, alone.node.state()); // nobody was asked yet
      alone.connect();
      group.advance(999);
      assertEquals(ReplicaStatus.State.JOINING, alone.node.state());
      assertFalse(alone.answersReplays);
      group.advance(1);
      assertEquals(ReplicaStatus.State.LIVE, alone.node.state());
      assertTrue(alone.answersReplays);
      assertEquals(1, alone.count(Effect.Event.Kind.LIVE));
      assertEquals(5, alone.sent(Frame.OfferRequest.class).size());
    }

    @ParameterizedTest
    @ValueSource(longs = {60, 150, 300, 650})
    void aStallOfTheOnlyPeerIsNotTakenForNobody(long stallMillis) {
      Member live = group.live(1, ROOMY).getFirst();
      live.increment("visits", 2);
      long stalledUntil = group.tick + stallMillis;
      group.lost = (sent, to) -> group.tick < stalledUntil;
      Member joiner = group.add(ROOMY);
      joiner.connect();
      group.advance(stallMillis - 1);
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      group.advance(999 - stallMillis);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertEquals(new Reply.Amount(5), joiner.increment("visits", 3));
    }

    @Test
    void itsOwnStallIsNotTakenForSilence() {
      Member live = group.live(1, ROOMY).getFirst();
      live.increment("visits", 2);
      group.lost = (sent, to) -> true;
      Member joiner = group.add(ROOMY);
      joiner.connect();
      group.tick += 5_000; // nothing is done meanwhile
      group.advance(1);
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      group.lost = (sent, to) -> false;
      group.advance(500);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertEquals("2", joiner.get("visits"));
    }

    @Test
    void groupThatStartsTogetherIsLiveAfterASecond() {
      List<Member> trio = List.of(group.add(), group.add(), group.add());
      trio.forEach(Member::connect);
      group.advance(999);
      trio.forEach(each -> assertEquals(ReplicaStatus.State.JOINING, each.node.state()));
      group.advance(1);
      trio.forEach(each -> assertEquals(ReplicaStatus.State.LIVE, each.node.state()));
    }

    @Test
    void aloneItIsLiveAtOnceIfNobodyListens() {
      Member alone = group.add();
      alone.tellAlone();
      assertEquals(ReplicaStatus.State.JOINING, alone.node.state()); // nobody was asked yet
      alone.connect();
      alone.tellAlone();
      assertEquals(ReplicaStatus.State.LIVE, alone.node.state());
      assertTrue(alone.answersReplays);
      alone.tellAlone(); // once more, late
      assertEquals(1, alone.count(Effect.Event.Kind.LIVE));
    }

    @Test
    void thatNobodyListensIsNotBelievedWhereALiveOneIsHeard() {
      Member live = group.live(1, ROOMY).getFirst();
      live.set("k", "v");
      group.lost = (sent, to) -> sent.is(Frame.OfferRequest.class);
      Member joiner = group.add(ROOMY);
      joiner.connect();
      group.advance(30); // its hello is answered
      joiner.tellAlone();
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      assertEquals(1, joiner.sent(Frame.OfferRequest.class).size());
      group.lost = (sent, to) -> false;
      group.advance(200);
      assertEquals("v", joiner.get("k"));
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    }

    @Test
    void thatNobodyListensComesTooLateAfterAnOffer() {
      fill(group.live(1, SHORT_RING).getFirst(), 50);
      group.lost =
          (sent, to) -> sent.is(Frame.SnapshotChunk.class) || sent.is(Frame.Heartbeat.class);
      Member joiner = group.add(SHORT_RING);
      joiner.connect();
      group.advance(50);
      joiner.tellAlone();
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
    }

    @Test
    void wronglyTakenForAloneItGetsEverythingSoonAfter() {
      Member live = group.live(1, SHORT_RING).getFirst();
      fill(live, 50);
      group.lost = (sent, to) -> sent.is(Frame.OfferRequest.class);
      Member joiner = group.add(SHORT_RING);
      joiner.connect();
      joiner.tellAlone();
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      group.advance(3_000);
      assertEquals("v49", joiner.get("k49"));
      group.assertAgreed();
    }

    @Test
    void peersAreNotComparedBeforeItHasCaughtUp() {
      Member live = group.live(1, ROOMY).getFirst();
      live.set("k", "v");
      group.lost = (sent, to) -> !sent.is(Frame.Heartbeat.class);
      Member joiner = group.add(ROOMY);
      joiner.connect();
      group.advance(50); // its hello is answered
      assertEquals(ReplicaStatus.Agreement.UNKNOWN, agreementSeenBy(joiner));
      group.lost = (sent, to) -> false;
      group.advance(250);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.Agreement.EQUAL, agreementSeenBy(joiner));
      group.lost = (sent, to) -> !sent.is(Frame.Heartbeat.class);
      live.set("k", "again");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.Agreement.DIFFERENT_VECTORS, agreementSeenBy(joiner));
    }

    @Test
    void wronglyTakenForAloneItSaysWhenItHasCaughtUp() {
      Member live = group.live(1, SHORT_RING).getFirst();
      fill(live, 50);
      group.lost = (sent, to) -> !sent.is(Frame.Heartbeat.class);
      Member joiner = group.add(SHORT_RING);
      joiner.connect();
      joiner.tellAlone();
      assertEquals("entries=0 offers=none", joiner.events.getLast().detail());
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.Agreement.UNKNOWN, agreementSeenBy(joiner));
      assertEquals(0, joiner.count(Effect.Event.Kind.CAUGHT_UP));
      group.lost = (sent, to) -> false;
      group.advance(8 * Group.HEARTBEAT_MILLIS);
      assertEquals(1, joiner.count(Effect.Event.Kind.CAUGHT_UP));
      assertEquals(
          List.of("entries=50"),
          joiner.events.stream()
              .filter(event -> event.kind() == Effect.Event.Kind.CAUGHT_UP)
              .map(Effect.Event::detail)
              .toList());
      assertEquals(ReplicaStatus.Agreement.EQUAL, agreementSeenBy(joiner));
      assertEquals(0, live.count(Effect.Event.Kind.CAUGHT_UP));
    }

    private ReplicaStatus.Agreement agreementSeenBy(Member member) {
      return member.status().peers().getFirst().agreement();
    }

    @Test
    void asksEveryoneForOffersAndSaysHello() {
      Member joiner = group.add();
      joiner.connect();
      assertEquals(Channel.REPLAY_ALL, joiner.sent(Frame.OfferRequest.class).getFirst().channel());
      Frame.Heartbeat hello =
          (Frame.Heartbeat) joiner.sent(Frame.Heartbeat.class).getFirst().frame();
      assertTrue(hello.hello());
      assertFalse(hello.live());
    }

    @Test
    void liveOnesOfferAndJoiningOnesDoNot() {
      Member live = group.live(1, ROOMY).getFirst();
      Member joiner = group.add();
      Member other = group.add();
      group.lost = (sent, to) -> sent.channel() == Channel.MUTATIONS;
      live.set("k", "v");
      group.lost = (sent, to) -> sent.is(Frame.Mutations.class);
      joiner.connect();
      other.connect();
      assertEquals(2, live.sent(Frame.Offer.class).size());
      assertEquals(Channel.DIRECT, live.sent(Frame.Offer.class).getFirst().channel());
      assertEquals(0, joiner.sent(Frame.Offer.class).size());
    }

    @Test
    void takesTheWholeSnapshotWhenTheRingIsTooShort() {
      Member live = group.live(1, SHORT_RING).getFirst();
      fill(live, 50);
      live.increment("n", 7);
      Member joiner = group.add(SHORT_RING);
      joiner.connect();
      group.advance(50);
      assertEquals(1, joiner.count(Effect.Event.Kind.SNAPSHOT_STARTED));
      assertEquals(1, joiner.count(Effect.Event.Kind.SNAPSHOT_INSTALLED));
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertEquals("v49", joiner.get("k49"));
      assertEquals("7", joiner.get("n"));
      group.advance(3_000);
      group.assertAgreed();
    }

    @Test
    void replaysWhenTheRingHoldsEverything() {
      Member live = group.live(1, ROOMY).getFirst();
      fill(live, 50);
      Member joiner = group.add();
      joiner.connect();
      group.advance(50);
      assertEquals(0, joiner.count(Effect.Event.Kind.SNAPSHOT_STARTED));
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      group.assertAgreed();
    }

    @Test
    void equalOfferMakesItLiveAtOnceSinceItTellsTheTime() {
      group.live(1, ROOMY);
      Member joiner = group.add();
      joiner.connect();
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    }

    @Test
    void callsAreAnsweredAndKeptThroughTheSnapshot() {
      Member live = group.live(1, SHORT_RING).getFirst();
      fill(live, 20);
      live.increment("n", 100);
      Member joiner = group.add(SHORT_RING);
      assertEquals(new Reply.Amount(1), joiner.increment("n", 1));
      joiner.connect();
      joiner.set("mine", "too");
      group.advance(3_000);
      assertEquals("101", live.get("n"));
      assertEquals("too", live.get("mine"));
      group.assertAgreed();
    }

    @Test
    void offererThatIsGoneIsReplacedByAnother() {
      Member live = group.live(1, SHORT_RING).getFirst();
      fill(live, 30);
      Member joiner = group.add(SHORT_RING);
      group.lost = (sent, to) -> sent.is(Frame.SnapshotChunk.class);
      joiner.connect();
      group.advance(1_000);
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      group.lost = (sent, to) -> false;
      group.advance(20_000);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      group.assertAgreed();
    }

    @Test
    void joinersThatTheOnlyOffererLeftAloneGoOnWithoutIt() {
      Member live = group.live(1, SHORT_RING).getFirst();
      fill(live, 30);
      List<Member> joiners = List.of(group.add(SHORT_RING), group.add(SHORT_RING));
      group.lost = (sent, to) -> sent.is(Frame.SnapshotChunk.class);
      joiners.forEach(Member::connect);
      group.advance(1_000);
      joiners.forEach(j -> assertEquals(ReplicaStatus.State.JOINING, j.node.state()));
      group.lost = (sent, to) -> false;
      group.members.remove(live);
      group.advance(60_000);
      joiners.forEach(j -> assertEquals(ReplicaStatus.State.LIVE, j.node.state()));
      group.assertAgreed();
    }
  }

  @Nested
  class Repairing {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void gapIsAskedForOfTheAuthorAfterAShortWait(long seed) {
      group = new Group(seed);
      List<Member> pair = group.live(2, ROOMY);
      Member author = pair.get(0);
      Member other = pair.get(1);
      group.lost = (sent, to) -> true;
      author.set("k", "1");
      group.lost = (sent, to) -> false;
      author.set("k", "2");
      assertNull(other.get("k"));
      assertEquals(1, other.status().heldBack());
      long noticed = group.tick;
      group.advance(40);
      Sent request = other.sent(Frame.ReplayRequest.class).getFirst();
      assertTrue(request.tick() >= noticed + 5 && request.tick() < noticed + 16);
      assertEquals(author.node.id(), request.target());
      assertEquals("2", other.get("k"));
      assertEquals(0, other.status().heldBack());
      group.assertAgreed();
    }

    @Test
    void lostLastMutationIsNoticedByTheBeacon() {
      List<Member> pair = group.live(2, ROOMY);
      group.lost = (sent, to) -> sent.is(Frame.Mutations.class) && sent.channel() != Channel.DIRECT;
      pair.get(0).set("k", "last");
      group.advance(49);
      assertNull(pair.get(1).get("k"));
      group.advance(25);
      assertEquals("last", pair.get(1).get("k"));
      group.assertAgreed();
    }

    @Test
    void beaconsComeAfterTheLastWriteAndThenStop() {
      List<Member> pair = group.live(2, ROOMY);
      long wrote = group.tick;
      pair.get(0).set("k", "v");
      group.advance(20_000);
      List<Long> after =
          pair.get(0).sent(Frame.Beacon.class).stream().map(s -> s.tick() - wrote).toList();
      assertEquals(List.of(50L, 250L, 1_000L, 5_000L), after);
    }

    /** The wait from the beacon that tells of a lost mutation to the question for it. */
    private long patience(Member author, Member other, boolean comesTwice) throws Exception {
      author.sent.clear();
      other.sent.clear();
      long wrote = group.tick;
      group.lost = (sent, to) -> sent.channel() == Channel.MUTATIONS;
      author.increment("n", 1);
      group.advance(6_000);
      group.assertAgreed();
      if (comesTwice) other.receive(author.sent(Frame.Mutations.class).getFirst().bytes());
      return other.sent(Frame.ReplayRequest.class).getFirst().tick() - wrote - 50;
    }

    @Test
    void whatComesTwiceIsWaitedForLongerNextTime() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      assertTrue(patience(pair.get(0), pair.get(1), true) < 16);
      for (int i = 0; i < 7; i++) patience(pair.get(0), pair.get(1), true);
      assertTrue(patience(pair.get(0), pair.get(1), false) > 100);
      for (int i = 0; i < 20; i++) patience(pair.get(0), pair.get(1), false);
      assertTrue(patience(pair.get(0), pair.get(1), false) < 16);
    }

    @Test
    void whoIsAlwaysALittleBehindIsToldOnceASecond() throws Exception {
      Member a = group.add(NodeSettings.replicated(ROOMY, 60_000));
      Member b = group.add(NodeSettings.replicated(ROOMY, 60_000));
      a.connect();
      a.tellAlone();
      b.connect();
      group.advance(500);
      byte[] old = b.sent(Frame.Heartbeat.class).getLast().bytes();
      group.lost = (sent, to) -> true;
      a.set("k", "v");
      a.sent.clear();
      for (int i = 0; i < 500; i++) {
        a.receive(old);
        group.advance(10);
      }
      int told = a.sent(Frame.Heartbeat.class).size();
      assertTrue(told >= 4 && told <= 6, "told " + told + " times");
    }

    @Test
    void deadAuthorsMutationComesFromWhoeverHasIt() {
      List<Member> trio = group.live(3, ROOMY);
      Member author = trio.get(0);
      group.lost = (sent, to) -> to == trio.get(2);
      author.set("k", "v");
      author.disconnect();
      group.lost = (sent, to) -> false;
      group.advance(3 * Group.HEARTBEAT_MILLIS);
      assertEquals("v", trio.get(2).get("k"));
    }

    @Test
    void longReplayIsAskedForInParts() {
      List<Member> pair = group.live(2, ROOMY);
      group.lost = (sent, to) -> sent.channel() == Channel.MUTATIONS;
      fill(pair.get(0), 300);
      group.advance(1_000);
      assertTrue(pair.get(1).sent(Frame.ReplayRequest.class).size() > 2);
      assertEquals(0, pair.get(1).count(Effect.Event.Kind.SNAPSHOT_STARTED));
      group.assertAgreed();
    }

    @Test
    void partitionOfAnyLengthHealsBothWays() {
      List<Member> pair = group.live(2, SHORT_RING);
      Member a = pair.get(0);
      Member b = pair.get(1);
      a.increment("n", 1);
      a.set("shared", "old");
      group.lost = (sent, to) -> true;
      for (int i = 0; i < 30; i++) {
        a.increment("n", 1);
        b.increment("n", 100);
      }
      a.call(new Command.SetAdd(Key.of("s"), Bytes.utf8("a")));
      b.call(new Command.SetAdd(Key.of("s"), Bytes.utf8("b")));
      b.call(new Command.Delete(Key.of("shared")));
      group.advance(60_000);
      assertEquals(1, a.count(Effect.Event.Kind.PEER_LOST));
      group.lost = (sent, to) -> false;
      group.advance(10_000);
      assertEquals("3031", a.get("n"));
      assertNull(a.get("shared"));
      assertEquals(
          new Reply.Values(List.of(Bytes.utf8("a"), Bytes.utf8("b"))),
          a.call(new Command.SetMembers(Key.of("s"))));
      group.assertAgreed();
    }

    @Test
    void duplicatesChangeNothing() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).increment("n", 5);
      byte[] frame = pair.get(0).sent(Frame.Mutations.class).getFirst().bytes();
      for (int i = 0; i < 3; i++) pair.get(1).receive(frame);
      pair.get(0).receive(frame); // its own, come back
      assertEquals("5", pair.get(1).get("n"));
      group.assertAgreed();
    }

    @Test
    void heldBackMutationsAreBounded() {
      List<Member> pair = group.live(2, Group.limits(1_000, 5, 1_000, 2));
      group.lost = (sent, to) -> sent.is(Frame.ReplayRequest.class);
      boolean[] first = {true};
      group.lost =
          (sent, to) -> {
            boolean gap = first[0] && sent.is(Frame.Mutations.class);
            if (gap) first[0] = false;
            return gap || sent.is(Frame.ReplayRequest.class);
          };
      for (int i = 0; i < 50; i++) {
        pair.get(0).increment("n", 1);
        assertTrue(pair.get(1).status().heldBack() <= 5);
      }
      assertEquals(5, pair.get(1).status().heldBack());
      group.lost = (sent, to) -> false;
      group.advance(10_000);
      assertEquals("50", pair.get(1).get("n"));
      group.assertAgreed();
    }

    @Test
    void whatAnotherHadSeenIsWaitedForAcrossKeys() {
      List<Member> trio = group.live(3, ROOMY);
      group.lost = (sent, to) -> to == trio.get(2) && sent.from() == trio.get(0);
      trio.get(0).set("cause", "1");
      trio.get(1).set("effect", "2");
      assertNull(trio.get(2).get("effect"));
      group.lost = (sent, to) -> false;
      group.advance(2_000);
      assertEquals("2", trio.get(2).get("effect"));
      assertEquals("1", trio.get(2).get("cause"));
    }

    @Test
    void whoIsAskedInVainSaysSoAndLearnsWhatItLacks() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      Member behind = pair.get(0);
      group.lost = (sent, to) -> true;
      pair.get(1).set("k", "v");
      group.lost = (sent, to) -> false;
      VersionVector theirs = new VersionVector(group.origins());
      theirs.raise(group.origins().slot(pair.get(1).node.id()), 1);
      behind.receive(
          group.encode(new Frame.ReplayRequest(pair.get(1).node.id(), 1, theirs, 1_000)));
      Frame.ReplayEnd end = (Frame.ReplayEnd) behind.sent(Frame.ReplayEnd.class).getLast().frame();
      assertEquals(Frame.ReplayEnd.Outcome.BEHIND, end.outcome());
      group.advance(20);
      assertEquals("v", behind.get("k"));
    }
  }

  @Nested
  class Snapshots {
    private Member server;
    private Member joiner;

    private void joinOver(Limits limits) {
      server = group.live(1, limits).getFirst();
      fill(server, 60);
      joiner = group.add(limits);
    }

    /** Replaces the pieces of every chunk. */
    private byte[] garbled(byte[] bytes) {
      if (!(group.decode(bytes) instanceof Frame.SnapshotChunk chunk)) return bytes;
      List<Frame.Piece> pieces = new ArrayList<>();
      for (Frame.Piece piece : chunk.pieces()) {
        byte[] garbage = new byte[piece.bytes().size()];
        group.random.nextBytes(garbage);
        pieces.add(new Frame.Piece(piece.ends(), new Bytes(garbage)));
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
    void oneThatCannotBeReadChangesNothing() {
      joinOver(SHORT_RING);
      joiner.set("own", "kept");
      group.tamper = this::garbled;
      joiner.connect();
      group.advance(3_000);
      assertTrue(joiner.count(Effect.Event.Kind.SNAPSHOT_FAILED) > 0);
      assertEquals(0, joiner.count(Effect.Event.Kind.SNAPSHOT_INSTALLED));
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      assertEquals(1, joiner.node.keyspace().size());
      assertEquals("kept", joiner.get("own"));
      assertEquals(1, joiner.node.applied().toMap().size());
      group.tamper = bytes -> bytes;
      group.advance(20_000);
      assertEquals("v59", joiner.get("k59"));
      group.assertAgreed();
    }

    @Test
    void oneWithLostChunksIsAskedForAgainFromThere() {
      joinOver(SHORT_RING);
      group.lost = (sent, to) -> sent.is(Frame.SnapshotChunk.class) && group.random.nextBoolean();
      joiner.connect();
      group.advance(60_000);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      group.assertAgreed();
    }

    @Test
    void writesDuringTheTransferReachTheJoinerToo() {
      joinOver(SHORT_RING);
      boolean[] writing = {false};
      group.lost =
          (sent, to) -> {
            if (sent.is(Frame.SnapshotChunk.class) && !writing[0]) {
              writing[0] = true;
              server.node.call(
                  new Command.Set(Key.of("k5"), Bytes.utf8("changed"), 0), server.now());
              server.node.call(new Command.Delete(Key.of("k6")), server.now());
            }
            return false;
          };
      joiner.connect();
      group.advance(5_000);
      assertEquals("changed", joiner.get("k5"));
      assertNull(joiner.get("k6"));
      group.assertAgreed();
    }

    @Test
    void tooManyAtOnceAreRefusedAsBusyAndServedLater() {
      Limits oneCut = Group.limits(3, 1_000, 100, 1);
      joinOver(oneCut);
      Member second = group.add(oneCut);
      group.lost = (sent, to) -> to == joiner && sent.is(Frame.SnapshotChunk.class);
      joiner.connect();
      group.advance(50);
      group.lost = (sent, to) -> to == joiner || sent.from() == joiner;
      second.connect();
      group.advance(50);
      Frame.SnapshotRefused refused =
          (Frame.SnapshotRefused) server.sent(Frame.SnapshotRefused.class).getLast().frame();
      assertTrue(refused.busy());
      assertEquals(0, refused.cut());
      assertEquals(ReplicaStatus.State.JOINING, second.node.state());
      group.advance(15_000); // the first one goes on with nothing, so its place is free
      assertEquals(ReplicaStatus.State.LIVE, second.node.state());
      group.lost = (sent, to) -> false;
      group.advance(30_000);
      group.assertAgreed();
    }

    @Test
    void oneThatIsGoneIsRefusedAndBegunAnew() throws Exception {
      joinOver(SHORT_RING);
      Frame request = new Frame.SnapshotRequest(joiner.node.id(), 1, 99, 2, 0, 1_000);
      server.receive(group.encode(request));
      Frame.SnapshotRefused refused =
          (Frame.SnapshotRefused) server.sent(Frame.SnapshotRefused.class).getFirst().frame();
      assertFalse(refused.busy());
      assertEquals(99, refused.cut());
      int[] chunks = {0};
      group.lost = (sent, to) -> sent.is(Frame.SnapshotChunk.class) && ++chunks[0] > 2;
      joiner.connect();
      group.advance(50);
      group.lost = (sent, to) -> to == server && sent.is(Frame.SnapshotRequest.class);
      group.advance(5_900);
      server.sent.clear();
      group.tick += 20_000; // the server forgets the cut before it hears the joiner again
      group.lost = (sent, to) -> false;
      group.advance(20_000);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      group.assertAgreed();
    }

    /** What the server answers a first request with. */
    private long numberFor(OriginId requester) throws MalformedFrameException {
      server.receive(group.encode(new Frame.SnapshotRequest(requester, 1, 0, 0, 0, 100)));
      return ((Frame.SnapshotRefused) server.sent(Frame.SnapshotRefused.class).getLast().frame())
          .cut();
    }

    @Test
    void cutOfOneRequesterIsNotServedToAnother() throws Exception {
      joinOver(SHORT_RING);
      OriginId someone = new OriginId(5, 5);
      long cut = numberFor(someone);
      server.receive(group.encode(new Frame.SnapshotRequest(someone, 1, cut, 0, 0, 100)));
      server.sent.removeIf(sent -> sent.is(Frame.SnapshotRefused.class));
      Frame.SnapshotChunk chunk =
          (Frame.SnapshotChunk) server.sent(Frame.SnapshotChunk.class).getLast().frame();
      OriginId other = new OriginId(6, 6);
      server.receive(group.encode(new Frame.SnapshotRequest(other, 1, chunk.cut(), 1, 0, 100)));
      assertEquals(1, server.sent(Frame.SnapshotRefused.class).size());
      assertEquals(1, server.sent(Frame.SnapshotChunk.class).size());
    }

    @Test
    void requestThatComesTwiceTakesOneCut() throws Exception {
      joinOver(SHORT_RING);
      OriginId someone = new OriginId(5, 5);
      long cut = numberFor(someone);
      byte[] request = group.encode(new Frame.SnapshotRequest(someone, 1, cut, 0, 0, 100));
      server.receive(request);
      server.receive(request);
      List<Sent> chunks = server.sent(Frame.SnapshotChunk.class);
      assertEquals(2, chunks.size());
      assertEquals(chunks.get(0).frame(), chunks.get(1).frame());
    }

    @Test
    void windowOfAnySizeIsServedWithinTheServersOwnBound() throws Exception {
      joinOver(Group.limits(3, 1_000, 1 << 20, 2));
      String large = "v".repeat(60_000);
      for (int i = 0; i < 400; i++) server.set("large" + i, large);
      OriginId id = joiner.node.id();
      long cut = numberFor(id);
      Frame request = new Frame.SnapshotRequest(id, 1, cut, 0, 0, Integer.MAX_VALUE);
      server.receive(group.encode(request));
      long bytes = 0;
      for (Sent sent : server.sent(Frame.SnapshotChunk.class)) bytes += sent.bytes().length;
      assertTrue(bytes > 1 << 20 && bytes < 18 << 20, bytes + " bytes for one request");
    }

    @Test
    void chunkNobodyAskedForIsIgnored() throws Exception {
      joinOver(SHORT_RING);
      joiner.connect();
      group.advance(3_000);
      Frame.Piece piece = new Frame.Piece(true, new Bytes(new byte[] {0}));
      joiner.receive(
          group.encode(
              new Frame.SnapshotChunk(server.node.id(), 1, 1, 0, 0, true, List.of(piece))));
      group.advance(3_000);
      group.assertAgreed();
    }
  }

  @Nested
  class Leaving {
    @Test
    void finalSequenceIsToldAndHeard() {
      List<Member> pair = group.live(2, ROOMY);
      Member leaver = pair.get(0);
      leaver.set("k", "v");
      leaver.leave();
      assertEquals(ReplicaStatus.State.LEFT, leaver.node.state());
      assertFalse(leaver.answersReplays);
      Sent leave = leaver.sent(Frame.Leave.class).getFirst();
      assertEquals(Channel.HEARTBEATS, leave.channel());
      assertEquals(1, ((Frame.Leave) leave.frame()).finalSequence());
      assertEquals(1, pair.get(1).count(Effect.Event.Kind.PEER_LEFT));
      assertTrue(leaver.node.leaveHeard());
      assertEquals(List.of(), pair.get(1).status().peers());
    }

    @Test
    void unsentMutationsGoOutBeforeTheLeave() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).node.call(new Command.Set(Key.of("k"), Bytes.utf8("v"), 0), pair.get(0).now());
      pair.get(0).leave();
      assertEquals("v", pair.get(1).get("k"));
    }

    @Test
    void aloneThereIsNobodyToHear() {
      Member alone = group.live(1, ROOMY).getFirst();
      alone.leave();
      assertTrue(alone.node.leaveHeard());
      alone.leave(); // again
      assertEquals(1, alone.sent(Frame.Leave.class).size());
      assertTrue(alone.node.writesHeard(), "it wrote nothing");
    }

    @Test
    void writesAreHeardWhenAPeerHasShownThem() {
      List<Member> pair = group.live(2, ROOMY);
      Member writer = pair.get(0);
      writer.set("k", "v");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      pair.get(1).leave();
      writer.leave();
      assertTrue(writer.node.writesHeard(), "the other one's heartbeat showed it");
    }

    @Test
    void writesOfOneWhoIsAloneAreNotHeard() {
      Member alone = group.live(1, ROOMY).getFirst();
      alone.set("k", "v");
      alone.leave();
      assertFalse(alone.node.writesHeard());
    }

    @Test
    void nothingIsPublishedOrAnsweredAfterwards() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      Member leaver = pair.get(0);
      leaver.set("k", "v");
      leaver.leave();
      int sent = leaver.sent.size();
      group.advance(10_000);
      leaver.receive(group.encode(new Frame.OfferRequest(new OriginId(5, 5), 1, 1)));
      assertEquals("v", leaver.get("k"));
      assertEquals(sent, leaver.sent.size());
      assertEquals(Long.MAX_VALUE, leaver.node.nextTick());
    }

    @Test
    void rejoinsUnderANewOriginWithItsData() {
      List<Member> pair = group.live(2, ROOMY);
      Member returning = pair.get(0);
      returning.set("k", "v");
      returning.increment("n", 5);
      returning.leave();
      group.advance(100);
      pair.get(1).set("meanwhile", "x");
      OriginId before = returning.node.id();
      returning.node.rejoin(group.newOrigin(), returning.now());
      assertEquals(ReplicaStatus.State.JOINING, returning.node.state());
      assertEquals("v", returning.get("k"));
      returning.connect();
      group.advance(2_000);
      assertEquals(ReplicaStatus.State.LIVE, returning.node.state());
      assertNotEquals(before, returning.node.id());
      assertEquals(returning.node.id(), returning.listensAs);
      assertEquals("x", returning.get("meanwhile"));
      returning.increment("n", 1);
      pair.get(1).increment("n", 10);
      assertEquals("16", pair.get(1).get("n"));
      group.advance(2_000);
      group.assertAgreed();
    }

    @Test
    void rejoinWithoutLeavingIsAFault() {
      Member member = group.live(1, ROOMY).getFirst();
      assertThrows(
          IllegalStateException.class, () -> member.node.rejoin(group.newOrigin(), member.now()));
    }

    @Test
    void silentPeerIsLostAfterThreeHeartbeatsAndFoundAgain() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(1).disconnect();
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(0, pair.get(0).count(Effect.Event.Kind.PEER_LOST));
      group.advance(3 * Group.HEARTBEAT_MILLIS);
      assertEquals(1, pair.get(0).count(Effect.Event.Kind.PEER_LOST));
      assertEquals(List.of(), pair.get(0).status().peers());
      pair.get(1).connect();
      group.advance(50);
      assertEquals(1, pair.get(0).count(Effect.Event.Kind.PEER_FOUND));
    }

    @Test
    void lateRequestOfOneThatLeftDoesNotBringItBack() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      OriginId gone = pair.get(1).node.id();
      pair.get(1).leave();
      VersionVector nothing = new VersionVector(group.origins());
      pair.get(0).receive(group.encode(new Frame.ReplayRequest(gone, 1, nothing, 1_000)));
      pair.get(0).receive(group.encode(new Frame.Vector(gone, 0, nothing)));
      assertEquals(List.of(), pair.get(0).status().peers());
    }

    @Test
    void afterLeavingNothingIsChanged() {
      List<Member> pair = group.live(2, ROOMY);
      Member returning = pair.get(0);
      returning.set("before", "1");
      returning.leave();
      group.advance(100);
      Reply refused = returning.set("while left", "2");
      assertTrue(
          refused instanceof Reply.Rejected(var reason, var detail)
              && reason == Reply.Reason.CLOSED,
          refused::toString);
      assertEquals("1", returning.get("before"));
      returning.node.rejoin(group.newOrigin(), returning.now());
      returning.connect();
      group.advance(5_000);
      returning.set("after", "3");
      group.advance(5_000);
      assertEquals("3", pair.get(1).get("after"));
      assertNull(pair.get(1).get("while left"));
      group.assertAgreed();
    }

    @Test
    void lastMutationLostOnTheWayIsHandedOverBeforeGoing() {
      List<Member> pair = group.live(2, ROOMY);
      group.lost = (sent, to) -> sent.channel() == Channel.MUTATIONS;
      pair.get(0).set("k", "acknowledged");
      pair.get(0).leave();
      assertFalse(pair.get(0).node.leaveHeard());
      group.advance(30);
      assertEquals("acknowledged", pair.get(1).get("k"));
      assertTrue(pair.get(0).node.leaveHeard());
    }
  }

  @Nested
  class Expiring {
    private void setWithTtl(Member member, String key, long ttlMillis) {
      member.call(new Command.Set(Key.of(key), Bytes.utf8("v"), ttlMillis));
    }

    private Map<Member, Integer> removals() {
      Map<Member, Integer> removals = new HashMap<>();
      for (Member member : group.members) {
        for (Sent sent : member.sent(Frame.Mutations.class)) {
          for (Mutation mutation : ((Frame.Mutations) sent.frame()).mutations()) {
            if (mutation.op() instanceof Op.Delete delete && delete.expired()) {
              removals.merge(member, 1, Integer::sum);
            }
          }
        }
      }
      return removals;
    }

    @Test
    void expiredKeysAreRemovedOnceByWhoeverIsElected() {
      List<Member> trio = group.live(3, ROOMY);
      for (int i = 0; i < 20; i++) setWithTtl(trio.get(0), "k" + i, 500);
      setWithTtl(trio.get(1), "long", 1_000_000);
      group.advance(499);
      assertEquals("v", trio.get(2).get("k7"));
      group.advance(1);
      assertNull(trio.get(2).get("k7"));
      assertEquals(21, trio.get(2).node.keyspace().size());
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      assertEquals(20, removals().values().stream().mapToInt(n -> n).sum());
      assertTrue(removals().size() > 1, "one member removed everything");
      for (Member member : trio) assertEquals(1, member.node.keyspace().size());
      group.assertAgreed();
    }

    @Test
    void nothingIsRemovedUntilEveryPeerHasShownALaterTime() {
      List<Member> pair = group.live(2, ROOMY);
      setWithTtl(pair.get(0), "k", 100);
      group.lost = (sent, to) -> true;
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(Map.of(), removals());
      assertNull(pair.get(0).get("k"));
      group.advance(5 * Group.HEARTBEAT_MILLIS); // the peer counts as lost now
      assertTrue(removals().containsKey(pair.get(0)));
    }

    @Test
    void slowClockOfAPeerHoldsTheRemovalBack() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(1).skewMillis = -20_000;
      setWithTtl(pair.get(0), "k", 100);
      group.advance(10_000);
      assertEquals(Map.of(), removals());
      group.advance(15_000);
      assertEquals(0, pair.get(0).node.keyspace().size());
      group.assertAgreed();
    }

    @Test
    void writeOnAnExpiredKeySurvivesTheRemoval() {
      List<Member> pair = group.live(2, ROOMY);
      setWithTtl(pair.get(0), "k", 100);
      group.advance(150);
      pair.get(1).increment("k", 3);
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      assertEquals("3", pair.get(0).get("k"));
      group.assertAgreed();
    }

    @Test
    void standaloneRemovesItsOwn() {
      Member alone = group.add(Group.standalone());
      setWithTtl(alone, "k", 100);
      group.advance(2_200);
      assertEquals(0, alone.node.keyspace().size());
      assertEquals(Long.MAX_VALUE, alone.node.nextTick());
    }
  }

  @Nested
  class Alarms {
    /** Changes one side's memory behind the node's back. */
    private void corrupt(Member member, String key) {
      VersionVector seen = member.node.applied().copy();
      int slot = member.node.origins().find(member.node.id());
      Op op = new Op.Put(Key.of(key), Bytes.utf8("rotten"), 0, Observed.NOTHING);
      Mutation forged = new Mutation(Dot.of(slot, 1), 1, new int[0], new long[0], null, 0, op);
      member.node.keyspace().apply(forged, seen, slot);
    }

    private void assertAlarmed(Member member, String about) {
      assertNotNull(member.node.alarm());
      assertTrue(member.node.alarm().contains(about), member.node.alarm());
      assertEquals(1, member.count(Effect.Event.Kind.ALARM));
      assertEquals(member.node.alarm(), member.status().alarm());
    }

    @Test
    void corruptedMemoryIsNoticedByEqualVectorsAndUnequalDigests() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).set("k", "v");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(
          ReplicaStatus.Agreement.EQUAL, pair.get(0).status().peers().getFirst().agreement());
      corrupt(pair.get(1), "k");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertAlarmed(pair.get(0), "divergence");
      assertAlarmed(pair.get(1), "divergence");
      assertEquals(
          ReplicaStatus.Agreement.DIVERGED, pair.get(0).status().peers().getFirst().agreement());
    }

    @Test
    void corruptedMemoryIsNoticedWhileTheVectorsDiffer() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).set("k", "v");
      corrupt(pair.get(1), "k");
      group.lost = (sent, to) -> !sent.is(Frame.Heartbeat.class);
      int other = 0;
      while (pair.get(0).node.keyspace().bucket(Key.of("o" + other))
          == pair.get(0).node.keyspace().bucket(Key.of("k"))) other++;
      pair.get(0).set("o" + other, "v");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertAlarmed(pair.get(0), "bucket");
    }

    private int bucket(Member member, String key) {
      return member.node.keyspace().bucket(Key.of(key));
    }

    private List<Effect.Event> divergences(Member member) {
      return member.events.stream()
          .filter(event -> event.kind() == Effect.Event.Kind.DIVERGENCE)
          .toList();
    }

    private String where(Member member, String key) {
      return "buckets=1 bucket="
          + member.node.keyspace().bucket(Key.of(key))
          + " keys=1 key-hashes="
          + "%016x".formatted(Hash64.of(Key.of(key).stored().array()));
    }

    @Test
    void alarmNamesBucketAndKey() {
      List<Member> pair = group.live(2, ROOMY);
      fill(pair.get(0), 20);
      corrupt(pair.get(1), "k7");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      for (Member member : pair) {
        assertAlarmed(member, where(member, "k7"));
        assertEquals(where(member, "k7"), divergences(member).getFirst().detail());
        assertFalse(member.node.alarm().contains("k7"));
      }
    }

    @Test
    void whatOneSideLacksIsNamedToo() {
      List<Member> pair = group.live(2, ROOMY);
      fill(pair.get(0), 20);
      corrupt(pair.get(1), "only there");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      for (Member member : pair) assertAlarmed(member, where(member, "only there"));
    }

    /** Digests are kept, not computed, so that a changed byte shows only when one is verified. */
    @Test
    void changedByteIsFoundByVerifyingAndThenByThePeers() {
      List<Member> trio = group.live(3, ROOMY);
      fill(trio.get(0), 20);
      FaultyMemory.flip(trio.get(2).node.keyspace(), Key.of("k7"));
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertAlarmed(trio.get(2), "memory");
      for (Member member : trio.subList(0, 2)) {
        assertAlarmed(member, "with peer=" + trio.get(2).node.id());
        assertAlarmed(member, where(member, "k7"));
      }
      assertEquals("v7", trio.get(0).get("k7"));
      assertNotEquals("v7", trio.get(2).get("k7")); // reported, not repaired
    }

    @Test
    void soundMemoryIsVerifiedWithoutAWord() {
      List<Member> pair = group.live(2, ROOMY);
      fill(pair.get(0), 20);
      pair.get(1).increment("n", 1);
      pair.get(0).call(new Command.Delete(Key.of("n")));
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      group.assertAgreed();
      assertEquals(0, pair.get(0).sent(Frame.DigestRequest.class).size());
    }

    @Test
    void divergenceIsLookedIntoOncePerPairOfDigests() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).set("k", "v");
      corrupt(pair.get(1), "k");
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(2, pair.get(0).sent(Frame.DigestRequest.class).size());
      assertEquals(1, divergences(pair.get(0)).size());
      int other = 0;
      while (bucket(pair.get(0), "o" + other) == bucket(pair.get(0), "k")) other++;
      pair.get(0)
          .set("o" + other, "v"); // now the digest of everything is another than the bucket's
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(2, divergences(pair.get(0)).size());
    }

    @Test
    void differenceIsFoundThoughAnswersAreLostOrInParts() {
      List<Member> pair = group.live(2, Group.limits(1_000, 1_000, 1_000, 2));
      fill(pair.get(0), 600); // in four buckets: more keys than a frame of 1,000 bytes lists
      corrupt(pair.get(1), "k599");
      int[] answers = {0};
      group.lost = (sent, to) -> sent.is(Frame.DigestResponse.class) && ++answers[0] % 3 == 0;
      group.advance(20 * Group.HEARTBEAT_MILLIS);
      for (Member member : pair) assertAlarmed(member, where(member, "k599"));
      assertTrue(pair.get(0).sent(Frame.DigestResponse.class).size() > 5);
    }

    @Test
    void peerThatDoesNotAnswerIsAskedAFewTimesOnly() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).set("k", "v");
      corrupt(pair.get(1), "k");
      group.lost = (sent, to) -> sent.is(Frame.DigestRequest.class);
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(Inquiry.TRIES_MAX, pair.get(0).sent(Frame.DigestRequest.class).size());
      assertEquals("buckets=0", divergences(pair.get(0)).getFirst().detail());
    }

    @Test
    void strangersQuestionsAreAnsweredInBoundsAndMakeNoPeer() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      Member joiner = group.add();
      int known = pair.get(0).node.origins().size();
      OriginId stranger = new OriginId(9, 9);
      for (int i = 0; i < 100; i++) {
        byte[] request = group.encode(new Frame.DigestRequest(stranger, true, i, -1, 0));
        pair.get(0).receive(request);
        joiner.receive(request);
      }
      List<Sent> answers = pair.get(0).sent(Frame.DigestResponse.class);
      assertEquals(DigestServer.ANSWERS_PER_SECOND, answers.size());
      assertEquals(stranger, answers.getFirst().target());
      assertEquals(1, pair.get(0).status().peers().size());
      assertEquals(known, pair.get(0).node.origins().size());
      assertFalse(
          ((Frame.DigestResponse) joiner.sent(Frame.DigestResponse.class).getFirst().frame())
              .live());
      for (long start : new long[] {-1, 4, Long.MAX_VALUE}) { // there are four buckets
        group.advance(1_000);
        pair.get(0).receive(group.encode(new Frame.DigestRequest(stranger, true, 1, -1, start)));
        Frame.DigestResponse answer =
            (Frame.DigestResponse) pair.get(0).sent(Frame.DigestResponse.class).getLast().frame();
        assertTrue(answer.last() && answer.buckets().isEmpty());
      }
      int before = pair.get(0).sent(Frame.DigestResponse.class).size();
      pair.get(0).receive(group.encode(new Frame.DigestRequest(stranger, true, 1, 4, 0)));
      assertEquals(before, pair.get(0).sent(Frame.DigestResponse.class).size());
    }

    @Test
    void alarmIsToldOnceAndStays() {
      List<Member> pair = group.live(2, ROOMY);
      corrupt(pair.get(1), "k");
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertAlarmed(pair.get(0), "divergence");
    }

    private byte[] mutationOf(OriginId author, long sequence) {
      int slot = group.origins().slot(author);
      Op op = new Op.Put(Key.of("k"), Bytes.utf8("forged"), 0, Observed.NOTHING);
      Mutation mutation =
          new Mutation(Dot.of(slot, sequence), 1, new int[0], new long[0], null, 0, op);
      return group.encode(new Frame.Mutations(author, List.of(mutation)));
    }

    @Test
    void anotherInstanceUnderOurOriginIsAnAlarmAndGetsTheName() throws Exception {
      Member member = group.live(1, ROOMY).getFirst();
      member.set("k", "v");
      member.receive(mutationOf(member.node.id(), 1)); // an echo
      assertNull(member.node.alarm());
      member.receive(mutationOf(member.node.id(), 2));
      assertAlarmed(member, "writes as this origin");
      assertEquals("forged", member.get("k")); // as with everybody who got it
    }

    @Test
    void originThatLeftAndGoesOnWritingIsAnAlarmAndCounts() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      OriginId gone = pair.get(1).node.id();
      pair.get(1).set("k", "v");
      pair.get(1).leave();
      pair.get(0).receive(mutationOf(gone, 2));
      assertAlarmed(pair.get(0), "left");
      assertEquals("forged", pair.get(0).get("k")); // others may have got it before the notice
    }

    @Test
    void mutationThatContradictsOurMemoryIsAnAlarm() throws Exception {
      Member member = group.live(1, ROOMY).getFirst();
      OriginId author = new OriginId(9, 9);
      int slot = group.origins().slot(author);
      Op op = new Op.Increment(Key.of("n"), 1, 7, true, null); // a first increment that sums to 7
      Mutation mutation = new Mutation(Dot.of(slot, 1), 1, new int[0], new long[0], null, 0, op);
      member.receive(group.encode(new Frame.Mutations(author, List.of(mutation))));
      assertAlarmed(member, "sum");
    }

    @Test
    void contextThatDriftedIsAnAlarm() throws Exception {
      Member member = group.live(1, ROOMY).getFirst();
      OriginId author = new OriginId(9, 9);
      int slot = group.origins().slot(author);
      Op op = new Op.Put(Key.of("k"), Bytes.utf8("v"), 0, Observed.NOTHING);
      Mutation mutation =
          new Mutation(Dot.of(slot, 1), 1, new int[0], new long[0], null, 12_345, op);
      member.receive(group.encode(new Frame.Mutations(author, List.of(mutation))));
      assertAlarmed(member, "context");
    }

    @Test
    void damagedFramesAreRefusedWithoutAlarmOrChange() {
      Member member = group.live(1, ROOMY).getFirst();
      byte[] frame = mutationOf(new OriginId(9, 9), 1);
      for (int i = 0; i < frame.length; i++) {
        byte[] damaged = frame.clone();
        damaged[i] ^= 4;
        assertThrows(MalformedFrameException.class, () -> member.receive(damaged));
      }
      assertNull(member.node.alarm());
      assertEquals(0, member.node.keyspace().size());
      assertEquals(0, member.node.applied().toMap().size());
    }
  }

  @Nested
  class Residuals {
    private int residuals() {
      int[] found = new int[1];
      for (Member member : group.members) {
        member
            .node
            .keyspace()
            .forEach(entry -> {
              for (Chain c = entry.chains(); c != null; c = c.next) if (c.dead()) found[0]++;
            });
      }
      return found[0];
    }

    @Test
    void deletedCounterIsForgottenOnceItsOwnerHasSeenTheDelete() {
      List<Member> trio = group.live(3, ROOMY);
      trio.get(0).increment("n", 5);
      trio.get(1).increment("n", 6);
      group.lost = (sent, to) -> to == trio.get(0);
      trio.get(2).call(new Command.Delete(Key.of("n")));
      assertTrue(residuals() > 0);
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertTrue(residuals() > 0); // its owner may go on with it
      group.lost = (sent, to) -> false;
      trio.get(0).increment("n", 1);
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      trio.get(2).call(new Command.Delete(Key.of("n")));
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      assertEquals(0, residuals());
      for (Member member : trio) assertEquals(0, member.node.keyspace().size());
      group.assertAgreed();
    }

    /** Its owner writes no more, and lists but live origins in its heartbeats. */
    @Test
    void deletedCounterIsForgottenThoughWhoDeletedItIsGone() {
      List<Member> trio = group.live(3, ROOMY);
      trio.get(0).increment("n", 5);
      group.lost = (sent, to) -> sent.from() == trio.get(0);
      trio.get(1).call(new Command.Delete(Key.of("n")));
      trio.get(1).leave();
      trio.get(1).disconnect();
      assertEquals(1, trio.get(2).node.keyspace().size());
      group.lost = (sent, to) -> false;
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      assertEquals(0, trio.get(2).node.keyspace().size());
    }

    @Test
    void incrementThatHadNotSeenTheDeleteSurvivesWithItsOwnDelta() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).increment("n", 5);
      group.lost = (sent, to) -> true;
      pair.get(1).call(new Command.Delete(Key.of("n")));
      pair.get(0).increment("n", 2);
      group.lost = (sent, to) -> false;
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      assertEquals("2", pair.get(0).get("n"));
      assertEquals("2", pair.get(1).get("n"));
      group.assertAgreed();
    }

    @Test
    void residualsOfAnOwnerThatLeftAreForgottenOnceItIsSureNotToComeBack() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).increment("n", 5);
      pair.get(0).increment("m", 5);
      pair.get(0).leave();
      pair.get(1).call(new Command.Delete(Key.of("n")));
      assertEquals(1, pair.get(1).node.keyspace().liveEntries());
      group.advance(Node.LEFT_SILENCE_MILLIS + 2 * Group.HEARTBEAT_MILLIS);
      pair.get(1).call(new Command.Delete(Key.of("m")));
      assertEquals(0, pair.get(1).node.keyspace().size());
    }
  }

  @Nested
  class Calls {
    @Test
    void standalonePublishesNothingAndKeepsNothingForReplay() throws Exception {
      Member alone = group.add(Group.standalone());
      fill(alone, 20);
      alone.receive(group.encode(new Frame.OfferRequest(new OriginId(5, 5), 1, 1)));
      alone.leave();
      group.advance(10_000);
      assertEquals(List.of(), alone.sent);
      assertNull(alone.listensAs);
      assertEquals(0, alone.node.ring().size());
      assertEquals(0, alone.node.unsentBytes());
      assertEquals(ReplicaStatus.State.STANDALONE, alone.node.state());
      assertTrue(alone.status().connected());
    }

    @Test
    void batchIsAnsweredInOrder() {
      Member alone = group.add(Group.standalone());
      Key n = Key.of("n");
      Reply reply =
          alone.call(
              new Command.Batch(
                  List.of(
                      new Command.Increment(n, 1), new Command.ListAdd(n, Bytes.utf8("v")),
                      new Command.Increment(n, 1), new Command.Get(n))));
      List<Reply> replies = ((Reply.Batch) reply).replies();
      assertEquals(new Reply.Amount(1), replies.get(0));
      assertTrue(replies.get(1) instanceof Reply.Rejected);
      assertEquals(new Reply.Amount(2), replies.get(2));
      assertEquals(new Reply.Value(Bytes.utf8("2")), replies.get(3));
    }

    @Test
    void batchThatWritesTooMuchSomewhereChangesNothing() {
      Member alone = group.add(Group.standalone());
      Bytes large = new Bytes(new byte[1 << 20]);
      for (Command oversized :
          List.<Command>of(
              new Command.Set(Key.of("b"), large, 0),
              new Command.ListAdd(Key.of("b"), large),
              new Command.SetAdd(Key.of("b"), large),
              new Command.Increment(Key.of(new Bytes(new byte[1 << 20])), 1))) {
        Reply reply =
            alone.call(
                new Command.Batch(
                    List.of(new Command.Set(Key.of("a"), Bytes.EMPTY, 0), oversized)));
        for (Reply each : ((Reply.Batch) reply).replies()) {
          assertEquals(Reply.Reason.TOO_LARGE, ((Reply.Rejected) each).reason());
        }
        assertEquals(
            new Reply.Flag(false),
            alone.call(new Command.Contains(Key.of("a"))),
            oversized::toString);
      }
    }

    @Test
    void refusedCommandPublishesNothing() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).set("k", "text");
      int sent = pair.get(0).sent.size();
      assertTrue(pair.get(0).increment("k", 1) instanceof Reply.Rejected);
      pair.get(0).call(new Command.Delete(Key.of("missing")));
      assertEquals(sent, pair.get(0).sent.size());
    }

    @Test
    void mutationsShareFramesUpToTheirSize() {
      List<Member> pair = group.live(2, ROOMY);
      Member author = pair.get(0);
      for (int i = 0; i < 100; i++) {
        author.node.call(new Command.Set(Key.of("k" + i), Bytes.utf8("v"), 0), author.now());
      }
      assertTrue(author.node.unsentBytes() > 0);
      author.node.flush();
      assertEquals(0, author.node.unsentBytes());
      author.set("last", "v");
      int frames = author.sent(Frame.Mutations.class).size();
      assertTrue(frames > 5 && frames < 30, frames + " frames");
      for (Sent sent : author.sent(Frame.Mutations.class)) {
        assertTrue(sent.bytes().length < 2_000);
        assertEquals(Channel.MUTATIONS, sent.channel());
      }
      group.assertAgreed();
    }

    @Test
    void disconnectedCallsAreCarriedLaterByReplay() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).disconnect();
      fill(pair.get(0), 10);
      assertFalse(pair.get(0).status().connected());
      group.advance(1_000);
      pair.get(0).connect();
      group.advance(1_000);
      assertEquals("v9", pair.get(1).get("k9"));
      group.assertAgreed();
    }

    @Test
    void laterWriteWinsThoughItsClockIsBehind() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).skewMillis = 100_000;
      pair.get(0).set("k", "ahead");
      pair.get(1).set("k", "later");
      assertEquals("later", pair.get(0).get("k"));
      assertEquals("later", pair.get(1).get("k"));
    }

    @Test
    void statusTellsWhatIsKnown() {
      List<Member> pair = group.live(2, ROOMY);
      pair.get(0).set("k", "v");
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      ReplicaStatus status = pair.get(1).status();
      assertEquals(pair.get(1).node.id(), status.origin());
      assertEquals(1, status.entries());
      assertEquals(Map.of(pair.get(0).node.id(), 1L), status.versionVector());
      ReplicaStatus.Peer peer = status.peers().getFirst();
      assertEquals(pair.get(0).node.id(), peer.origin());
      assertEquals(ReplicaStatus.State.LIVE, peer.state());
      assertTrue(peer.silentMillis() <= 2 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.Agreement.EQUAL, peer.agreement());
    }
  }

  @Nested
  class Clocks {
    private static final long MINUTE_AND_A_BIT = 61_000;

    @Test
    void instanceWhoseClockIsFarOffStaysJoiningAndServes() {
      Member live = group.live(1, ROOMY).getFirst();
      Member joiner = group.add();
      joiner.skewMillis = MINUTE_AND_A_BIT;
      joiner.connect();
      group.advance(20 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      assertEquals("the clock is 61 s ahead of those of most peers", joiner.status().hindrance());
      assertNull(live.status().hindrance());
      joiner.set("k", "v");
      assertEquals("v", joiner.get("k"));
      assertEquals("v", live.get("k"));
      joiner.skewMillis = 0;
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertNull(joiner.status().hindrance());
    }

    @Test
    void peerThatComesBackToTheTimeLetsAnotherGoLive() {
      Member live = group.live(1, ROOMY).getFirst();
      live.skewMillis = MINUTE_AND_A_BIT; // those who are live stay so
      Member joiner = group.add();
      joiner.connect();
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.State.LIVE, live.node.state());
      assertEquals("the clock is 61 s behind those of most peers", joiner.status().hindrance());
      live.skewMillis = 0;
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    }

    @Test
    void onePeerAmongSeveralDoesNotKeepOthersFromGoingLive() {
      group.live(3, ROOMY).getFirst().skewMillis = -MINUTE_AND_A_BIT;
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      Member joiner = group.add();
      joiner.connect();
      group.advance(2 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertEquals(1, joiner.count(Effect.Event.Kind.CLOCK_SKEW));
    }

    @Test
    void skewIsWarnedOfOnceUntilItHasGone() {
      List<Member> members = group.live(2, ROOMY);
      Member one = members.getFirst();
      Member other = members.getLast();
      one.skewMillis = 1_000;
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(0, one.count(Effect.Event.Kind.CLOCK_SKEW));
      for (int times = 1; times <= 2; times++) {
        one.skewMillis = 1_001;
        group.advance(10 * Group.HEARTBEAT_MILLIS);
        assertEquals(times, one.count(Effect.Event.Kind.CLOCK_SKEW));
        assertEquals(times, other.count(Effect.Event.Kind.CLOCK_SKEW));
        assertEquals("aheadMillis=1001", one.events.getLast().detail());
        assertEquals("aheadMillis=-1001", other.events.getLast().detail());
        one.skewMillis = 0;
        group.advance(10 * Group.HEARTBEAT_MILLIS);
      }
    }

    private static final NodeSettings QUIET = NodeSettings.replicated(ROOMY, 60_000);

    private Member joined() {
      Member member = group.add(QUIET);
      member.connect();
      if (group.members.size() == 1) member.tellAlone();
      group.advance(100);
      assertEquals(ReplicaStatus.State.LIVE, member.node.state());
      return member;
    }

    @Test
    void messagesHeldUpByAStallAreNoSkew() throws Exception {
      List<Member> pair = group.live(2, ROOMY);
      Member stalled = pair.get(0);
      Member other = pair.get(1);
      group.lost = (sent, to) -> to == stalled;
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      group.lost = (sent, to) -> false;
      for (Sent heldUp : other.sent(Frame.Heartbeat.class)) stalled.receive(heldUp.bytes());
      group.advance(Group.HEARTBEAT_MILLIS);
      assertEquals(0, stalled.count(Effect.Event.Kind.CLOCK_SKEW));
      assertEquals(0, other.count(Effect.Event.Kind.CLOCK_SKEW));
    }

    @Test
    void firstMessageThatIsLateIsNoSkew() throws Exception {
      Member first = joined();
      group.lost = (sent, to) -> true;
      Member joiner = group.add(QUIET);
      joiner.connect();
      group.advance(400);
      byte[] hello = joiner.sent(Frame.Heartbeat.class).getFirst().bytes();
      group.advance(1_500);
      first.receive(hello);
      group.lost = (sent, to) -> false;
      group.advance(100);
      assertEquals(0, first.count(Effect.Event.Kind.CLOCK_SKEW));
      joiner.skewMillis = -1_200; // now there is some
      joiner.set("k", "v");
      group.advance(300);
      assertEquals(0, first.count(Effect.Event.Kind.CLOCK_SKEW)); // the last four are looked at
      group.advance(10_000);
      joiner.set("k", "v");
      group.advance(10_000);
      assertEquals(1, first.count(Effect.Event.Kind.CLOCK_SKEW));
      assertEquals("aheadMillis=1200", first.events.getLast().detail());
    }

    @Test
    void skewIsCertainByWhatAnAnswerLeavesOpen() {
      Skew skew = new Skew();
      Time now = new Time(1_000_000, 0);
      skew.heard(0, 998_000);
      assertEquals(2_000, skew.millis(now));
      assertEquals(0, skew.sureMillis(now)); // it may have been under way so long
      skew.asked(7, 0);
      skew.answered(8, 600, 998_300); // to another question
      assertEquals(0, skew.sureMillis(now));
      skew.answered(7, 600, 998_300); // 300 ms there, 300 ms back
      assertEquals(1_700, skew.sureMillis(now));
      skew.answered(7, 600, 997_000); // once more
      assertEquals(1_700, skew.sureMillis(now));
      assertEquals(1_800, skew.sureMillis(new Time(1_000_100, 0))); // our clock jumped
      skew.heard(2_000, 1_001_950); // its clock was set
      assertEquals(0, skew.sureMillis(new Time(1_002_000, 2_000)));
      skew.heard(3_000, 1_006_000);
      assertEquals(-3_000, skew.sureMillis(new Time(1_003_000, 3_000))); // nothing is early
    }

    @Test
    void slowMessagesAreNoSkewAsLongAsSomeAreFast() {
      Skew skew = new Skew();
      assertEquals(0, skew.millis(new Time(5_000_000, 0)));
      skew.heard(100, 999_900); // 200 ms under way, at a clock like ours
      skew.heard(1_000, 1_000_990); // 10 ms
      skew.heard(70_000, 1_001_000); // 69 s
      assertEquals(10, skew.millis(new Time(1_070_000, 70_000)));
      assertEquals(5_010, skew.millis(new Time(1_075_000, 70_000))); // our clock jumped
    }
  }
}
