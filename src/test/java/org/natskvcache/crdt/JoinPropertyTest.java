package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The laws of the join, on states that histories of operations lead to. */
class JoinPropertyTest {
  static LongStream seeds() {
    Long one = Long.getLong("seed");
    return one == null ? LongStream.range(0, 60) : LongStream.of(one);
  }

  private static History history(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    History history = new History(random, 2 + random.nextInt(3));
    history.run(20 + random.nextInt(100));
    return history;
  }

  private static History.Replica joined(History.Replica a, History.Replica b) {
    History.Replica copy = a.copy();
    copy.join(b);
    return copy;
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void orderOfTheSidesDoesNotMatter(long seed) {
    History h = history(seed);
    History.Replica a = h.replicas.get(0);
    History.Replica b = h.replicas.get(1);
    assertEquals(joined(a, b).content(), joined(b, a).content());
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void orderOfThreeJoinsDoesNotMatter(long seed) {
    History h = history(seed);
    History.Replica a = h.replicas.get(0);
    History.Replica b = h.replicas.get(1);
    History.Replica c = h.replicas.getLast();
    assertEquals(joined(joined(a, b), c).content(), joined(a, joined(b, c)).content());
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void joiningAgainChangesNothing(long seed) {
    History h = history(seed);
    History.Replica a = h.replicas.get(0);
    assertEquals(a.content(), joined(a, a).content());
    History.Replica once = joined(a, h.replicas.get(1));
    assertEquals(once.content(), joined(once, h.replicas.get(1)).content());
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void joinIsWhatBothHistoriesTogetherLeadTo(long seed) {
    History h = history(seed);
    History.Replica joined = joined(h.replicas.get(0), h.replicas.get(1));
    History.Replica replayed = h.replay(joined.applied);
    assertEquals(replayed.content(), joined.content());
    assertEquals(replayed.digest.sum(), joined.recomputedDigest());
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void everyCausalOrderLeadsToTheSameState(long seed) {
    History h = history(seed);
    for (History.Replica replica : h.replicas) {
      History.Replica again = h.replay(replica.applied);
      assertEquals(again.content(), replica.content());
      assertEquals(again.digest.sum(), replica.digest.sum());
      assertEquals(replica.recomputedDigest(), replica.digest.sum());
    }
  }
}
