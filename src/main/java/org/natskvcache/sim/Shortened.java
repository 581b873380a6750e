package org.natskvcache.sim;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;

/**
 * A failing schedule, cut off early.
 *
 * @param steps how many of its actions are left; with one less it does not fail
 * @param reason what fails then
 * @param lastActions the last of them, one a line
 */
public record Shortened(int steps, String reason, List<String> lastActions) {
  /** Halves the way to the failure of a schedule that fails with so many steps. */
  public static Shortened of(long seed, Defect defect, int steps) {
    int passes = -1;
    int fails = steps;
    while (fails - passes > 1) {
      int half = passes + (fails - passes) / 2;
      if (failure(new Simulation(seed, defect), half) == null) passes = half;
      else fails = half;
    }
    Simulation shortest = new Simulation(seed, defect);
    String reason = failure(shortest, fails);
    return new Shortened(fails, String.valueOf(reason), shortest.lastActions());
  }

  private static @Nullable String failure(Simulation run, int steps) {
    try {
      run.run(steps);
      return null;
    } catch (SimulationFailure failure) {
      return failure.getMessage();
    }
  }
}
