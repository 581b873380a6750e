package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.node.ReplicaStatus.State;

class HealthTest {
  private static final HealthProblems NO_PROBLEMS = new HealthProblems();

  @Test
  void problemIsUnhealthyUntilItIsCleared() {
    var problems = new HealthProblems();
    problems.set("link b", "link b is refused: MAX_MEMORY is neither");
    problems.set("door", "door wrpc was refused subject s");
    var statuses = new TreeMap<>(Map.of("a", status(State.LIVE, true, 0, null)));
    assertEquals(
        new Health(
            false, "door wrpc was refused subject s; link b is refused: MAX_MEMORY is neither"),
        Health.of(statuses, problems));
    problems.clear("door");
    problems.clear("link b");
    assertEquals(new Health(true, "link a: live, peers=1"), Health.of(statuses, problems));
  }

  @Test
  void manyClausesAreCountedAndNotAllListed() {
    var problems = new HealthProblems();
    for (int i = 0; i < 100; i++) problems.set("p" + (100 + i), "problem " + i);
    String message = Health.of(new TreeMap<>(), problems).message();
    assertTrue(message.endsWith("problem 19; and 80 more"), message);
    var statuses = new TreeMap<String, ReplicaStatus>();
    for (int i = 0; i < 100; i++) statuses.put("l" + (100 + i), status(State.LIVE, true, 0, null));
    String healthy = Health.of(statuses, NO_PROBLEMS).message();
    assertTrue(healthy.endsWith("link l119: live, peers=1; and 80 more"), healthy);
    for (int i = 0; i < 2 * HealthProblems.PROBLEMS_MAX; i++) problems.set("q" + i, "x");
    assertEquals(HealthProblems.PROBLEMS_MAX, problems.all().size());
  }

  @Test
  void noLinksIsHealthy() {
    assertEquals(new Health(true, "no links"), Health.of(new TreeMap<>(), NO_PROBLEMS));
  }

  @Test
  void standaloneLiveAndCatchingUpAreHealthy() {
    var statuses =
        Map.of(
            "a", status(State.STANDALONE, true, 0, null),
            "b", status(State.LIVE, true, 0, null),
            "c", status(State.JOINING, true, Health.JOINING_MILLIS_MAX, null),
            "d", status(State.LEFT, false, 0, null));
    assertEquals(
        new Health(
            true,
            "link a: standalone; link b: live, peers=1; link c: catching up; link d: not replicating"),
        Health.of(new TreeMap<>(statuses), NO_PROBLEMS));
  }

  @Test
  void lostConnectionLongJoiningAndAlarmAreUnhealthyAndOnlyTheyAreNamed() {
    var statuses =
        Map.of(
            "a", status(State.LIVE, false, 0, null),
            "b", status(State.JOINING, true, Health.JOINING_MILLIS_MAX + 1, null),
            "c", status(State.LIVE, true, 0, "diverged from a peer"),
            "d", status(State.LIVE, true, 0, null),
            "e", status(State.JOINING, false, 0, null));
    assertEquals(
        new Health(
            false,
            "link a: replication connection down; link b: still catching up after 5 s; link c: diverged from a peer; "
                + "link e: replication connection down"),
        Health.of(new TreeMap<>(statuses), NO_PROBLEMS));
  }

  @Test
  void clockThatKeepsItFromGoingLiveIsUnhealthyAtOnce() {
    var status =
        status(State.JOINING, true, 0, "the clock is 61 s behind those of most peers", null);
    assertEquals(
        new Health(false, "link a: not joining: the clock is 61 s behind those of most peers"),
        Health.of(new TreeMap<>(Map.of("a", status)), NO_PROBLEMS));
  }

  @Test
  void outdatedInstanceIsUnhealthyWithTheReason() {
    var status = status(State.OUTDATED, true, 0, "cannot follow instance X", null);
    assertEquals(
        new Health(false, "link a: outdated: cannot follow instance X"),
        Health.of(new TreeMap<>(Map.of("a", status)), NO_PROBLEMS));
  }

  @Test
  void refusedConnectionIsUnhealthyWithTheReason() {
    var status = status(State.LIVE, false, 0, "the server refuses a subject", null);
    assertEquals(
        new Health(false, "link a: replication connection down: the server refuses a subject"),
        Health.of(new TreeMap<>(Map.of("a", status)), NO_PROBLEMS));
  }

  @Test
  void oneThreadWinsTheMoveToStopping() {
    var lifecycle = new Lifecycle();
    assertTrue(lifecycle.enter(Lifecycle.Phase.RUNNING));
    assertFalse(lifecycle.enter(Lifecycle.Phase.STOPPED));
    assertTrue(lifecycle.enter(Lifecycle.Phase.STOPPING));
    assertFalse(lifecycle.enter(Lifecycle.Phase.STOPPING));
    assertFalse(lifecycle.enter(Lifecycle.Phase.RUNNING));
    assertTrue(lifecycle.enter(Lifecycle.Phase.STOPPED));
    assertFalse(lifecycle.enter(Lifecycle.Phase.STOPPING));
    assertEquals(Lifecycle.Phase.STOPPED, lifecycle.phase());
  }

  @Test
  void whatWorksWithoutAFeatureIsHealthyAndSaysSo() {
    var status = status(State.LIVE, true, 0, null, null, List.of("doctor is not answered: why"));
    assertEquals(
        new Health(true, "link x: live, peers=1, but doctor is not answered: why"),
        Health.of(new TreeMap<>(java.util.Map.of("x", status)), new HealthProblems()));
  }

  private static ReplicaStatus status(State state, boolean connected, long millis, String alarm) {
    return status(state, connected, millis, null, alarm);
  }

  private static ReplicaStatus status(
      State state, boolean connected, long millis, String hindrance, String alarm) {
    return status(state, connected, millis, hindrance, alarm, List.of());
  }

  private static ReplicaStatus status(
      State state,
      boolean connected,
      long millis,
      String hindrance,
      String alarm,
      List<String> losses) {
    var origin = new OriginId(1, 1);
    var peer = new ReplicaStatus.Peer(origin, State.LIVE, 0, ReplicaStatus.Agreement.EQUAL, 0);
    var memory = new ReplicaStatus.Memory(0, 1, 1, 0, 0);
    return new ReplicaStatus(
        origin,
        state,
        connected,
        millis,
        0,
        new TreeMap<>(),
        0,
        0,
        memory,
        List.of(peer),
        hindrance,
        List.of(),
        alarm,
        losses);
  }
}
