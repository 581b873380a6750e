package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Group.Member;
import org.natskvcache.node.Group.Sent;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** What frames say of the time, and what a wrong clock may do. */
class ClockClaimsTest {
  private static final Limits ROOMY = Group.limits(1_000, 1_000, 1_000, 2);
  private static final long BOUND = ClockLimits.DEFAULTS.maxMillis();
  private static final long YEARS = 10L * 365 * 24 * 3_600_000;
  private static final long LATE = BOUND + 3 * Group.HEARTBEAT_MILLIS;

  private final Group group = new Group(1);
  private Member one;
  private Member other;

  @BeforeEach
  void start() {
    List<Member> pair = group.live(2, ROOMY);
    one = pair.get(0);
    other = pair.get(1);
  }

  private long wall() {
    return one.now().wallMillis();
  }

  private OriginId born(long wallMillis) {
    return OriginId.of(wallMillis, 1, group.random.nextLong());
  }

  private VersionVector vector(Forgotten forgotten) {
    VersionVector vector = new VersionVector(group.origins());
    vector.forgotten(forgotten);
    return vector;
  }

  private Frame heartbeat(OriginId from, long wallMillis, VersionVector active, boolean hello) {
    return new Frame.Heartbeat(
        from, true, hello, false, 0, wallMillis, 0, active, 0, 0, 0, 0, List.of(), 0);
  }

  private Frame heartbeat(OriginId from, long wallMillis) {
    return heartbeat(from, wallMillis, vector(null), false);
  }

  private void tell(Member to, Frame frame) throws MalformedFrameException {
    to.receive(group.encode(frame));
  }

  private void refuses(Frame frame) throws MalformedFrameException {
    long before = one.node.refusedClaims();
    tell(one, frame);
    assertEquals(before + 1, one.node.refusedClaims());
    assertEquals(1, one.status().peers().size());
    assertEquals(0, one.count(Effect.Event.Kind.PEER_FOUND));
    assertEquals(0, one.count(Effect.Event.Kind.PEER_LEFT));
  }

  /** Somebody wrote this. */
  private OriginId write(long hlc, Op op, Member... to) throws MalformedFrameException {
    OriginId author = born(wall());
    Mutation mutation =
        new Mutation(
            Dot.of(group.origins().slot(author), 1), hlc, new int[0], new long[0], null, 0, op);
    for (Member each : to) tell(each, new Frame.Mutations(author, List.of(mutation)));
    return author;
  }

  private static Op put(String value) {
    return new Op.Put(Key.of("k"), Bytes.utf8(value), 0, Observed.NOTHING);
  }

  private static long lastClock(Member member) {
    Frame last = member.sent(Frame.Mutations.class).getLast().frame();
    return ((Frame.Mutations) last).mutations().getLast().hlc();
  }

  // ---------------------------------------------------------------- claims

  @Test
  void frameOfAnotherTimeMakesNoPeerAndClosesNoOrigin() throws Exception {
    one.events.clear();
    OriginId stranger = born(wall());
    for (long wall : new long[] {wall() + BOUND + 1, wall() - LATE - 1, 0, -1, Long.MAX_VALUE}) {
      refuses(heartbeat(stranger, wall));
      refuses(new Frame.Beacon(stranger, 5, wall));
      refuses(new Frame.Leave(other.node.id(), 5, wall));
    }
    tell(one, heartbeat(stranger, wall() + BOUND));
    tell(one, heartbeat(born(wall()), wall() - LATE));
    assertEquals(3, one.status().peers().size());
  }

  @Test
  void senderBornInTheFutureMakesNoPeer() throws Exception {
    one.events.clear();
    for (long birth : new long[] {wall() + BOUND + 1, wall() + YEARS, OriginId.BIRTH_MAX}) {
      refuses(heartbeat(born(birth), wall()));
      refuses(new Frame.Beacon(born(birth), 5, wall()));
      refuses(new Frame.Leave(born(birth), 5, wall()));
      refuses(new Frame.ReplayRequest(born(birth), 1, vector(null), 1_000));
    }
  }

