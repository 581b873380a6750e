package org.natskvcache.nats;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.Caches;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.ProcessSettings;
import org.natskvcache.provider.ServerUrl;
import org.natskvcache.store.Capacity;
import org.natskvcache.store.Limits;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The caches of this process: a replica for each link name, with its network unless it is
 * standalone.
 */
public final class ReplicatedCaches implements Caches, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicatedCaches.class);

  /** Of a large heap this much is not for content: the process itself, logs, bytes. */
  private static final long HEAP_RESERVE_BYTES = 128L << 20;

  /** Of the heap, this part is for released caches. */
  private static final int RELEASED_HEAP_DIVISOR = 8;

  /** So that an alarm set for a long time does not outlast other settings by much. */
  private static final long ALARM_MILLIS_MAX = 10_000;

  private record Cache(
      CacheSettings settings, LockedReplica replica, @Nullable ReplicationTransport transport) {
    void close() {
      replica.close();
      if (transport != null) transport.close();
    }
  }

  /** Calls back after so many milliseconds, on a daemon thread. */
  interface Alarm {
    void in(long millis, Runnable then);
  }

  private final Consumer<Throwable> fatal;
  private final Alarm alarm;
  private final Map<String, Cache> open = new HashMap<>();
  private final ReleasedCaches released;
  private boolean alarmSet;
  private boolean guest;

  /**
   * No caches yet.
   *
   * @param fatal ends the process, because a replica is broken, see {@link LockedReplica}
   */
  public ReplicatedCaches(Consumer<Throwable> fatal) {
    this(
        fatal,
        Runtime.getRuntime().maxMemory() / RELEASED_HEAP_DIVISOR,
        () -> System.nanoTime() / 1_000_000,
        (millis, then) ->
            CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS).execute(then));
  }

  /**
   * @param releasedBytesMax what all released caches together may take
   * @param millis a clock that never goes back
   */
  ReplicatedCaches(
      Consumer<Throwable> fatal, long releasedBytesMax, LongSupplier millis, Alarm alarm) {
    this.fatal = fatal;
    this.alarm = alarm;
    released =
        new ReleasedCaches(ProcessSettings.of(LinkValues.of(Map.of())), releasedBytesMax, millis);
  }

  @Override
  public synchronized Replica open(String linkName, CacheSettings settings) {
    ReplicationTransport transport = settings.isStandalone() ? null : transport(linkName, settings);
    ReleasedCaches.Released former = released.get(linkName);
    LockedReplica kept =
        former != null && former.settings().equals(settings) ? former.replica() : null;
    LockedReplica replica =
        kept != null
            ? kept
            : new LockedReplica(linkName, nodeSettings(linkName, settings), transport, fatal);
    var cache = new Cache(settings, replica, transport);
    try {
      if (kept != null) replica.reopen(transport);
      if (transport != null) transport.start(replica);
      open.put(linkName, cache);
    } catch (Throwable failure) {
      var _ = Guarded.run("link", cache::close); // a former one stays released, with its data
      throw failure;
    }
    if (former != null && kept == null) {
      LOG.warn(
          "the cache starts empty link={} reason=\"its settings are others than before\"",
          linkName);
    }
    released.remove(linkName);
    return replica;
  }

  private NodeSettings nodeSettings(String linkName, CacheSettings settings) {
    Limits limits = Limits.DEFAULTS.withLogsFor(Runtime.getRuntime().maxMemory());
    if (settings.entryBytesMax() < limits.entryBytesMax()) {
      limits = limits.withEntryBytesMax(settings.entryBytesMax());
    }
    limits = limits.withCapacity(capacity(linkName, settings));
    return settings.isStandalone()
        ? NodeSettings.standalone(limits)
        : NodeSettings.replicated(
            limits, settings.heartbeatSeconds() * 1_000L, settings.clocks(), settings.frameKeys());
  }

  /**
   * Makes caches that replicate, opened from now on, keep no limits of their own: one who only
   * looks in deletes nothing of the group's.
   */
  public synchronized void beGuest() {
    guest = true;
  }

  private Capacity capacity(String linkName, CacheSettings settings) {
    if (guest && !settings.isStandalone()) {
      if (settings.hasLimits()) {
        LOG.warn(
            "MAX_MEMORY, MAX_ENTRIES and EVICTION are ignored link={}"
                + " reason=\"this instance is only a guest of its group\"",
            linkName);
      }
      return Capacity.UNLIMITED;
    }
    long bytes = memoryBytesMax(settings);
    LOG.info(
        "the cache has limits link={} max_memory={} max_entries={} eviction={}",
        linkName,
        bytes == Capacity.NONE ? "none" : bytes,
        settings.entriesMax() == Capacity.NONE ? "none" : settings.entriesMax(),
        settings.eviction().name().toLowerCase(Locale.ROOT));
    double allBytes = bytes;
    for (Cache other : open.values()) allBytes += memoryBytesMax(other.settings);
    if (allBytes > heapShare()) {
      // several caches at their defaults are everyday and seldom all full
      LOG.atLevel(bytes > heapShare() ? Level.WARN : Level.INFO)
          .log(
              "the heap is small for the limits of memory, the process may stop for want of it"
                  + " link={} advised_bytes_for_all_caches={}",
              linkName,
              heapShare());
    }
    return new Capacity(bytes, settings.entriesMax(), settings.eviction());
  }

  private static long memoryBytesMax(CacheSettings settings) {
    long bytes = settings.memoryBytesMax();
    return bytes == CacheSettings.BY_HEAP ? heapShare() : bytes;
  }

  /** What of the heap the content of caches may take, bytes. */
  private static long heapShare() {
    long heapBytes = Runtime.getRuntime().maxMemory();
    return Math.max(heapBytes / 4, (heapBytes - HEAP_RESERVE_BYTES) / 2);
  }

  private static ReplicationTransport transport(String linkName, CacheSettings settings) {
    return new ReplicationTransport(connection(settings), subjects(settings), linkName);
  }

  /** How to reach the servers of these settings. */
  public static ConnectionSettings connection(CacheSettings settings) {
    return connection(settings.servers(), settings.jwt(), settings.seed())
        .withCredsFile(path(settings.credsFile()))
        .withTls(path(settings.caFile()), path(settings.certFile()), path(settings.keyFile()))
        .ignoringDiscovered(settings.ignoreDiscovered());
  }

  static ReplicationSubjects subjects(CacheSettings settings) {
    return new ReplicationSubjects(settings.stateSubject(), settings.replaySubject());
  }

  /** How to reach these servers; empty credentials are none. */
  public static ConnectionSettings connection(List<ServerUrl> servers, String jwt, String seed) {
    List<String> urls = servers.stream().map(ServerUrl::url).toList();
    return new ConnectionSettings(urls, null, null, null, null, null, null, false)
        .withCredentials(jwt.isEmpty() ? null : jwt, seed.isEmpty() ? null : seed);
  }

  private static @Nullable Path path(String file) {
    return file.isEmpty() ? null : Path.of(file);
  }

  @Override
  public synchronized void release(String linkName) {
    Cache cache = open.remove(linkName);
    if (cache == null) return;
    cache.close();
    released.add(linkName, cache.settings, cache.replica);
    trimReleased();
  }

  @Override
  public synchronized void use(ProcessSettings settings) {
    released.use(settings);
    trimReleased();
  }

  /** Frees memory in an idle process too. */
  private void trimReleased() {
    released.trim();
    long millis = released.expiresInMillis();
    if (millis < 0 || alarmSet) return;
    alarmSet = true;
    alarm.in(Math.min(millis, ALARM_MILLIS_MAX), this::onAlarm);
  }

  private void onAlarm() {
    var _ =
        Guarded.run(
            "released caches",
            () -> {
              synchronized (this) {
                alarmSet = false;
                trimReleased();
              }
            });
  }

  /** How many caches wait for a link. */
  synchronized int releasedCaches() {
    return released.size();
  }

  @Override
  public synchronized SortedMap<String, ReplicaStatus> statuses() {
    SortedMap<String, ReplicaStatus> statuses = new TreeMap<>();
    open.forEach((link, cache) -> statuses.put(link, cache.replica.status()));
    return statuses;
  }

  /** Leaves all groups, side by side, within about 200 ms. May be called twice. */
  @Override
  public synchronized void close() {
    List<Thread> leaving = new ArrayList<>();
    open.values().forEach(cache -> leaving.add(Thread.ofVirtual().start(cache::close)));
    open.clear();
    for (Thread thread : leaving) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
