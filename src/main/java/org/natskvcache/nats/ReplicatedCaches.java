package org.natskvcache.nats;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.Caches;
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

  private record Cache(
      CacheSettings settings, LockedReplica replica, @Nullable ReplicationTransport transport) {
    void close() {
      replica.close();
      if (transport != null) transport.close();
    }
  }

  private final Map<String, Cache> open = new HashMap<>();
  private boolean guest;

  /** Caches whose last link is gone; their data waits for a new link. */
  private final Map<String, Cache> released = new HashMap<>();

  @Override
  public synchronized Replica open(String linkName, CacheSettings settings) {
    ReplicationTransport transport = settings.isStandalone() ? null : transport(linkName, settings);
    Cache former = released.remove(linkName);
    LockedReplica replica;
    if (former != null && former.settings.equals(settings)) {
      replica = former.replica;
      replica.reopen(transport);
    } else {
      if (former != null) {
        LOG.warn(
            "the cache starts empty link={} reason=\"its settings are others than before\"",
            linkName);
      }
      replica = new LockedReplica(linkName, nodeSettings(linkName, settings), transport);
    }
    if (transport != null) transport.start(replica);
    open.put(linkName, new Cache(settings, replica, transport));
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
        : NodeSettings.replicated(limits, settings.heartbeatSeconds() * 1_000L, settings.clocks());
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
    for (Cache other : released.values()) allBytes += memoryBytesMax(other.settings);
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
    released.put(linkName, cache);
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
