package org.natskvcache.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableLongMeasurement;
import java.util.Locale;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.ReplicaStatus;

/**
 * What is exported as metrics: every {@link Counter}, the caches, the heap. All are read when they
 * are exported; nothing is counted twice.
 */
final class ExportedMetrics {
  private static final AttributeKey<String> LINK = AttributeKey.stringKey("wasmcloud.link.name");
  private static final AttributeKey<String> AGREEMENT =
      AttributeKey.stringKey("kvcache.peer.agreement");
  private static final Attributes HEAP =
      Attributes.of(AttributeKey.stringKey("jvm.memory.type"), "heap");

  private ExportedMetrics() {}

  static void register(Meter meter, Supplier<SortedMap<String, ReplicaStatus>> caches) {
    for (Counter counter : Counter.values()) {
      var _ =
          meter
              .counterBuilder("kvcache." + counter.name().toLowerCase(Locale.ROOT))
              .setUnit("{" + counter.unit() + "}")
              .setDescription(counter.meaning())
              .buildWithCallback(value -> value.record(counter.value()));
    }
    heap(meter);
    ofCaches(meter, caches);
  }

  private static void heap(Meter meter) {
    Runtime runtime = Runtime.getRuntime();
    var used =
        gauge(
            meter, "jvm.memory.used", "By", "Heap in use, what nobody refers to any more included");
    var limit = gauge(meter, "jvm.memory.limit", "By", "Heap there may be");
    var _ =
        meter.batchCallback(
            () -> {
              used.record(runtime.totalMemory() - runtime.freeMemory(), HEAP);
              limit.record(runtime.maxMemory(), HEAP);
            },
            used,
            limit);
  }

  private static void ofCaches(Meter meter, Supplier<SortedMap<String, ReplicaStatus>> caches) {
    var entries =
        gauge(meter, "kvcache.entries", "{entry}", "Keys held, hidden and expired ones included");
    var connected =
        gauge(meter, "kvcache.connected", "1", "1 while the replication connection is up, else 0");
    var heldBack =
        gauge(
            meter,
            "kvcache.held_back",
            "{mutation}",
            "Changes received that wait for an earlier one: more than a moment above 0 means that something is missing");
    var peers =
        gauge(
            meter,
            "kvcache.peers",
            "{instance}",
            "Instances heard from lately, by how their data compares with ours: equal, different_vectors (one lacks changes of the other), diverged (a bug or a memory fault), unknown");
    var alarm =
        gauge(meter, "kvcache.alarm", "1", "1 when what must not happen did: see the log, else 0");
    var _ =
        meter.batchCallback(
            () ->
                Telemetry.guard(() ->
                    caches
                        .get()
                        .forEach((name, status) -> {
                          Attributes link = Attributes.of(LINK, name);
                          entries.record(status.entries(), link);
                          connected.record(status.connected() ? 1 : 0, link);
                          heldBack.record(status.heldBack(), link);
                          boolean outdated = status.state() == ReplicaStatus.State.OUTDATED;
                          alarm.record(status.alarm() == null && !outdated ? 0 : 1, link);
                          for (var agreement : ReplicaStatus.Agreement.values()) {
                            long count =
                                status.peers().stream()
                                    .filter(peer -> peer.agreement() == agreement)
                                    .count();
                            String value = agreement.name().toLowerCase(Locale.ROOT);
                            peers.record(count, link.toBuilder().put(AGREEMENT, value).build());
                          }
                        })),
            entries,
            connected,
            heldBack,
            peers,
            alarm);
  }

  private static ObservableLongMeasurement gauge(
      Meter meter, String name, String unit, String description) {
    return meter
        .gaugeBuilder(name)
        .ofLongs()
        .setUnit(unit)
        .setDescription(description)
        .buildObserver();
  }
}
