package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Limits;

/** What requests of any number and kind make an instance do. */
class RequestLimitsTest {
  private static final Limits ROOMY = Group.limits(1_000, 1_000, 1_000, 2);
  private static final int MIB = 1 << 20;

  private final Group group = new Group(1);

  private static OriginId stranger(int number) {
    return new OriginId(5, number);
  }

  private long offersFor(int asker, int attempt) throws MalformedFrameException {
    byte[] request = group.encode(new Frame.OfferRequest(stranger(asker), 77 + asker, attempt));
    long before = sent(Frame.Offer.class);
    for (Member member : group.members) member.receive(request);
    return sent(Frame.Offer.class) - before;
  }

  private long sent(Class<? extends Frame> type) {
    return group.members.stream().mapToLong(member -> member.sent(type).size()).sum();
  }

  // ---------------------------------------------------------------- offers

  @Test
  void firstRequestsForOffersAreAnsweredByFewAndLastOnesByAll() throws Exception {
    group.live(14, ROOMY);
    assertEquals(3, offersFor(1, 1));
    assertEquals(3, offersFor(2, 2));
    assertEquals(12, offersFor(3, 3));
    assertEquals(14, offersFor(4, 4));
    assertEquals(14, offersFor(5, 5));
  }

  @Test
  void joinerIsOfferedTheDataThoughAllButOneHaveJustDied() {
    List<Member> live = group.live(8, ROOMY);
    live.getLast().set("k", "v");
    List<Member> dead = live.subList(0, 7);
    group.lost = (sent, to) -> dead.contains(to) || dead.contains(sent.from());
    for (int i = 0; i < 20; i++) {
      Member joiner = group.add(ROOMY);
      joiner.connect();
      group.advance(950);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      assertEquals("v", joiner.get("k"));
      joiner.disconnect();
      group.members.remove(joiner);
    }
  }

  @Test
  void offersAreBoundedForOneAskerAndInTotal() throws Exception {
    Member live = group.live(1, ROOMY).getFirst();
    long ofOne = 0;
    for (int i = 0; i < 100; i++) ofOne += offersFor(1, 5);
    assertEquals(RequestLimits.OFFERS_EACH, ofOne);
    long ofOthers = 0;
    for (int i = 0; i < 100; i++) ofOthers += offersFor(2 + i, 5);
    assertEquals(RequestLimits.OFFERS_ALL - RequestLimits.OFFERS_EACH, ofOthers);
    assertEquals(200 - RequestLimits.OFFERS_ALL, live.node.unanswered());
    group.advance(1_000);
    assertEquals(1, offersFor(1, 5));
  }

  @Test
  void floodOfRequestsForOffersLeavesNoJoinerLiveWithoutTheData() throws Exception {
    group.live(1, ROOMY).getFirst().set("k", "v");
    for (int i = 0; i < RequestLimits.OFFERS_ALL; i++) offersFor(i, 5);
    Member joiner = group.add(ROOMY);
    joiner.connect();
    for (int millis = 0; millis < 5_000; millis += 10) {
      for (int i = 0; i < RequestLimits.OFFERS_ALL; i++) offersFor(millis + i, 5);
      group.advance(10);
      if (joiner.node.state() == ReplicaStatus.State.LIVE) assertEquals("v", joiner.get("k"));
    }
    group.advance(1_500);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals("v", joiner.get("k"));
  }

  // ---------------------------------------------------------------- vectors

  @Test
  void vectorsAreBoundedForOneAskerAndInTotal() throws Exception {
    Member live = group.live(1, ROOMY).getFirst();
    byte[] request = group.encode(new Frame.VectorRequest(stranger(1), 1));
    for (int i = 0; i < 100; i++) live.receive(request);
    assertEquals(RequestLimits.VECTORS_EACH, sent(Frame.Vector.class));
    for (int i = 0; i < 100; i++) {
      live.receive(group.encode(new Frame.VectorRequest(stranger(2 + i), 1)));
    }
    assertEquals(RequestLimits.VECTORS_ALL, sent(Frame.Vector.class));
  }

  // ---------------------------------------------------------------- replays

  private byte[] replayRequest(int asker) {
    return group.encode(
        new Frame.ReplayRequest(
            stranger(asker), 1, new VersionVector(group.origins()), Integer.MAX_VALUE));
  }

  @Test
  void sameRequestForAReplayIsAnsweredAFewTimesASecond() throws Exception {
    Member live = group.live(1, ROOMY).getFirst();
    for (int i = 0; i < 200; i++) live.set("k" + i, "v".repeat(100));
    byte[] request = replayRequest(1);
    for (int i = 0; i < 100; i++) live.receive(request);
    assertEquals(RequestLimits.REPLAYS_EACH, sent(Frame.ReplayEnd.class));
    assertEquals(100 - RequestLimits.REPLAYS_EACH, live.node.unanswered());
    group.advance(1_000);
    live.receive(request);
    assertEquals(RequestLimits.REPLAYS_EACH + 1, sent(Frame.ReplayEnd.class));
  }

  @Test
  void joinerThatTakesWhatItIsSentIsNotSlowedDown() {
    Member live = group.live(1, ROOMY).getFirst();
    for (int i = 0; i < 900; i++) live.set("k" + i, "v".repeat(100));
    Member joiner = group.add(ROOMY);
    joiner.connect();
    group.advance(50);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    int replays = live.sent(Frame.ReplayEnd.class).size();
    assertTrue(replays > 2 * RequestLimits.REPLAYS_EACH, replays + " replays");
    assertEquals(0, live.node.unanswered());
    group.assertAgreed();
  }

  @Test
  void bytesReplayedToThoseThatMakeNoProgressAreBounded() {
    RequestLimits limits = new RequestLimits();
    Origins origins = new Origins();
    VersionVector nothing = new VersionVector(origins);
    int answers = 0;
    for (int i = 0; i < 200; i++) {
      if (!limits.replay(stranger(i), nothing, 1_000)) continue;
      answers++;
      limits.replayed(stranger(i), Dot.of(0, 10), MIB);
    }
    assertEquals(RequestLimits.REPLAY_BYTES_ALL / MIB, answers);
    assertEquals(200 - answers, limits.unanswered());
    VersionVector received = new VersionVector(origins);
    received.raise(origins.slot(stranger(1)), 10);
    assertTrue(limits.replay(stranger(5), received, 1_500)); // has what it was sent
    limits.replayed(stranger(5), Dot.of(0, 20), MIB);
    assertNotEquals(true, limits.replay(stranger(5), received, 1_500)); // and not the next
    assertTrue(limits.replay(stranger(5), received, 2_000));
  }

  @Test
  void boundedNumberOfAskersIsRemembered() {
    RequestLimits limits = new RequestLimits();
    for (int i = 0; i < 10_000; i++) limits.vector(stranger(i), i);
    assertEquals(RequestLimits.ASKERS_MAX, limits.askers());
  }
}
