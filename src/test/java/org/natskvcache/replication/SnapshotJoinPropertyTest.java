package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.crdt.OriginId;

/**
 * The laws of joining whole snapshots, counters with their residuals and expiry included, on states
 * that writing and passing on led to. Every replica numbers the origins in its own order.
 */
class SnapshotJoinPropertyTest {
  private static final OriginId X = new OriginId(100, 0);
  private static final OriginId Y = new OriginId(101, 0);

  static LongStream seeds() {
    Long one = Long.getLong("seed");
    return one == null ? LongStream.range(0, 80) : LongStream.of(one);
  }

  private final List<PlainReplica> replicas = new ArrayList<>();
  private final List<byte[]> frames = new ArrayList<>();

  /**
   * Three replicas that write, hear some of each other, and now and then join a snapshot, at once
   * or bit by bit.
   */
  private void history(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 3; i++) {
      PlainReplica replica = new PlainReplica(new OriginId(random.nextInt(50), i));
      replica.nowMillis += random.nextInt(100);
      replicas.add(replica);
    }
    int steps = 30 + random.nextInt(150);
    for (int i = 0; i < steps; i++) {
      PlainReplica replica = replicas.get(random.nextInt(3));
      replica.nowMillis += random.nextInt(5);
      int dice = random.nextInt(21);
      if (dice < 12) replica.run(PlainReplica.command(random)).ifPresent(frames::add);
      else if (dice < 19) hear(random, replica);
      else if (dice < 20) joinBitByBit(random, replica, replicas.get(random.nextInt(3)));
      else replica.joinIn(replicas.get(random.nextInt(3)));
    }
  }

  /** Both sides go on while the snapshot is under way. */
  private void joinBitByBit(SplittableRandom random, PlainReplica into, PlainReplica from) {
    Staging staging = into.staging();
    Cut cut = from.cut();
    while (!staging.complete()) {
      int bytes = 1 + random.nextInt(60);
      PlainReplica.add(staging, cut.part(staging.section(), staging.offset(), bytes));
      cut.release(staging.section(), staging.offset());
      if (random.nextInt(3) > 0) continue;
      for (PlainReplica each : List.of(into, from)) {
        each.run(PlainReplica.command(random)).ifPresent(frames::add);
        hear(random, each);
      }
    }
    into.install(staging);
  }

  private void hear(SplittableRandom random, PlainReplica replica) {
    for (int i = random.nextInt(6); i > 0 && !frames.isEmpty(); i--) {
      int late = Math.min(frames.size(), 1 + random.nextInt(20));
      for (byte[] frame : frames.subList(frames.size() - late, frames.size())) {
        replica.receive(frame);
      }
    }
  }

  private static PlainReplica joined(OriginId name, PlainReplica... sides) {
    PlainReplica all = new PlainReplica(name);
    for (PlainReplica side : sides) all.joinIn(side);
    return all;
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void anyOrderOfJoinsLeadsToTheSameState(long seed) {
    history(seed);
    PlainReplica a = replicas.get(0);
    PlainReplica b = replicas.get(1);
    PlainReplica c = replicas.get(2);
    String abc = joined(X, a, b, c).summary();
    assertEquals(abc, joined(Y, c, b, a).summary());
    assertEquals(abc, joined(Y, a, joined(X, c, b)).summary());
    assertEquals(abc, joined(Y, joined(X, b, a), c, a, b).summary());
    assertEquals(a.summary(), a.copy(X).summary());
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void joinIsWhatAllMutationsTogetherLeadTo(long seed) {
    history(seed);
    PlainReplica replayed = new PlainReplica(Y);
    frames.forEach(replayed::receive);
    assertEquals(
        replayed.summary(), joined(X, replicas.get(0), replicas.get(1), replicas.get(2)).summary());
    for (PlainReplica replica : replicas) {
      frames.forEach(replica::receive);
      assertEquals(replayed.summary(), replica.summary());
    }
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void joiningAgainChangesNothing(long seed) {
    history(seed);
    PlainReplica a = replicas.get(0);
    a.joinIn(replicas.get(1));
    String once = a.summary();
    a.joinIn(replicas.get(1));
    assertEquals(once, a.summary());
    a.joinIn(a.copy(X));
    assertEquals(once, a.summary());
  }
}
