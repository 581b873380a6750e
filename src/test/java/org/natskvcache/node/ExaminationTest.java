package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.Diagnosis.Agreement;
import org.natskvcache.node.Diagnosis.Instance;
import org.natskvcache.node.Diagnosis.Verdict;
import org.natskvcache.node.Group.Member;
import org.natskvcache.node.Group.Sent;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.store.FaultyMemory;
import org.natskvcache.store.Key;

/** Whole nodes looked at from outside. */
class ExaminationTest {
  private static final OriginId OBSERVER = new OriginId(Long.MAX_VALUE, 1);
  private static final long WAIT_MILLIS = 2_000;

  private final Group group = new Group(1);
  private Runnable meanwhile = () -> {};

  /** Who does not hear the observer. */
  private Set<Member> deaf = Set.of();

  private Diagnosis examine() throws Exception {
    return examine(20);
  }

  private Diagnosis examine(int keysMax) throws Exception {
    return examine(keysMax, 0);
  }

  private Diagnosis examine(int keysMax, int expected) throws Exception {
    Examination examination =
        new Examination(OBSERVER, FrameKeys.NONE, WAIT_MILLIS, keysMax, expected);
    examination.begin(now());
    for (int i = 0; i < 20_000 && !examination.done(); i++) {
      for (Effect effect : examination.takeEffects()) {
        if (effect instanceof Effect.Publish publish) hand(publish, examination);
      }
      meanwhile.run();
      group.advance(1);
      examination.tick(now());
    }
    assertTrue(examination.done());
    return examination.diagnosis();
  }

  private void hand(Effect.Publish publish, Examination examination) throws Exception {
    assertEquals(Channel.REPLAY_ALL, publish.channel()); // all that its user may publish on
    for (Member member : List.copyOf(group.members)) {
      if (deaf.contains(member)) continue;
      int before = member.sent.size();
      member.receive(publish.frame());
      for (Sent sent : new ArrayList<>(member.sent.subList(before, member.sent.size()))) {
        assertTrue(sent.is(Frame.DigestResponse.class) || sent.is(Frame.Heartbeat.class));
        assertEquals(OBSERVER, sent.target());
        examination.receive(sent.bytes(), now());
      }
    }
  }

  private Time now() {
    return group.members.getFirst().now();
  }

  private List<Member> filled(int count) {
    List<Member> members = group.live(count, Group.limits(1_000, 1_000, 1_000, 2));
    for (int i = 0; i < 40; i++) members.get(i % count).set("k" + i, "v" + i);
    group.advance(1_000);
    return members;
  }

