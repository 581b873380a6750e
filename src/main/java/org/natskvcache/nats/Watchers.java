package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.impl.Headers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.metrics.Failures;
import org.natskvcache.node.Replica;
import org.natskvcache.provider.WatchList;
import org.natskvcache.rpc.Texts;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.telemetry.Tracing;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcCaller;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcObserver;
import org.natskvcache.wrpc.WrpcServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells components of changed keys: calls {@code on-set} and {@code on-delete} of {@code
 * wrpc:keyvalue/watcher@0.2.0-draft}, in the order of the changes, one call at a time for each
 * component. What a component does not keep up with is dropped and counted. For any thread; changes
 * are taken without waiting.
 *
 * <p>Every instance that holds the link tells its component: where several share a provider id, the
 * component hears of a change once from each. A call that the component fails looks like one that
 * it handled, since the function has no result.
 */
final class Watchers implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Watchers.class);

  /** Changes that wait for one component, count and bytes. */
  static final int QUEUED_MAX = 4_096;

  static final long QUEUED_BYTES_MAX = 16L << 20;

  private static final String INSTANCE = "wrpc:keyvalue/watcher@0.2.0-draft";

  /** A handle of the bucket, as hosts 1.7 to 1.9 want it; it stands for nothing there. */
  private static final String BUCKET = "0";

  private record Event(String function, byte[] params, @Nullable Object cause) {}

  private record Watch(Component component, WatchList list) {}

  private final String lattice;
  private final String providerId;
  private final WrpcCaller caller;
  private final Tracing tracing;
  private final Map<String, Component> components = new HashMap<>();

  private volatile boolean closed;

  /** By link name: whom its cache tells. */
  private final Map<String, CacheWatch> caches = new HashMap<>();

  /** Tells nobody yet; the connection stays the caller's. */
  Watchers(
      Connection connection,
      String lattice,
      String providerId,
      WrpcObserver observer,
      Tracing tracing) {
    this.lattice = lattice;
    this.providerId = providerId;
    this.tracing = tracing;
    caller = new WrpcCaller(connection, WrpcLimits.DEFAULTS, observer);
  }

  /**
   * Tells a component of changes of these keys in this cache, instead of those it heard of so far.
   */
  synchronized void put(String component, String linkName, Replica cache, WatchList list) {
    CacheWatch former = caches.get(linkName);
    Map<String, Watch> watches = new HashMap<>();
    if (former != null && former.cache.equals(cache)) watches.putAll(former.watches);
    Component told = components.computeIfAbsent(component, Component::new);
    told.link();
    watches.put(component, new Watch(told, list));
    replace(linkName, cache, watches);
  }

  /**
   * Tells a component no more of changes in this cache; if it watches no other one, what still
   * waits for it is dropped.
   */
  synchronized void delete(String component, String linkName) {
    CacheWatch former = caches.get(linkName);
    Watch watch = former == null ? null : former.watches.get(component);
    if (former == null || watch == null) return;
    Map<String, Watch> watches = new HashMap<>(former.watches);
    watches.remove(component);
    replace(linkName, former.cache, watches);
    if (isUnused(component) && watch.component.unlink()) components.remove(component);
  }

  private boolean isUnused(String component) {
    return caches.values().stream().noneMatch(cache -> cache.watches.containsKey(component));
  }

  /** Its last call has ended: a new link's first call need not wait for that any more. */
  private synchronized void forgetIfUnused(Component component) {
    if (isUnused(component.id)) components.remove(component.id, component);
  }

  /** How many components are watching, or still in a call. */
  synchronized int components() {
    return components.size();
  }

  private void replace(String linkName, Replica cache, Map<String, Watch> watches) {
    if (watches.isEmpty()) {
      caches.remove(linkName);
      cache.watch(null);
    } else {
      var watch = new CacheWatch(cache, Map.copyOf(watches));
      caches.put(linkName, watch);
      cache.watch(watch);
    }
  }

  /** Who hears of changes in one cache. Immutable. */
  private static final class CacheWatch implements Replica.KeyWatcher {
    private final Replica cache;
    private final Map<String, Watch> watches;
    private final List<Watch> all;

    CacheWatch(Replica cache, Map<String, Watch> watches) {
      this.cache = cache;
      this.watches = watches;
      all = List.copyOf(watches.values());
    }

    @Override
    public boolean wants(Key key) {
      if (!key.inDefaultNamespace()) return false;
      Bytes raw = key.raw();
      for (Watch watch : all) {
        if (watch.list.hearsSet(raw) || watch.list.hearsDelete(raw)) return true;
      }
      return false;
    }

    @Override
    public void changed(Key key, @Nullable Bytes value, @Nullable Object cause) {
      Bytes raw = key.raw();
      for (Watch watch : all) {
        boolean hears = value == null ? watch.list.hearsDelete(raw) : watch.list.hearsSet(raw);
        if (hears) {
          var _ = Guarded.run("watcher", () -> watch.component.tell(event(raw, value, cause)));
        }
      }
    }

    private static Event event(Bytes key, @Nullable Bytes value, @Nullable Object cause) {
      int size = key.size() + (value == null ? 0 : value.size()) + 16;
      ValueWriter params = new ValueWriter(size).string(BUCKET).bytes(key.array());
      return value == null
          ? new Event("on-delete", params.toByteArray(), cause)
          : new Event("on-set", params.bytes(value.array()).toByteArray(), cause);
    }
  }

  /** What one component is told, one after the other. */
  private final class Component {
    private final String id;
    private final Queue<Event> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private boolean calling;
    private boolean unlinked;
    private long dropped;
    private boolean failing;

    Component(String id) {
      this.id = id;
    }

    synchronized void link() {
      unlinked = false;
    }

    /** Drops what waits; whether nothing is under way. */
    synchronized boolean unlink() {
      unlinked = true;
      if (!waiting.isEmpty()) {
        LOG.info(
            "event=watch_events_unlinked component={} waiting={}",
            Texts.shortened(id),
            waiting.size());
      }
      waiting.clear();
      waitingBytes = 0;
      return !calling;
    }

    void tell(Event event) {
      synchronized (this) {
        if (unlinked) return;
        if (waiting.size() >= QUEUED_MAX || event.params.length > QUEUED_BYTES_MAX - waitingBytes) {
          Counter.WATCH_EVENTS_DROPPED.increment();
          if (dropped++ == 0) {
            LOG.warn(
                "event=watch_events_dropped component={} waiting={}; it is too slow, more are dropped until it has caught up",
                Texts.shortened(id),
                waiting.size());
          }
          return;
        }
        waiting.add(event);
        waitingBytes += event.params.length;
        if (calling) return;
        calling = true;
      }
      callNext();
    }

    /**
     * Calls with what waits longest; only whoever set {@code calling} comes here. What cannot be
     * called is skipped, or the component would hear nothing any more.
     */
    private void callNext() {
      for (Event event = next(); event != null; event = next()) {
        try {
          call(event);
          return;
        } catch (Throwable failure) {
          Failures.caught("call of a watcher", failure);
          Counter.WATCH_CALLS_FAILED.increment();
        }
      }
    }

    private @Nullable Event next() {
      Event event;
      boolean last;
      synchronized (this) {
        event = waiting.poll();
        last = event == null && unlinked;
        if (event == null) {
          calling = false;
          if (dropped > 0) {
            LOG.warn(
                "event=watch_events_caught_up component={} dropped={}",
                Texts.shortened(id),
                dropped);
          }
          dropped = 0;
        } else {
          waitingBytes -= event.params.length;
        }
      }
      if (last) forgetIfUnused(this);
      return event;
    }

    private void call(Event event) {
      var headers = new Headers().add("source-id", providerId).add("target-id", id);
      Tracing.Span span = tracing.calling(INSTANCE, event.function, id, event.cause, headers::add);
      var _ =
          caller
              .call(
                  WrpcServer.subject(lattice + "." + id, INSTANCE, event.function),
                  headers,
                  event.params)
              .thenAcceptAsync(outcome -> {
                var _ = Guarded.run("end of a watcher's call", () -> ended(outcome, span));
                if (!closed) callNext();
              });
    }

    private void ended(WrpcCaller.Outcome outcome, Tracing.Span span) {
      span.end(
          switch (outcome) {
            case WrpcCaller.Outcome.Result _ -> null;
            case WrpcCaller.Outcome.NobodyServes _ -> "nobody_serves";
            case WrpcCaller.Outcome.Failed _ -> "no_answer";
          });
      if (closed) return;
      boolean fine = outcome instanceof WrpcCaller.Outcome.Result;
      if (!fine) {
        Counter.WATCH_CALLS_FAILED.increment();
        if (!failing) {
          LOG.warn(
              "event=watch_call_failed component={} outcome=\"{}\"; more of these are only counted",
              Texts.shortened(id),
              outcome);
        }
      }
      failing = !fine;
    }
  }

  /** Tells nobody any more. */
  @Override
  public synchronized void close() {
    closed = true;
    for (CacheWatch watch : new ArrayList<>(caches.values())) watch.cache.watch(null);
    caches.clear();
    caller.close();
  }
}
