package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.FrameKeys.Use;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.MalformedFrameException.Kind;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** Instances that sign what they say, and others on their subjects. */
class KeyedGroupTest {
  private static final String A = key(1);
  private static final String B = key(2);
  private static final Limits LIMITS = Group.limits(1_000, 1_000, 1_000, 2);
  private static final OriginId STRANGER = new OriginId(9, 9);

  private final Group group = new Group(1);

  private static String key(int fill) {
    byte[] bytes = new byte[32];
    java.util.Arrays.fill(bytes, (byte) fill);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private Member add(String keys) {
    Member member = group.add(settings(keys, Group.HEARTBEAT_MILLIS));
    group.strict = false;
    member.connect();
    return member;
  }

  private void settle() {
    group.advance(12 * Group.HEARTBEAT_MILLIS);
  }

  private static List<String> problems(Member member) {
    return member.status().problems();
  }

  private byte[] forged(String keys, Use use, Channel channel, OriginId receiver, Frame frame) {
    FrameKeys with =
        use == Use.WRITE ? FrameKeys.replication(keys) : FrameKeys.replication(keys).toInspect();
    return new FrameCodec(group.origins(), with, use).encode(frame, channel, receiver);
  }

  private Frame deletion() {
    Op op = new Op.Delete(Key.of("k"), Observed.NOTHING, false);
    long dot = Dot.of(group.origins().slot(STRANGER), 1);
    return new Frame.Mutations(
        STRANGER, List.of(new Mutation(dot, 1, new int[0], new long[0], null, 0, op)));
  }

  private static Kind refused(Member member, Channel channel, byte[] frame) {
    return assertThrows(
            MalformedFrameException.class, () -> member.node.receive(channel, frame, member.now()))
        .kind();
  }

  @Test
  void instancesWithOneKeyAgree() {
    Member one = add(A);
    Member two = add(A);
    settle();
    one.set("k", "v");
    settle();
    assertEquals("v", two.get("k"));
    group.assertAgreed();
    assertEquals(List.of(), problems(one));
  }

  @Test
  void whoHasNoKeyOrAnotherChangesNothing() {
    Member one = add(A);
    settle();
    one.set("k", "v");
    byte[] unkeyed = forged("none", Use.WRITE, Channel.MUTATIONS, null, deletion());
    assertEquals(Kind.OTHER_KEY, refused(one, Channel.MUTATIONS, unkeyed));
    byte[] other = forged(B, Use.WRITE, Channel.MUTATIONS, null, deletion());
    assertEquals(Kind.OTHER_KEY, refused(one, Channel.MUTATIONS, other));
    assertEquals("v", one.get("k"));
    assertEquals(List.of(OtherKeys.PROBLEM), problems(one));
  }

  @Test
  void frameOfAnotherChannelOrReceiverIsRefused() {
    Member one = add(A);
    settle();
    Frame question = new Frame.DigestRequest(STRANGER, false, 1, -1, 0);
    byte[] toAll = forged(A, Use.WRITE, Channel.REPLAY_ALL, null, question);
    assertEquals(Kind.DAMAGED, refused(one, Channel.DIRECT, toAll));
    byte[] toAnother = forged(A, Use.WRITE, Channel.DIRECT, STRANGER, question);
    assertEquals(Kind.DAMAGED, refused(one, Channel.DIRECT, toAnother));
    assertEquals(List.of(), problems(one));
  }

  @Test
  void inspectionKeyOnlyAsks() throws MalformedFrameException {
    Member one = add(A);
    settle();
    one.set("k", "v");
    for (Channel channel : List.of(Channel.MUTATIONS, Channel.HEARTBEATS, Channel.REPLAY_ALL)) {
      Frame frame =
          switch (channel) {
            case MUTATIONS -> deletion();
            case HEARTBEATS -> new Frame.Leave(one.node.id(), 0, one.now().wallMillis());
            default -> new Frame.OfferRequest(STRANGER, 1, 1);
          };
      byte[] signed = forged(A, Use.INSPECT, channel, null, frame);
      assertEquals(Kind.INSPECTION_KEY, refused(one, channel, signed));
    }
    one.sent.clear();
    Frame question = new Frame.DigestRequest(STRANGER, true, 1, -1, 0);
    byte[] asked = forged(A, Use.INSPECT, Channel.REPLAY_ALL, null, question);
    one.node.receive(Channel.REPLAY_ALL, asked, one.now());
    FrameCodec observer =
        new FrameCodec(
            group.origins(), FrameKeys.replication(A).toInspect(), FrameKeys.Use.INSPECT);
    int answers = 0;
    for (Effect effect : one.node.takeEffects()) {
      if (!(effect instanceof Effect.Publish(var channel, var target, var frame))) continue;
      assertEquals(Channel.OBSERVER, channel);
      observer.decode(frame, channel, target);
      answers++;
    }
    assertEquals(2, answers);
    assertEquals("v", one.get("k"));
  }

  @Test
  void observerWithoutAKeyIsNotAnsweredAndIsNoSignOfAnotherKey() {
    Member one = add(A);
    settle();
    Frame question = new Frame.DigestRequest(STRANGER, true, 1, -1, 0);
    byte[] asked = forged("none", Use.WRITE, Channel.REPLAY_ALL, null, question);
    assertEquals(Kind.INSPECTION_KEY, refused(one, Channel.REPLAY_ALL, asked));
    assertEquals(List.of(), problems(one));
  }

  @Test
  void othersWithAnotherKeyAreToldUntilTheyAreSilent() {
    Member one = add(A);
    Member two = add(B);
    settle();
    assertEquals(List.of(OtherKeys.PROBLEM), problems(one));
    assertEquals(List.of(OtherKeys.PROBLEM), problems(two));
    two.disconnect();
    group.advance(4 * Group.HEARTBEAT_MILLIS);
    assertEquals(List.of(), problems(one));
  }

  @Test
  void garbageIsNotAnotherKey() {
    Member one = add(A);
    settle();
    byte[] frame = forged(A, Use.WRITE, Channel.MUTATIONS, null, deletion());
    for (int i = 0; i < frame.length; i++) {
      if (i >= frame.length - 20 && i < frame.length - 16) continue; // the id of the key
      if (i == 4) continue; // the flag that tells that there is one
      byte[] damaged = frame.clone();
      damaged[i] ^= 1;
      refused(one, Channel.MUTATIONS, damaged);
    }
    assertEquals(List.of(), problems(one));
  }

  @Test
  void nobodyGoesLiveOnTheSilenceOfThoseWithAnotherKey() {
    Member one = add(A);
    settle();
    one.set("k", "v");
    Member two = add(B);
    group.advance(4_000);
    assertEquals(ReplicaStatus.State.JOINING, two.node.state());
    group.advance(3_000);
    assertEquals(ReplicaStatus.State.LIVE, two.node.state());
    assertFalse(problems(two).isEmpty());
  }

  /** Heartbeats are a minute apart by default, and silence is taken for solitude after a second. */
  @Test
  void whoJoinsWithAnotherKeyHearsOfItWithinASecond() {
    for (String keys : List.of(B, "none")) {
      Group sparse = new Group(2);
      sparse.strict = false;
      Member one = sparse.add(settings(A, 60_000));
      one.connect();
      sparse.advance(2_000);
      Member two = sparse.add(settings(keys, 60_000));
      two.connect();
      sparse.advance(1_500);
      assertEquals(ReplicaStatus.State.JOINING, two.node.state());
      assertEquals(List.of(OtherKeys.PROBLEM), problems(two));
    }
  }

  private static NodeSettings settings(String keys, long heartbeatMillis) {
    FrameKeys parsed = FrameKeys.replication(keys);
    return NodeSettings.replicated(LIMITS, heartbeatMillis, ClockLimits.DEFAULTS, parsed);
  }

  @Test
  void keyIsRotatedWithoutAMoment() {
    String[] steps = {"none", "none," + A, A + ",none", A, A + "," + B, B + "," + A, B};
    Member old = add(steps[0]);
    settle();
    for (int step = 1; step < steps.length; step++) {
      old.set("k" + step, "v");
      Member next = add(steps[step]);
      settle();
      assertTrue(next.get("k" + step) != null, steps[step]);
      next.set("n" + step, "v");
      settle();
      assertTrue(old.get("n" + step) != null, steps[step]);
      group.assertAgreed();
      old.leave();
      group.members.remove(old);
      old = next;
    }
  }
}
