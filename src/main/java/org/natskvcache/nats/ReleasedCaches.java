package org.natskvcache.nats;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.ProcessSettings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Caches whose last link is gone; their data waits for a new link. Bounded by count, age and
 * memory: the one released longest ago goes first. For one thread at a time.
 */
final class ReleasedCaches {
  private static final Logger LOG = LoggerFactory.getLogger(ReleasedCaches.class);

  /**
   * What a cache takes beside its content and its log of changes, bytes; 115 to 139 KB measured.
   */
  static final long EMPTY_BYTES = 144 << 10;

  /** A cache out of its group, closed. */
  record Released(CacheSettings settings, LockedReplica replica, long bytes, long millis) {}

  private final long bytesMax;
  private final LongSupplier millis;
  private final Map<String, Released> byName = new LinkedHashMap<>();
  private ProcessSettings limits;
  private long bytes;

  /**
   * @param bytesMax what all of them together may take
   * @param millis a clock that never goes back, milliseconds
   */
  ReleasedCaches(ProcessSettings limits, long bytesMax, LongSupplier millis) {
    this.limits = limits;
    this.bytesMax = bytesMax;
    this.millis = millis;
  }

  /** Other limits, from the next {@link #trim} on. */
  void use(ProcessSettings changed) {
    limits = changed;
  }

  void add(String name, CacheSettings settings, LockedReplica replica) {
    remove(name);
    long size = EMPTY_BYTES + replica.keptBytes();
    byName.put(name, new Released(settings, replica, size, millis.getAsLong()));
    bytes += size;
  }

  @Nullable Released get(String name) {
    return byName.get(name);
  }

  void remove(String name) {
    Released removed = byName.remove(name);
    if (removed != null) bytes -= removed.bytes;
  }

  int size() {
    return byName.size();
  }

  /** Drops what is too much or too old, and says so. */
  void trim() {
    long now = millis.getAsLong();
    Iterator<Map.Entry<String, Released>> oldest = byName.entrySet().iterator();
    while (oldest.hasNext()) {
      Map.Entry<String, Released> entry = oldest.next();
      Released released = entry.getValue();
      String why = why(released, now);
      if (why == null) return;
      oldest.remove();
      bytes -= released.bytes;
      LOG.info(
          "event=released_cache_dropped link={} entries={} bytes={} reason=\"{}\"",
          entry.getKey(),
          released.replica.status().entries(),
          released.bytes,
          why);
    }
  }

  private @Nullable String why(Released oldest, long now) {
    if (now - oldest.millis >= limits.releasedCacheSeconds() * 1_000L) {
      return "RELEASED_CACHE_SECS is " + limits.releasedCacheSeconds();
    }
    if (byName.size() > limits.releasedCachesMax()) {
      return "RELEASED_CACHES_MAX is " + limits.releasedCachesMax();
    }
    return bytes > bytesMax ? "released caches together may take " + bytesMax + " bytes" : null;
  }

  /** Milliseconds until the oldest is too old; -1 without any. */
  long expiresInMillis() {
    if (byName.isEmpty()) return -1;
    long age = millis.getAsLong() - byName.values().iterator().next().millis;
    return Math.max(0, limits.releasedCacheSeconds() * 1_000L - age);
  }
}
