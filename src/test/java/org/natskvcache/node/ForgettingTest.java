package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Group.Member;
import org.natskvcache.node.Group.Sent;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Limits;

/** Instances that come, write and go for good, and those that were apart meanwhile. */
class ForgettingTest {
  private static final int SILENT_MAX = 8;
  private static final Limits LIMITS = Group.forgetful(SILENT_MAX);
  private static final long HEARTBEAT_MILLIS = 20;

  private final Group group = new Group(1);

  private Member live() {
    Member member = group.add(NodeSettings.replicated(LIMITS, HEARTBEAT_MILLIS));
    member.connect();
    group.advance(5 * HEARTBEAT_MILLIS);
    return member;
  }

  /** An instance joins, writes and crashes, and is missed. */
  private OriginId visit(String key, String value) {
    Member visitor = live();
    visitor.set(key, value);
    group.members.remove(visitor);
    group.advance(5 * HEARTBEAT_MILLIS);
    return visitor.node.id();
  }

  private static int lastSize(Member member, Class<? extends Frame> type) {
    List<Sent> sent = member.sent(type);
    int size = sent.getLast().bytes().length;
    member.sent.clear();
    return size;
  }

  @Test
  void tenThousandRestartsLeaveMemoryAndFramesAsTheyWere() {
    Member a = live();
    Member b = live();
    a.set("own", "1");
    int heartbeatBytes = 0;
    int offerBytes = 0;
    for (int life = 1; life <= 10_000; life++) {
      visit("k", "v" + life);
      assertTrue(a.node.applied().toMap().size() <= SILENT_MAX + 4);
      assertTrue(a.node.origins().slots() <= 256, "slots " + a.node.origins().slots());
      assertTrue(a.node.applied().footprint() <= 256 * 8);
      int heartbeat = lastSize(a, Frame.Heartbeat.class);
      if (life % 100 != 0) continue;
      live();
      group.members.removeLast();
      int offer = Math.max(lastSize(a, Frame.Offer.class), lastSize(b, Frame.Offer.class));
      if (life <= 1_000) {
        heartbeatBytes = Math.max(heartbeatBytes, heartbeat);
        offerBytes = Math.max(offerBytes, offer);
      } else {
        assertTrue(heartbeat <= heartbeatBytes + 8, heartbeat + " after " + heartbeatBytes);
        assertTrue(offer <= offerBytes + 8, offer + " after " + offerBytes);
      }
    }
    group.advance(5 * HEARTBEAT_MILLIS);
    assertEquals("v10000", b.get("k"));
    assertEquals("1", b.get("own"));
    assertTrue(a.forgotten > 9_000, "forgot " + a.forgotten);
    assertEquals(0, a.startedOver + b.startedOver);
    group.assertAgreed();
  }

  @Test
  void whatAForgottenInstanceWroteIsKeptAndCanBeRemoved() {
    Member a = live();
    OriginId gone = visit("its", "value");
    for (int i = 0; i < 3 * SILENT_MAX; i++) visit("k", "v" + i);
    assertTrue(a.node.applied().forgot(gone));
    assertNull(a.node.applied().toMap().get(gone));
    assertEquals("value", a.get("its"));
    Member joiner = live();
    group.advance(1_000);
    assertEquals("value", joiner.get("its"));
    joiner.set("its", "other");
    assertEquals("other", a.get("its"));
    assertEquals(a.node.keyspace().digest(), joiner.node.keyspace().digest());
  }

  @Test
  void whoKnewAllThatWasForgottenMeanwhileKeepsItsOwnWrites() {
    Member a = live();
    for (int i = 0; i < SILENT_MAX; i++) visit("k", "v" + i);
    Member b = live();
    b.set("b", "early");
    group.lost = (sent, to) -> sent.from() == b || to == b;
    b.set("apart", "b");
    a.set("apart", "a");
    visit("k", "one too many");
    assertTrue(a.forgotten > 0);
    assertEquals(0, b.forgotten);
    group.lost = (sent, to) -> false;
    group.advance(2_000);
    group.assertAgreed();
    assertEquals(0, a.startedOver + b.startedOver);
    assertEquals("one too many", b.get("k"));
    assertEquals(a.get("apart"), b.get("apart"));
  }

  @Test
  void whoHoldsMoreOfAForgottenInstanceStartsOver() {
    Member a = live();
    Member b = live();
    Member x = live();
    x.set("x", "1");
    group.lost = (sent, to) -> to == a && sent.from() == x;
    x.set("x", "2"); // reaches b only
    group.lost = (sent, to) -> sent.from() == b || to == b;
    group.members.remove(x);
    group.advance(5 * HEARTBEAT_MILLIS);
    for (int i = 0; i < 3 * SILENT_MAX; i++) visit("k", "v" + i);
    assertTrue(a.node.applied().forgot(x.node.id()));
    group.lost = (sent, to) -> false;
    group.advance(10_000);
    assertEquals(0, a.startedOver);
    assertEquals(1, b.startedOver);
    group.assertAgreed();
    assertEquals("1", b.get("x"));
  }

  @Test
  void anInstanceThatOnlyReadsTakesAYoungerName() {
    Member reader = live();
    OriginId before = reader.node.id();
    Member writer = live();
    writer.set("own", "1");
    for (int i = 0; i < 3 * SILENT_MAX; i++) visit("k", "v" + i);
    group.advance(10 * HEARTBEAT_MILLIS);
    assertTrue(reader.forgotten > 0 && writer.forgotten > 0);
    assertTrue(reader.node.id().compareTo(before) > 0);
    reader.set("r", "1");
    assertEquals("1", writer.get("r"));
    group.assertAgreed();
  }

  @Test
  void anInstanceBornWithItsClockBehindTakesAYoungerName() {
    Member a = live();
    for (int i = 0; i < 3 * SILENT_MAX; i++) visit("k", "v" + i);
    OriginId old = OriginId.of(1, 1, 1);
    Member late = live();
    late.leave();
    late.node.rejoin(old, late.now());
    late.connect();
    group.advance(20 * HEARTBEAT_MILLIS);
    assertTrue(late.node.id().compareTo(old) > 0);
    late.set("late", "1");
    group.advance(1_000);
    assertEquals("1", a.get("late"));
    assertEquals(a.node.keyspace().digest(), late.node.keyspace().digest());
  }
}
