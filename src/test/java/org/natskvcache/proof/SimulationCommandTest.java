package org.natskvcache.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.natskvcache.cli.SimOptions;
import org.natskvcache.crdt.Defect;

class SimulationCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(SimOptions options) {
    return new SimulationCommand(options, new PrintWriter(out), new PrintWriter(err), false).run();
  }

  /** What is told of the outcome, without what depends on the machine. */
  private String outcome(int threads, long seed, Defect defect) {
    out.getBuffer().setLength(0);
    run(new SimOptions(seed, 12, 0, threads, 300, defect, false));
    return out.toString().replaceAll("(threads|seconds)=.*", "");
  }

  @Test
  void outcomeIsThatOfOneThread() {
    String one = outcome(1, 7, Defect.NONE);
    assertTrue(one.contains("result=agreed") && one.contains("schedules=12"), one);
    assertEquals(one, outcome(3, 7, Defect.NONE));
    String caught = outcome(1, 0, Defect.NO_CAUSAL_WAIT);
    assertTrue(caught.contains("result=caught"), caught);
    assertEquals(caught, outcome(4, 0, Defect.NO_CAUSAL_WAIT));
  }

  @Test
  void failingScheduleIsToldWithSeedStepsAndHowToRepeatIt() {
    int code = run(new SimOptions(3, 5, 0, 2, 1_500, Defect.ARRIVAL_ORDER, false));
    assertEquals(0, code); // it was to be caught
    String told = out.toString();
    assertTrue(told.contains("failing-seed=3"), told);
    assertTrue(
        told.matches(
            "(?s).*replay=nats-kvcache sim --seed 3 --schedules 1 --steps \\d+ --variant ARRIVAL_ORDER\n.*"),
        told);
  }

  @Test
  void variantThatIsNotCaughtIsAFailure() {
    assertEquals(1, run(new SimOptions(0, 1, 0, 1, 1, Defect.CUT_ID_WITHOUT_ORIGIN, false)));
    assertTrue(out.toString().contains("result=not caught"), out::toString);
  }
}
