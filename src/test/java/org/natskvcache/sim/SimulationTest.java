package org.natskvcache.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Defect;

/**
 * Random schedules of several instances. {@code -Dsim.schedules=100000} runs more, {@code
 * -Dsim.seed=42} starts elsewhere; a failure names its seed, and {@code -Dsim.seed=THAT
 * -Dsim.schedules=1} replays it.
 */
class SimulationTest {
  private static final int STEPS = 1_500;
  private static final long FIRST_SEED = Long.getLong("sim.seed", 0);
  private static final long SCHEDULES = Long.getLong("sim.schedules", 400);

  /** Each broken variant is caught within this many schedules; the rarest here needs 77. */
  private static final int CAUGHT_WITHIN = 1_000;

  @Test
  void instancesAgreeWhateverTheNetworkAndTheMachinesDo() {
    SimulationReport sum = new SimulationReport();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
      sum.add(new Simulation(seed, Defect.NONE).run(STEPS));
    }
    System.out.println("simulation from seed " + FIRST_SEED + ": " + sum);
    assertEquals(SCHEDULES, sum.schedules);
    if (SCHEDULES < 100) return; // one replayed schedule need not meet every fault
    assertTrue(
        sum.lost > 0 && sum.repeated > 0 && sum.damaged > 0 && sum.cutMessages > 0,
        "the network was too kind: " + sum);
    assertTrue(
        sum.crashes > 0
            && sum.leaves > 0
            && sum.rejoins > 0
            && sum.pauses > 0
            && sum.clockJumps > 0
            && sum.disconnects > 0
            && sum.toldAlone > 0
            && sum.snapshots > 0
            && sum.expired > 0
            && sum.writesUnderExpired > 0
            && sum.forgotten > 0
            && sum.strangers > 0
            && sum.outdated > 0,
        "the machines were too kind: " + sum);
    assertTrue(
        sum.payloadChanges > 0 && sum.announced > 0, "everything fitted into messages: " + sum);
    assertTrue(sum.refused > 0 && sum.evicted > 0, "there was too much room: " + sum);
    assertTrue(sum.contentChecks > 0 && sum.digestChecks > 0, "too little was checked: " + sum);
  }

  /** Schedules that found something a change of the rest of the code may hide. */
  @ParameterizedTest
  @ValueSource(
      longs = {
        261,
        40_002_355,
        50_036_896,
        60_021_115,
        60_039_907,
        60_081_463,
        60_150_423,
        70_005_803,
        100_082_502
      })
  void whatOnceFailedAgrees(long seed) {
    assertEquals(1, new Simulation(seed, Defect.NONE).run(STEPS).schedules);
  }

  @Test
  void sameSeedSameBytes() {
    for (long seed = 0; seed < 5; seed++) {
      long first = new Simulation(seed, Defect.NONE).run(STEPS).traceHash;
      assertEquals(first, new Simulation(seed, Defect.NONE).run(STEPS).traceHash);
      assertNotEquals(first, new Simulation(seed + 1, Defect.NONE).run(STEPS).traceHash);
    }
  }

  /** The check of the checks. */
  @ParameterizedTest
  @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void everyBrokenVariantIsCaught(Defect defect) {
    for (int seed = 0; seed < CAUGHT_WITHIN; seed++) {
      try {
        new Simulation(seed, defect).run(STEPS);
      } catch (SimulationFailure caught) {
        System.out.println(defect + " caught by schedule " + seed);
        return;
      }
    }
    throw new AssertionError(defect + " was not caught by " + CAUGHT_WITHIN + " schedules");
  }

  @Test
  void failingScheduleIsMadeShort() {
    Shortened shortest = Shortened.of(0, Defect.ARRIVAL_ORDER, STEPS);
    assertTrue(shortest.steps() > 0 && shortest.steps() < STEPS, shortest::toString);
    assertThrows(
        SimulationFailure.class,
        () -> new Simulation(0, Defect.ARRIVAL_ORDER).run(shortest.steps()));
    new Simulation(0, Defect.ARRIVAL_ORDER).run(shortest.steps() - 1);
    assertFalse(shortest.lastActions().isEmpty());
  }
}
