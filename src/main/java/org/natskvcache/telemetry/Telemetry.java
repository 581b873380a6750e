package org.natskvcache.telemetry;

import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Failures;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.rpc.Texts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The export of traces and metrics, for the life of the process; or none, which costs nothing. It
 * starts beside the caller, since it takes longer than to connect to NATS. May be used by several
 * threads.
 */
public final class Telemetry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);

  /** What a stop leaves for sending what is there, from {@link #flush} on. */
  public static final Duration FLUSH_MAX = Duration.ofMillis(80);

  /** Completes with null when there is no export. */
  private final CompletableFuture<@Nullable OtlpExport> export;

  private Telemetry(CompletableFuture<@Nullable OtlpExport> export) {
    this.export = export;
  }

  /**
   * Starts the export, if it is asked for. What cannot be done is a line in the log, never a
   * failure.
   *
   * @param identity attributes that tell this process from others, such as {@code service.version}
   * @param caches the status of each cache, by link name; asked at each export of metrics
   */
  public static Telemetry start(
      ExportSettings settings,
      Map<String, String> identity,
      Supplier<SortedMap<String, ReplicaStatus>> caches) {
    settings.problems().forEach(Telemetry::problem);
    if (!settings.on()) return new Telemetry(CompletableFuture.completedFuture(null));
    LOG.info(
        "event=telemetry traces={} metrics={}",
        settings.told(settings.traces(), "traces"),
        settings.told(settings.metrics(), "metrics"));
    var export = new CompletableFuture<@Nullable OtlpExport>();
    Thread.ofPlatform()
        .daemon()
        .name("telemetry-start")
        .start(() -> export.complete(open(settings, identity, caches)));
    return new Telemetry(export);
  }

  private static @Nullable OtlpExport open(
      ExportSettings settings,
      Map<String, String> identity,
      Supplier<SortedMap<String, ReplicaStatus>> caches) {
    try {
      return OtlpExport.open(settings, identity, caches);
    } catch (Throwable e) {
      // what follows "=" in a message of the SDK is a property's value, a token perhaps
      String reason = String.valueOf(e.getMessage()).replaceFirst("=.*", "");
      LOG.error(
          "event=telemetry_off cause={} reason=\"{}\"",
          e.getClass().getSimpleName(),
          Texts.shortened(reason));
      return null;
    }
  }

  /** Something that makes no sense or is not done, and holds no secret. */
  static void problem(String sentence) {
    LOG.warn("event=telemetry_setting_ignored reason=\"{}\"", sentence);
  }

  /** How to follow calls. Waits until the export has started. */
  public Tracing tracing() {
    OtlpExport started = export.join();
    return started == null ? Tracing.OFF : started.tracing();
  }

  /** Begins to send what is there, and returns at once. */
  public void flush() {
    OtlpExport started = export.getNow(null);
    if (started != null) guard(started::flush);
  }

  /** Waits until what was there at {@link #flush} is sent, {@link #FLUSH_MAX} after it at most. */
  @Override
  public void close() {
    OtlpExport started = export.getNow(null);
    if (started != null) guard(started::awaitFlush);
  }

  /** The export is never worth more than what it tells of. */
  static void guard(Runnable work) {
    try {
      work.run();
    } catch (Throwable failure) {
      Failures.caught("telemetry", failure);
    }
  }
}