  @Test
  void forgedHorizonEmptiesNobody() throws Exception {
    one.set("k", "v");
    OriginId horizon = born(OriginId.BIRTH_MAX);
    for (int i = 0; i < 5; i++) {
      tell(one, heartbeat(born(wall()), wall(), vector(new Forgotten(horizon, i)), false));
      group.advance(Group.HEARTBEAT_MILLIS);
    }
    group.advance(20 * Group.HEARTBEAT_MILLIS);
    assertEquals(0, one.startedOver + other.startedOver);
    assertNull(one.node.applied().forgotten());
    assertEquals("v", one.get("k"));
    Member joiner = group.add(ROOMY);
    joiner.connect();
    group.advance(1_000);
    tell(joiner, heartbeat(born(wall()), wall(), vector(new Forgotten(horizon, 1)), false));
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals(0, joiner.startedOver);
    assertEquals("v", joiner.get("k"));
  }

  @Test
  void nameNextToTheEndOfTimeDoesNotWrap() throws Exception {
    Member alone = group.add(NodeSettings.replicated(ROOMY, Group.HEARTBEAT_MILLIS));
    alone.skewMillis = OriginId.BIRTH_MAX - alone.now().wallMillis();
    alone.connected = false; // hears strangers only
    alone.node.connected(alone.now());
    OriginId horizon = new OriginId(-1, -1);
    for (int i = 0; i < 3; i++) {
      Frame forged =
          heartbeat(born(wall()), OriginId.BIRTH_MAX, vector(new Forgotten(horizon, 1)), false);
      alone.node.receive(Channel.HEARTBEATS, group.encode(forged), alone.now());
    }
    assertTrue(alone.node.id().birthMillis() > wall());
  }

  @Test
  void requestsAreAnsweredWhateverTheClock() throws Exception {
    one.set("k", "v");
    OriginId stranger = born(wall() + YEARS);
    one.sent.clear();
    tell(one, new Frame.OfferRequest(stranger, 1, 1));
    tell(one, new Frame.ReplayRequest(stranger, 2, vector(null), 1_000));
    tell(one, new Frame.SnapshotRequest(stranger, 3, 0, 0, 0, 1_000));
    tell(one, new Frame.VectorRequest(stranger, 4));
    tell(one, heartbeat(stranger, wall() + YEARS, vector(null), true));
    group.advance(20);
    assertEquals(1, one.sent(Frame.Offer.class).size());
    assertEquals(1, one.sent(Frame.ReplayEnd.class).size());
    assertFalse(one.sent(Frame.SnapshotRefused.class).isEmpty()); // with the number to ask with
    assertEquals(1, one.sent(Frame.Vector.class).size());
    assertEquals(1, one.sent(Frame.Heartbeat.class).size()); // to its hello
    assertEquals(1, one.status().peers().size());
  }

  @Test
  void clockOfOneThatIsRefusedIsWarnedOf() throws Exception {
    OriginId stranger = born(wall());
    for (int i = 0; i < 4; i++) tell(one, heartbeat(stranger, wall() + YEARS));
    assertEquals(1, one.count(Effect.Event.Kind.CLOCK_SKEW));
    assertEquals("aheadMillis=" + -YEARS, one.events.getLast().detail());
  }

  @Test
  void noticeAndHeartbeatThatSomebodyRepeatsLaterAreVoid() throws Exception {
    group.advance(2 * Group.HEARTBEAT_MILLIS);
    other.leave();
    byte[] leave = other.sent(Frame.Leave.class).getLast().bytes();
    byte[] heartbeat = other.sent(Frame.Heartbeat.class).getLast().bytes();
    group.advance(LATE + 2 * Group.HEARTBEAT_MILLIS);
    one.events.clear();
    long before = one.node.refusedClaims();
    one.receive(heartbeat);
    one.receive(leave);
    assertEquals(before + 2, one.node.refusedClaims());
    assertEquals(0, one.status().peers().size());
    assertTrue(one.events.isEmpty());
  }

  @Test
  void wrongClockOfOursLetsNothingExpireForTheOthers() {
    one.call(new Command.Set(Key.of("k"), Bytes.utf8("v"), 1_000_000));
    other.skewMillis = YEARS;
    group.advance(20 * Group.HEARTBEAT_MILLIS);
    assertEquals("v", one.get("k"));
    other.skewMillis = 0;
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    assertEquals("v", other.get("k"));
    assertEquals(1, other.status().peers().size());
  }

