package org.natskvcache.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.LogLines;
import org.natskvcache.Thrown;

class FailuresTest {
  private final Failures failures = new Failures();

  @Test
  void eachIsCountedAndTheFirstOfItsKindLoggedWithoutItsMessage() {
    long before = Counter.FAILURES.value();
    try (LogLines log = LogLines.of(Failures.class)) {
      for (int i = 0; i < 3; i++) {
        failures.take(
            "failures test",
            new IllegalStateException(Thrown.SECRET, new RuntimeException(Thrown.SECRET)));
      }
      failures.take("failures test", new NoClassDefFoundError("org/natskvcache/Gone"));
      assertTrue(Counter.FAILURES.value() >= before + 4);
      assertEquals(
          List.of(
              "event=failure where=\"failures test\" cause=IllegalStateException; more of these are only counted",
              "event=failure where=\"failures test\" cause=NoClassDefFoundError; more of these are only counted"),
          log.at(Level.ERROR));
      List<String> traces = log.traces();
      assertTrue(
          traces.stream().noneMatch(trace -> trace.contains(Thrown.SECRET)), traces::toString);
      assertTrue(traces.getFirst().contains("java.lang.IllegalStateException"), traces::toString);
      assertTrue(traces.getFirst().contains("java.lang.RuntimeException"), traces::toString);
      assertTrue(traces.getFirst().contains("FailuresTest.java"), traces::toString);
      assertTrue(traces.get(1).contains("org/natskvcache/Gone"), traces::toString);
    }
  }

  @Test
  void itNeverThrowsAndTheKindsLoggedAreBounded() {
    try (LogLines log = LogLines.of(Failures.class)) {
      var looped = new IllegalStateException();
      var other = new IllegalStateException(looped);
      looped.initCause(other);
      failures.take("loop of causes", looped);
      for (int i = 0; i < 1_000; i++) failures.take("kind " + i, new StackOverflowError());
      assertTrue(log.at(Level.ERROR).size() <= 64, () -> "" + log.at(Level.ERROR).size());
    }
  }
}
