package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Group.Member;
import org.natskvcache.node.Group.Sent;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Limits;

/** Who is served a snapshot when more want one than there are places. */
class SnapshotPlacesTest {
  private static final int WINDOW = 16 << 20;

  private final Group group = new Group(1);
  private Member server;

  /** A live server whose ring is too short to replay from. */
  private void serve(int cutsMax) {
    server = group.live(1, limits(cutsMax)).getFirst();
    for (int i = 0; i < 60; i++) server.set("k" + i, "v".repeat(50));
  }

  private static Limits limits(int cutsMax) {
    return Group.limits(3, 1_000, 100, cutsMax);
  }

  private static OriginId stranger(int number) {
    return new OriginId(5, number);
  }

  private List<Sent> ask(OriginId from, long cut, int section) throws MalformedFrameException {
    int before = server.sent.size();
    server.receive(group.encode(new Frame.SnapshotRequest(from, 1, cut, section, 0, WINDOW)));
    return new ArrayList<>(server.sent.subList(before, server.sent.size()));
  }

  /** The number a first request is answered with. */
  private long numberFor(OriginId from) throws MalformedFrameException {
    return refusal(ask(from, 0, 0)).cut();
  }

  private static Frame.SnapshotRefused refusal(List<Sent> answers) {
    return (Frame.SnapshotRefused) answers.getFirst().frame();
  }

  private static boolean served(List<Sent> answers) {
    return answers.stream().anyMatch(sent -> sent.is(Frame.SnapshotChunk.class));
  }

