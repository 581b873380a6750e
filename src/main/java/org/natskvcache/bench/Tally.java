package org.natskvcache.bench;

import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.natskvcache.cli.BenchOperation;

/**
 * What became of calls. Those of the warm-up count only where they failed. Not for several threads.
 */
final class Tally {
  private static final long NANOS_MAX = 3_600_000_000_000L;
  private static final int DIGITS = 3;

  /** Of measured calls that were answered, nanoseconds. */
  final Map<BenchOperation, Histogram> latencies = new EnumMap<>(BenchOperation.class);

  /** How many failed, by kind. */
  final Map<String, Long> failures = new TreeMap<>();

  long sent;
  long warmUpFailures;

  /** What happened to a connection; empty for nothing. */
  String broken = "";

  /** What the first failure was; empty for none. */
  String firstFailure = "";

  /** When the last measured call was answered. */
  long lastNanos = Long.MIN_VALUE;

  void answered(BenchOperation operation, long nanos, long now) {
    of(operation).recordValue(Math.clamp(nanos, 0, NANOS_MAX));
    lastNanos = Math.max(lastNanos, now);
  }

  Histogram of(BenchOperation operation) {
    return latencies.computeIfAbsent(operation, ignored -> new Histogram(DIGITS));
  }

  void failed(Contract.Progress.Failed failure, boolean measured) {
    if (measured) failures.merge(failure.kind(), 1L, Long::sum);
    else warmUpFailures++;
    if (firstFailure.isEmpty()) {
      firstFailure = failure.kind() + (failure.text().isEmpty() ? "" : ": " + failure.text());
    }
  }

  long answered() {
    return latencies.values().stream().mapToLong(Histogram::getTotalCount).sum();
  }

  long failed() {
    return failures.values().stream().mapToLong(Long::longValue).sum();
  }

  /** What went wrong first; empty for nothing. */
  String trouble() {
    return broken.isEmpty() ? firstFailure : broken;
  }

  /** All latencies together. */
  Histogram all() {
    Histogram all = new Histogram(DIGITS);
    latencies.values().forEach(all::add);
    return all;
  }

  void add(Tally other) {
    other.latencies.forEach((operation, histogram) -> of(operation).add(histogram));
    other.failures.forEach((kind, count) -> failures.merge(kind, count, Long::sum));
    sent += other.sent;
    warmUpFailures += other.warmUpFailures;
    if (broken.isEmpty()) broken = other.broken;
    if (firstFailure.isEmpty()) firstFailure = other.firstFailure;
    lastNanos = Math.max(lastNanos, other.lastNanos);
  }
}