  // ---------------------------------------------------------------- joining

  @Test
  void joinerWithAWrongClockGoesByThoseOfTheOthers() {
    for (long skew : new long[] {YEARS, -YEARS}) {
      one.set("k", "v");
      Member joiner = group.add(ROOMY);
      joiner.skewMillis = skew;
      joiner.connect();
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      assertEquals("v", joiner.get("k"));
      assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
      assertNotNull(joiner.status().hindrance());
      joiner.set("k", "w");
      assertEquals("w", one.get("k"));
      long ahead = (lastClock(joiner) >>> 16) - wall();
      assertTrue(Math.abs(ahead) <= BOUND, "ahead by " + ahead);
      joiner.skewMillis = 0;
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
      joiner.leave();
      group.advance(5 * Group.HEARTBEAT_MILLIS);
      group.members.remove(joiner);
    }
    group.assertAgreed();
  }

  @Test
  void oneThatWasNamedByAWrongClockTakesAnotherName() {
    Member joiner = group.add(ROOMY);
    joiner.leave();
    joiner.node.rejoin(born(wall() + YEARS), joiner.now());
    joiner.connect();
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals(1, joiner.count(Effect.Event.Kind.RENAMED));
    assertTrue(joiner.node.id().birthMillis() <= wall());
    assertEquals(2, one.status().peers().size());
  }

  @Test
  void joinerThatRefusesTheOnlyLiveOneIsNotLiveBesideIt() throws Exception {
    group.lost = (sent, to) -> true;
    Member joiner = group.add(ROOMY);
    joiner.connect();
    OriginId live = born(wall() + YEARS);
    for (int i = 0; i < 10; i++) {
      tell(joiner, heartbeat(live, wall()));
      group.advance(Group.HEARTBEAT_MILLIS);
    }
    joiner.tellAlone();
    assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
    assertNotNull(joiner.status().hindrance());
    group.advance(6 * Group.HEARTBEAT_MILLIS);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertNull(joiner.status().hindrance());
  }

  // ---------------------------------------------------------------- mutations

  @Test
  void mutationFarAheadCountsAndLiftsNobodysClock() throws Exception {
    OriginId author = write(wall() + YEARS << 16, put("odd"), one, other);
    assertEquals("odd", one.get("k"));
    assertEquals(1, one.node.mutationsAhead());
    assertTrue(one.node.alarm().contains(author.toString()));
    assertEquals(1, one.count(Effect.Event.Kind.ALARM));
    one.set("k", "seen"); // wins, because it has seen the odd one
    assertEquals("seen", one.get("k"));
    assertEquals("seen", other.get("k"));
    assertTrue(lastClock(one) >>> 16 <= wall() + BOUND);
    group.advance(BOUND + 1_000);
    one.set("k", "later");
    assertTrue(lastClock(one) >>> 16 <= wall() + 1);
    Member joiner = group.add(ROOMY); // by snapshot or replay
    joiner.connect();
    group.advance(1_000);
    joiner.set("k", "last");
    assertEquals("last", other.get("k"));
    assertTrue(lastClock(joiner) >>> 16 <= wall() + BOUND);
    assertEquals(one.node.keyspace().digest(), joiner.node.keyspace().digest());
    assertNull(joiner.node.alarm());
  }

  /** Once the clocks were lifted for good, and their counters decided in place of the time. */
  @Test
  void ofTwoSimultaneousWritesTheLaterWinsAfterAMutationFarAhead() throws Exception {
    write(wall() + YEARS << 16, put("odd"), one, other);
    group.advance(BOUND + 1_000);
    for (int i = 0; i < 100; i++) one.set("busy", "" + i);
    group.lost = (sent, to) -> true;
    one.set("n", "older");
    group.advance(1_000);
    other.set("n", "newer");
    group.lost = (sent, to) -> false;
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    assertEquals("newer", one.get("n"));
    assertEquals("newer", other.get("n"));
  }

