package org.natskvcache.telemetry;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.MemoryMode;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Failures;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says once that a collector does not take what it is sent, and once that it does again. Traces and
 * metrics may have a collector each, so each signal is looked at by itself.
 */
final class Outage {
  private static final Logger LOG = LoggerFactory.getLogger(Outage.class);

  /** One signal's collector. */
  private static final class Collector {
    private final String signal;
    private boolean away;

    Collector(String signal) {
      this.signal = signal;
    }

    CompletableResultCode watch(CompletableResultCode sending) {
      return sending.whenComplete(() -> sent(sending.isSuccess(), sending.getFailureThrowable()));
    }

    CompletableResultCode guarded(Supplier<CompletableResultCode> export) {
      try {
        return watch(export.get());
      } catch (Throwable failure) {
        // some errors would end the SDK's thread, and nothing would be sent any more
        Failures.caught("telemetry", failure);
        return watch(CompletableResultCode.ofExceptionalFailure(failure));
      }
    }

    private synchronized void sent(boolean fine, @Nullable Throwable cause) {
      if (fine == !away) return;
      away = !fine;
      if (fine) {
        LOG.info("event=telemetry_sent_again signal={}", signal);
      } else {
        LOG.warn(
            "event=telemetry_not_sent signal={} cause={}; what cannot be sent is dropped, and this is said again only after it worked",
            signal,
            cause == null ? "refused" : cause.getClass().getSimpleName());
      }
    }
  }

  SpanExporter watched(SpanExporter exporter) {
    var collector = new Collector("traces");
    return new SpanExporter() {
      @Override
      public CompletableResultCode export(Collection<SpanData> spans) {
        return collector.guarded(() -> exporter.export(spans));
      }

      @Override
      public CompletableResultCode flush() {
        return exporter.flush();
      }

      @Override
      public CompletableResultCode shutdown() {
        return exporter.shutdown();
      }
    };
  }

  MetricExporter watched(MetricExporter exporter) {
    var collector = new Collector("metrics");
    return new MetricExporter() {
      @Override
      public CompletableResultCode export(Collection<MetricData> metrics) {
        return collector.guarded(() -> exporter.export(metrics));
      }

      @Override
      public CompletableResultCode flush() {
        return exporter.flush();
      }

      @Override
      public CompletableResultCode shutdown() {
        return exporter.shutdown();
      }

      @Override
      public AggregationTemporality getAggregationTemporality(InstrumentType type) {
        return exporter.getAggregationTemporality(type);
      }

      @Override
      public Aggregation getDefaultAggregation(InstrumentType type) {
        return exporter.getDefaultAggregation(type);
      }

      @Override
      public MemoryMode getMemoryMode() {
        return exporter.getMemoryMode();
      }
    };
  }
}
