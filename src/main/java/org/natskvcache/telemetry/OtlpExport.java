package org.natskvcache.telemetry;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.ReplicaStatus;

/** The OpenTelemetry SDK at work. Its threads are daemons. */
final class OtlpExport {
  /** Names the instrumentation in what is exported. */
  static final String SCOPE = "org.natskvcache";

  /**
   * The SDK's own log repeats what {@link Outage} says once, in another form. Held, because the
   * logging library forgets the level of a logger that nobody holds.
   */
  private static final Logger SDK_LOG = Logger.getLogger("io.opentelemetry");

  private final OpenTelemetrySdk sdk;
  private final Tracing tracing;
  private volatile @Nullable CompletableResultCode flushed;
  private volatile long flushedNanos;

  private OtlpExport(OpenTelemetrySdk sdk, Tracing tracing) {
    this.sdk = sdk;
    this.tracing = tracing;
  }

  /**
   * Starts the export.
   *
   * @throws RuntimeException of the SDK, when it does not take a property
   */
  static OtlpExport open(
      ExportSettings settings,
      Map<String, String> identity,
      Supplier<SortedMap<String, ReplicaStatus>> caches) {
    SDK_LOG.setLevel(Level.OFF);
    var outage = new Outage();
    TrustedCas cas = TrustedCas.of(settings.caFiles());
    Resource ours = Resource.create(attributes(identity));
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook()
            .addPropertiesCustomizer(known -> settings.properties())
            .addResourceCustomizer((said, config) -> ours.merge(said))
            .addSpanExporterCustomizer(
                (exporter, config) -> outage.watched(trusting(exporter, cas)))
            .addMetricExporterCustomizer(
                (exporter, config) -> outage.watched(trusting(exporter, cas)))
            .build()
            .getOpenTelemetrySdk();
    if (settings.metrics()) ExportedMetrics.register(sdk.getMeterProvider().get(SCOPE), caches);
    Tracing tracing =
        settings.traces() ? new SpanTracing(sdk.getTracerProvider().get(SCOPE)) : Tracing.OFF;
    return new OtlpExport(sdk, tracing);
  }

  private static Attributes attributes(Map<String, String> identity) {
    var attributes = Attributes.builder();
    identity.forEach((name, value) -> {
      if (!value.isEmpty()) attributes.put(name, value);
    });
    return attributes.build();
  }

  private static SpanExporter trusting(SpanExporter exporter, @Nullable TrustedCas cas) {
    return cas != null && exporter instanceof OtlpHttpSpanExporter http
        ? http.toBuilder().setSslContext(cas.context(), cas.manager()).build()
        : exporter;
  }

  private static MetricExporter trusting(MetricExporter exporter, @Nullable TrustedCas cas) {
    return cas != null && exporter instanceof OtlpHttpMetricExporter http
        ? http.toBuilder().setSslContext(cas.context(), cas.manager()).build()
        : exporter;
  }

  Tracing tracing() {
    return tracing;
  }

  /** The metrics are read here and now: the caches they are about will soon be gone. */
  void flush() {
    flushedNanos = System.nanoTime();
    flushed =
        CompletableResultCode.ofAll(
            List.of(
                sdk.getSdkTracerProvider().forceFlush(), sdk.getSdkMeterProvider().forceFlush()));
  }

  void awaitFlush() {
    CompletableResultCode result = flushed;
    if (result == null) return;
    long left = Telemetry.FLUSH_MAX.toNanos() - (System.nanoTime() - flushedNanos);
    if (left > 0) result.join(left, TimeUnit.NANOSECONDS);
  }
}
