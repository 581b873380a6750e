package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** Somebody says that an instance left that did not, or writes under its name. */
class OwnLeaveTest {
  private static final Limits ROOMY = Group.limits(1_000, 1_000, 1_000, 2);
  private static final int WRITTEN = 5;

  private final Group group = new Group(1);
  private Member victim;
  private Member other;
  private Member third;

  @BeforeEach
  void start() {
    List<Member> trio = group.live(3, ROOMY);
    victim = trio.get(0);
    other = trio.get(1);
    third = trio.get(2);
    for (int i = 1; i <= WRITTEN; i++) victim.increment("n", 1);
  }

  private byte[] leave(OriginId of, long finalSequence) {
    return group.encode(new Frame.Leave(of, finalSequence, victim.now().wallMillis() + 1));
  }

  private byte[] mutation(OriginId of, long sequence) {
    long dot = Dot.of(group.origins().slot(of), sequence);
    Op op = new Op.Put(Key.of("forged"), Bytes.utf8("f"), 0, Observed.NOTHING);
    Mutation mutation = new Mutation(dot, 1, new int[0], new long[0], null, 0, op);
    return group.encode(new Frame.Mutations(of, List.of(mutation)));
  }

  private void assertAllHold(String key, String value) {
    long hash = victim.node.applied().hash();
    for (Member member : group.members) {
      assertEquals(value, member.get(key));
      assertEquals(hash, member.node.applied().hash());
      assertEquals(victim.node.keyspace().digest(), member.node.keyspace().digest());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 6, 1_000})
  void whoIsSaidToHaveLeftGoesOnUnderAnotherName(int finalSequence) throws Exception {
    OriginId before = victim.node.id();
    byte[] forged = leave(before, finalSequence);
    for (Member member : List.of(other, third, victim)) member.receive(forged);
    assertNotEquals(before, victim.node.id());
    assertEquals(victim.node.id(), victim.listensAs);
    assertEquals(1, victim.count(Effect.Event.Kind.RENAMED));
    victim.increment("n", 10);
    assertAllHold("n", "15");
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    for (Member member : group.members) assertEquals(2, member.status().peers().size());
    group.assertAgreed();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 6, 1_000})
  void whoDoesNotHearThatItLeftLosesNothing(int finalSequence) throws Exception {
    byte[] forged = leave(victim.node.id(), finalSequence);
    other.receive(forged);
    victim.increment("n", 10);
    group.lost = (sent, to) -> sent.is(Frame.Mutations.class);
    victim.increment("n", 100); // lost: only what the victim says of itself tells
    group.lost = (sent, to) -> false;
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    assertAllHold("n", "115");
    assertEquals(2, other.status().peers().size());
    assertEquals(2, victim.status().peers().size());
  }

  @Test
  void counterThatWasDeletedMeanwhileCountsOnFromNothing() throws Exception {
    byte[] forged = leave(victim.node.id(), WRITTEN);
    other.receive(forged);
    third.receive(forged);
    group.lost = (sent, to) -> sent.from() == victim || to == victim;
    other.call(new Command.Delete(Key.of("n")));
    victim.increment("n", 10); // has not seen that
    group.advance(20 * Group.HEARTBEAT_MILLIS);
    group.lost = (sent, to) -> false;
    group.advance(20 * Group.HEARTBEAT_MILLIS);
    assertAllHold("n", "10");
  }

  @Test
  void noticeOfOneThatWroteMoreIsIgnored() throws Exception {
    other.receive(leave(victim.node.id(), WRITTEN - 1));
    assertEquals(0, other.count(Effect.Event.Kind.PEER_LEFT));
    assertEquals(2, other.status().peers().size());
  }

  @Test
  void noticeThatComesAgainLaterIsIgnored() throws Exception {
    byte[] forged = leave(victim.node.id(), WRITTEN);
    other.receive(forged);
    assertEquals(1, other.count(Effect.Event.Kind.PEER_LEFT));
    group.advance(3 * Group.HEARTBEAT_MILLIS);
    other.receive(forged);
    assertEquals(1, other.count(Effect.Event.Kind.PEER_LEFT));
    assertEquals(2, other.status().peers().size());
  }

  @Test
  void noticesInARowCostFewNames() throws Exception {
    for (int i = 0; i < 100; i++) {
      victim.increment("n", 1);
      victim.receive(leave(victim.node.id(), WRITTEN));
    }
    assertEquals(1, victim.count(Effect.Event.Kind.RENAMED));
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    assertAllHold("n", "105");
  }

  @Test
  void whoseNextSequenceIsTakenWritesUnderAnotherName() throws Exception {
    OriginId before = victim.node.id();
    byte[] forged = mutation(before, WRITTEN + 1);
    for (Member member : List.of(other, third, victim)) member.receive(forged);
    assertNotEquals(before, victim.node.id());
    assertEquals(1, victim.count(Effect.Event.Kind.RENAMED));
    assertTrue(victim.node.alarm().contains("writes as this origin"));
    victim.increment("n", 10);
    assertAllHold("n", "15");
    assertAllHold("forged", "f");
  }

  @Test
  void sequenceTakenBehindItsBackIsNoticedByAReplay() throws Exception {
    OriginId before = victim.node.id();
    other.receive(mutation(before, WRITTEN + 1));
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    assertNotEquals(before, victim.node.id());
    victim.increment("n", 10);
    assertAllHold("n", "15");
  }

  @Test
  void whatIsHeldBackUnderATakenNameIsDropped() throws Exception {
    byte[] forged = mutation(victim.node.id(), WRITTEN + 5);
    for (Member member : List.of(other, third, victim)) member.receive(forged);
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    victim.increment("n", 10);
    assertAllHold("n", "15");
    for (Member member : List.of(other, third)) assertEquals(0, member.status().heldBack());
  }

  @Test
  void whatWasWrittenUnderTheOldNameIsHandedOverBeforeGoing() throws Exception {
    group.lost = (sent, to) -> sent.from() == victim;
    victim.increment("n", 10);
    victim.receive(leave(victim.node.id(), WRITTEN));
    assertFalse(victim.node.writesHeard());
    group.lost = (sent, to) -> false;
    victim.leave();
    group.advance(2 * Group.HEARTBEAT_MILLIS);
    assertTrue(victim.node.writesHeard());
    assertEquals("15", other.get("n"));
  }

  @Test
  void whoLeftIsNotAPeerAndStaysAway() {
    victim.leave();
    group.advance(10 * Group.HEARTBEAT_MILLIS);
    for (Member member : List.of(other, third)) {
      assertEquals(1, member.status().peers().size());
      assertEquals(1, member.count(Effect.Event.Kind.PEER_LEFT));
      assertNull(member.node.alarm());
    }
  }
}