  @Test
  void snapshotDoesNotLiftTheClockEither() throws Exception {
    Limits shortRing = Group.limits(3, 1_000, 100, 2);
    Group small = new Group(2);
    Member first = small.live(1, shortRing).getFirst();
    first.skewMillis = YEARS; // one that is live stays so
    for (int i = 0; i < 10; i++) first.set("k" + i, "v");
    first.skewMillis = 0;
    small.advance(5 * Group.HEARTBEAT_MILLIS);
    Member joiner = small.add(shortRing);
    joiner.connect();
    small.advance(5 * Group.HEARTBEAT_MILLIS);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals(1, joiner.count(Effect.Event.Kind.SNAPSHOT_INSTALLED));
    joiner.set("k", "v");
    assertTrue(lastClock(joiner) >>> 16 <= joiner.now().wallMillis() + BOUND);
  }

  @Test
  void positionFarAheadLiftsNoClockAndTheNextItemComesBehindIt() throws Exception {
    for (long position : new long[] {wall() + YEARS << 16, Mutation.TIME_MAX}) {
      Key key = Key.of("list" + position);
      write(wall() << 16, new Op.Append(key, position, Bytes.utf8("odd"), null), one, other);
      Command add = new Command.ListAdd(key, Bytes.utf8("next"));
      one.call(add);
      Sent sent = one.sent(Frame.Mutations.class).getLast();
      Mutation mutation = ((Frame.Mutations) sent.frame()).mutations().getLast();
      long place = ((Op.Append) mutation.op()).position();
      assertEquals(Math.min(position + 1, Mutation.TIME_MAX), place);
      assertTrue(mutation.hlc() >>> 16 <= wall() + 1);
      assertEquals(one.node.keyspace().digest(), other.node.keyspace().digest());
    }
  }

  // ---------------------------------------------------------------- forgetting

  @Test
  void nameFromTheFutureIsNeverForgotten() throws Exception {
    Group small = new Group(3);
    Member keeper = small.live(1, Group.forgetful(4)).getFirst();
    long now = keeper.now().wallMillis();
    for (int i = 0; i < 12; i++) {
      long birth = i % 2 == 0 ? now + YEARS : now - 1_000;
      OriginId author = OriginId.of(birth, i, i);
      Mutation mutation =
          new Mutation(
              Dot.of(small.origins().slot(author), 1),
              now << 16,
              new int[0],
              new long[0],
              null,
              0,
              put("v" + i));
      keeper.receive(small.encode(new Frame.Mutations(author, List.of(mutation))));
    }
    keeper.set("own", "1");
    small.advance(30 * Group.HEARTBEAT_MILLIS);
    assertTrue(keeper.forgotten > 0);
    assertTrue(keeper.node.applied().forgotten().until().birthMillis() <= now);
    Member joiner = small.add(Group.forgetful(4));
    OriginId name = joiner.node.id();
    joiner.connect();
    small.advance(5 * Group.HEARTBEAT_MILLIS);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals(name, joiner.node.id());
  }

  /** It and those that it has forgotten were named while its clock was years ahead. */
  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whoJoinsWithAHorizonFromTheFutureStartsOver() {
    Group small = new Group(3);
    Member back = small.add(Group.forgetful(4));
    back.skewMillis = YEARS;
    back.connect();
    back.tellAlone();
    back.set("own", "1");
    for (int i = 0; i < 12; i++) {
      Member gone = small.add(Group.forgetful(4));
      gone.skewMillis = YEARS;
      gone.leave();
      gone.node.rejoin(OriginId.of(gone.now().wallMillis(), 1, i), gone.now());
      gone.connect();
      small.advance(5 * Group.HEARTBEAT_MILLIS);
      gone.set("k", "v" + i);
      gone.leave();
      small.members.remove(gone);
    }
    small.advance(30 * Group.HEARTBEAT_MILLIS);
    assertTrue(back.forgotten > 0);
    back.leave();
    small.members.remove(back);

    Member rightly = small.add(Group.forgetful(4));
    rightly.connect();
    rightly.tellAlone();
    back.node.rejoin(OriginId.of(back.now().wallMillis(), 2, 2), back.now());
    back.skewMillis = 0;
    small.members.add(back);
    back.events.clear();
    back.connect();
    small.advance(30 * Group.HEARTBEAT_MILLIS);
    assertEquals(0, back.count(Effect.Event.Kind.RENAMED));
    assertEquals(1, back.startedOver);
    rightly.set("k", "w");
    back.set("own", "2");
    small.advance(5 * Group.HEARTBEAT_MILLIS);
    small.assertAgreed();
  }
}