  private Member join() {
    Member joiner = group.add(limits(2));
    joiner.connect();
    return joiner;
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 10, 1})
  void joinerGetsItsSnapshotBesideAFloodOfForgedRequests(int everyMillis) throws Exception {
    serve(2);
    int forged = 0;
    for (; forged < 20; forged++) assertFalse(served(ask(stranger(forged), 0, 0)));
    Member joiner = join();
    for (int millis = 0; millis < 1_000; millis += everyMillis) {
      assertFalse(served(ask(stranger(forged++), 0, 0)));
      group.advance(everyMillis);
    }
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals(1, joiner.count(Effect.Event.Kind.SNAPSHOT_INSTALLED));
    group.assertAgreed();
  }

  @Test
  void placesOfThoseThatOnlyRepeatTheirRequestAreTaken() throws Exception {
    serve(2);
    long[] cuts = new long[2];
    for (int i = 0; i < 2; i++) {
      cuts[i] = numberFor(stranger(i));
      assertTrue(served(ask(stranger(i), cuts[i], 0)));
    }
    Member joiner = join();
    for (int second = 0; second < 5; second++) {
      for (int i = 0; i < 2; i++) ask(stranger(i), cuts[i], 0);
      group.advance(1_000);
    }
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    group.assertAgreed();
    Frame.SnapshotRefused gone = refusal(ask(stranger(0), cuts[0], 0));
    assertFalse(gone.busy());
  }

  @Test
  void whoGoesOnKeepsItsPlace() throws Exception {
    serve(1);
    OriginId slow = stranger(1);
    long cut = numberFor(slow);
    assertTrue(served(ask(slow, cut, 0)));
    for (int section = 1; section < 5; section++) {
      group.advance(SnapshotServer.SILENT_MILLIS - 100);
      OriginId other = stranger(10 + section);
      Frame.SnapshotRefused busy = refusal(ask(other, numberFor(other), 0));
      assertTrue(busy.busy());
      assertEquals(0, busy.cut());
      assertTrue(served(ask(slow, cut, section)));
    }
    group.advance(SnapshotServer.SILENT_MILLIS);
    OriginId other = stranger(20);
    assertTrue(served(ask(other, numberFor(other), 0)));
    assertFalse(refusal(ask(slow, cut, 4)).busy());
  }

  @Test
  void manyJoinersAtOnceAllGetTheirSnapshot() {
    serve(2);
    List<Member> joiners = new ArrayList<>();
    // each window takes a while, so that places are wanted
    group.lost = (sent, to) -> sent.is(Frame.SnapshotChunk.class) && group.random.nextInt(10) == 0;
    for (int i = 0; i < 12; i++) joiners.add(join());
    group.advance(60_000);
    for (Member joiner : joiners) assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    group.assertAgreed();
    assertTrue(refusedAsFull() > 0, "there was room for all");
  }

  private long refusedAsFull() {
    return server.sent(Frame.SnapshotRefused.class).stream()
        .map(sent -> (Frame.SnapshotRefused) sent.frame())
        .filter(refused -> refused.busy() && refused.cut() == 0)
        .count();
  }

  @Test
  void fewCutsBeginInASecond() throws Exception {
    serve(100);
    Set<OriginId> begun = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      if (served(ask(stranger(i), numberFor(stranger(i)), 0))) begun.add(stranger(i));
    }
    assertEquals(SnapshotServer.CUTS_PER_SECOND, begun.size());
    group.advance(1_000);
    assertTrue(served(ask(stranger(30), numberFor(stranger(30)), 0)));
  }

  @Test
  void numberIsGoodForItsRequesterAndForOneCut() throws Exception {
    serve(100);
    long number = numberFor(stranger(1));
    assertFalse(served(ask(stranger(2), number, 0)));
    assertTrue(served(ask(stranger(3), numberFor(stranger(3)), 0)));
    assertFalse(served(ask(stranger(1), number, 0)));
    long next = numberFor(stranger(1));
    assertFalse(served(ask(stranger(1), next, 2))); // what it would go on with is no such cut
    assertTrue(served(ask(stranger(1), next, 0)));
  }

  @Test
  void sameRequestIsAnsweredAFewTimesASecond() throws Exception {
    serve(1);
    long cut = numberFor(stranger(1));
    assertTrue(served(ask(stranger(1), cut, 0)));
    int answers = 0;
    for (int i = 0; i < 100; i++) if (served(ask(stranger(1), cut, 0))) answers++;
    assertTrue(answers <= SnapshotServer.REPEATS_PER_SECOND, answers + " answers");
  }

  @Test
  void whoHasNotGoneOnYetIsSentLittleWhateverItsWindow() throws Exception {
    server = group.live(1, Group.limits(3, 1_000, 1 << 18, 1)).getFirst();
    String large = "v".repeat(60_000);
    for (int i = 0; i < 100; i++) server.set("large" + i, large);
    long cut = numberFor(stranger(1));
    List<Sent> first = ask(stranger(1), cut, 0);
    assertTrue(bytes(first) < SnapshotServer.FIRST_BYTES_MAX + (1 << 18), bytes(first) + " bytes");
    List<Sent> next = ask(stranger(1), cut, 1);
    assertTrue(bytes(next) > SnapshotServer.FIRST_BYTES_MAX + (1 << 18), bytes(next) + " bytes");
  }

  private static long bytes(List<Sent> sent) {
    return sent.stream().mapToLong(each -> each.bytes().length).sum();
  }

  @Test
  void whoLostItsPlaceAsksForLessAtATime() throws Exception {
    serve(1);
    Member joiner = group.add(limits(1));
    group.lost = (sent, to) -> to == joiner && sent.is(Frame.SnapshotChunk.class);
    joiner.connect();
    group.advance(SnapshotServer.SILENT_MILLIS + 500); // nothing of its window came
    OriginId other = stranger(1);
    assertTrue(served(ask(other, numberFor(other), 0)));
    joiner.sent.clear();
    group.lost = (sent, to) -> false;
    group.advance(10_000);
    Frame.SnapshotRequest last =
        (Frame.SnapshotRequest)
            joiner.sent(Frame.SnapshotRequest.class).stream()
                .filter(sent -> ((Frame.SnapshotRequest) sent.frame()).windowBytes() > 0)
                .reduce((a, b) -> b)
                .orElseThrow()
                .frame();
    assertEquals(200, last.windowBytes());
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
  }
}
