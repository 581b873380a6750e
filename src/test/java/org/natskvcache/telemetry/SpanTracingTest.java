package org.natskvcache.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.Thrown;
import org.natskvcache.metrics.Counter;

class SpanTracingTest {
  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void sdkThatThrowsIsNoCallsConcern(Throwable thrown) {
    long before = Counter.FAILURES.value();
    var tracing = new SpanTracing(name -> Thrown.raise(thrown));
    assertSame(Tracing.Span.NONE, tracing.called("service", "get", "a", "default", name -> null));
    assertSame(
        Tracing.Span.NONE, tracing.calling("service", "on-set", "a", null, (name, value) -> {}));
    Telemetry.guard(() -> Thrown.raise(thrown));
    assertEquals(3, Math.min(3, Counter.FAILURES.value() - before));
  }
}