  @Test
  void healthyOnesAgree() throws Exception {
    List<Member> trio = filled(3);
    trio.get(2).skewMillis = 70;
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.AGREE, diagnosis.verdict());
    assertEquals(3, diagnosis.instances().size());
    assertEquals(3, diagnosis.pairs().size());
    assertEquals(4, diagnosis.buckets());
    for (Instance one : diagnosis.instances()) {
      assertTrue(one.live());
      assertFalse(one.moving() || one.silent());
      assertEquals(40, one.entries());
      assertEquals(0, one.behind());
      assertEquals(3, one.vector().size());
      boolean skewed = one.origin().equals(trio.get(2).node.id());
      assertEquals(skewed ? 70 : 0, one.clockMillis());
    }
  }

  @Test
  void isNotTakenForAPeerAndChangesNothing() throws Exception {
    List<Member> pair = filled(2);
    int origins = pair.get(0).node.origins().size();
    long hash = pair.get(0).node.applied().hash();
    examine();
    assertEquals(1, pair.get(0).status().peers().size());
    assertEquals(origins, pair.get(0).node.origins().size());
    assertEquals(hash, pair.get(0).node.applied().hash());
  }

  @Test
  void namesTheKeysThatDifferAndWhoHoldsWhat() throws Exception {
    List<Member> trio = filled(3);
    FaultyMemory.flip(trio.get(1).node.keyspace(), Key.of("k3"));
    FaultyMemory.flip(trio.get(1).node.keyspace(), Key.of("k29"));
    group.advance(5_000);
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.DIVERGED, diagnosis.verdict());
    assertEquals(
        Set.of(Key.of("k3"), Key.of("k29")),
        Set.copyOf(diagnosis.differences().stream().map(Diagnosis.Difference::key).toList()));
    for (Diagnosis.Difference difference : diagnosis.differences()) {
      assertEquals(trio.get(0).node.keyspace().bucket(difference.key()), difference.bucket());
      long first = difference.digests().get(trio.get(0).node.id());
      assertEquals(first, difference.digests().get(trio.get(2).node.id()));
      assertFalse(first == difference.digests().get(trio.get(1).node.id()));
    }
    assertEquals(0, diagnosis.bucketsLeftOut());
    List<Agreement> agreements =
        diagnosis.pairs().stream().map(Diagnosis.Pair::agreement).sorted().toList();
    assertEquals(List.of(Agreement.EQUAL, Agreement.DIVERGED, Agreement.DIVERGED), agreements);
    Diagnosis firstOnly = examine(1);
    assertEquals(1, firstOnly.differences().size());
    assertEquals(1, firstOnly.differencesLeftOut());
  }

  @Test
  void answersOfManyPartsAreReadWholeThoughTheirPartsDiffer() throws Exception {
    List<Member> trio = group.live(3, Group.limits(1_000, 1_000, 1_000, 2));
    for (int i = 0; i < 600; i++) trio.get(i % 3).set("k" + i, "v" + i);
    FrameCodec stranger = new FrameCodec(new Origins());
    for (int i = 0; i < 30; i++) { // whom only one knows: its vectors leave less room for keys
      Frame beacon = new Frame.Beacon(group.newOrigin(), 0, trio.get(1).now().wallMillis());
      trio.get(1).receive(Frames.encode(stranger, beacon));
    }
    FaultyMemory.flip(trio.get(1).node.keyspace(), Key.of("k3"));
    FaultyMemory.flip(trio.get(2).node.keyspace(), Key.of("k599"));
    group.advance(5_000);
    Diagnosis diagnosis = examine();
    assertEquals(
        Set.of(Key.of("k3"), Key.of("k599")),
        Set.copyOf(diagnosis.differences().stream().map(Diagnosis.Difference::key).toList()));
    assertEquals(0, diagnosis.bucketsLeftOut());
  }

  @Test
  void findsTheKeyWhileTheCacheIsWrittenTo() throws Exception {
    List<Member> pair = filled(2);
    FaultyMemory.flip(pair.get(1).node.keyspace(), Key.of("k3"));
    group.advance(5_000);
    int[] n = {0};
    meanwhile = () -> pair.get(n[0] % 2).set("k" + (4 + n[0]++ % 3), "again");
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.DIVERGED, diagnosis.verdict());
    assertTrue(diagnosis.instances().getFirst().moving());
    assertEquals(Key.of("k3"), diagnosis.differences().getFirst().key());
    assertEquals(1, diagnosis.differences().size());
  }

  @Test
  void aBusyCacheThatAgreesSaysSo() throws Exception {
    List<Member> pair = filled(2);
    meanwhile = () -> pair.get(0).set("busy", "again");
    Diagnosis diagnosis = examine();
    assertTrue(diagnosis.instances().stream().allMatch(Instance::moving));
    assertEquals(Verdict.AGREE, diagnosis.verdict());
  }

  @Test
  void oneThatReceivesNothingIsBehindByWhatItLacks() throws Exception {
    List<Member> pair = filled(2);
    group.lost = (sent, to) -> to == pair.get(1) || sent.from() == pair.get(1);
    for (int i = 0; i < 7; i++) pair.get(0).set("new " + i, "v");
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.BEHIND, diagnosis.verdict());
    for (Instance one : diagnosis.instances()) {
      assertEquals(one.origin().equals(pair.get(1).node.id()) ? 7 : 0, one.behind());
    }
    assertEquals(Agreement.BEHIND, diagnosis.pairs().getFirst().agreement());
  }

  @Test
  void oneThatStopsAnsweringIsSilentAndNobodyIsNobody() throws Exception {
    List<Member> pair = filled(2);
    int[] n = {0};
    meanwhile = () -> deaf = ++n[0] > WAIT_MILLIS / 2 ? Set.of(pair.get(1)) : Set.of();
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.BEHIND, diagnosis.verdict());
    assertEquals(1, diagnosis.instances().stream().filter(Instance::silent).count());
    meanwhile = () -> {};
    deaf = Set.copyOf(pair);
    assertEquals(Verdict.NOBODY, examine().verdict());
  }

  @Test
  void oneThatNeverAnswersIsMissedWhereItCountsAsAlive() throws Exception {
    List<Member> trio = filled(3);
    deaf = Set.of(trio.get(2));
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.MISSING, diagnosis.verdict());
    assertEquals(
        Map.of(trio.get(2).node.id(), Set.of(trio.get(0).node.id(), trio.get(1).node.id())),
        diagnosis.missing());
    deaf = Set.of();
    assertEquals(Verdict.AGREE, examine().verdict());
  }

  @Test
  void oneThatLeftOrWasLostIsNotMissed() throws Exception {
    List<Member> members = filled(4);
    members.get(3).leave();
    members.get(2).disconnect();
    deaf = Set.of(members.get(2), members.get(3));
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    Diagnosis diagnosis = examine();
    assertEquals(Verdict.AGREE, diagnosis.verdict());
    assertEquals(Map.of(), diagnosis.missing());
    assertEquals(4, diagnosis.instances().getFirst().vector().size());
  }

  @Test
  void fewerThanExpectedAreTooFewAndJoiningOnesDoNotCount() throws Exception {
    filled(2);
    assertEquals(Verdict.AGREE, examine(20, 1).verdict()); // one more is welcome
    assertEquals(Verdict.AGREE, examine(20, 2).verdict());
    Diagnosis three = examine(20, 3);
    assertEquals(Verdict.MISSING, three.verdict());
    assertEquals(2, three.answered());
    group.add(); // never connected
    Diagnosis joining = examine(20, 3);
    assertEquals(3, joining.answered());
    assertEquals(1, joining.notLive());
    assertTrue(joining.fewerThanExpected());
  }

  @Test
  void joiningInstanceIsSeenAsSuch() throws Exception {
    filled(1);
    group.add(); // never connected
    Diagnosis diagnosis = examine();
    assertEquals(1, diagnosis.instances().stream().filter(one -> !one.live()).count());
    assertEquals(Verdict.BEHIND, diagnosis.verdict());
  }
}
