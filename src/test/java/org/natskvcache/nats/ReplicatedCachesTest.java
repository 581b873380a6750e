package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.LogLines;
import org.natskvcache.Waiting;
import org.natskvcache.node.Replica;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkSettings;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.provider.ProcessSettings;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

/** Opening that fails, and what is kept of caches whose last link is gone. */
class ReplicatedCachesTest {
  private static final long BYTES_MAX = 8 << 20;

  private final AtomicLong millis = new AtomicLong(1_000);
  private final Queue<Runnable> alarms = new ArrayDeque<>();
  private final ReplicatedCaches caches =
      new ReplicatedCaches(broken -> {}, BYTES_MAX, millis::get, (in, then) -> alarms.add(then));

  @AfterEach
  void close() {
    caches.close();
  }

  private static CacheSettings settings(String linkName, Map<String, String> values) {
    return ((LinkSettings.Parsed.Valid) LinkSettings.parse(LinkValues.of(values), linkName))
        .settings()
        .cache();
  }

  private Replica open(String name) {
    return caches.open(name, settings(name, Map.of()));
  }

  private void limit(int count, int seconds) {
    caches.use(new ProcessSettings(count, seconds, List.of()));
  }

  private static void fill(Replica replica, int bytes) {
    fill(replica, "k", bytes);
  }

  private static void fill(Replica replica, String key, int bytes) {
    replica.call(new Command.Set(Key.of(key), new Bytes(new byte[bytes]), 0), reply -> {});
  }

  @Test
  void theOldestGoBeyondTheCount() {
    limit(2, 100);
    for (String name : List.of("a", "b", "c")) {
      fill(open(name), 1);
      millis.incrementAndGet();
    }
    try (LogLines log = LogLines.of(ReleasedCaches.class)) {
      for (String name : List.of("b", "a", "c")) caches.release(name);
      assertEquals(2, caches.releasedCaches());
      String line = log.at(Level.INFO).getFirst();
      assertTrue(line.startsWith("event=released_cache_dropped link=b entries=1 bytes=1"), line);
      assertTrue(line.endsWith("reason=\"RELEASED_CACHES_MAX is 2\""), line);
    }
    assertEquals(1, open("a").status().entries(), "found again");
    assertEquals(0, open("b").status().entries());
    assertEquals(1, open("c").status().entries());
    assertEquals(0, caches.releasedCaches());
  }

  @Test
  void theyGoByThemselvesWhenTheyAreTooOld() {
    limit(10, 100);
    open("a");
    open("b");
    caches.release("a");
    millis.addAndGet(99_999);
    caches.release("b");
    assertEquals(1, alarms.size(), "one alarm for all");
    alarms.remove().run();
    assertEquals(2, caches.releasedCaches());
    millis.addAndGet(1);
    alarms.remove().run();
    assertEquals(1, caches.releasedCaches());
    millis.addAndGet(100_000);
    alarms.remove().run();
    assertEquals(0, caches.releasedCaches());
    assertEquals(0, alarms.size(), "an idle process has nothing to wait for");
  }

  @Test
  void togetherTheyTakeNoMoreThanTheirShare() {
    limit(10, 100);
    for (String name : List.of("a", "b", "c")) fill(open(name), 1_000_000);
    Replica large = open("d");
    for (int i = 0; i < 6; i++) fill(large, "k" + i, 1_000_000);
    for (String name : List.of("a", "b", "c")) caches.release(name);
    assertEquals(3, caches.releasedCaches());
    caches.release("d");
    assertEquals(2, caches.releasedCaches(), "the last two");
    assertEquals(6, open("d").status().entries());
    fill(large, "k7", 1_000_000);
    fill(large, "k8", 1_000_000);
    fill(large, "k9", 1_000_000);
    caches.release("d");
    assertEquals(0, caches.releasedCaches(), "too large by itself");
  }

  @Test
  void noneAreKeptWhereNoneMayBe() {
    limit(0, 100);
    open("a");
    caches.release("a");
    assertEquals(0, caches.releasedCaches());
    limit(10, 0);
    open("a");
    caches.release("a");
    assertEquals(0, caches.releasedCaches());
    limit(10, 10);
    open("a");
    caches.release("a");
    limit(0, 10);
    assertEquals(0, caches.releasedCaches(), "at once");
  }

  /** The server need not be there: what fails is said before anybody is connected to. */
  @Test
  void openingThatFailsLeavesNothingBehindAndWhatWasReleasedStays() {
    fill(open("a"), 10);
    caches.release("a");
    Waiting.until("the end of its timer", () -> cacheThreads() == 0);
    CacheSettings replicated = settings("a", Map.of("NATS_URL", "nats://127.0.0.1:1"));
    CacheSettings broken =
        new CacheSettings(
            replicated.servers(),
            "",
            "SUBROKEN",
            "",
            replicated.stateSubject(),
            replicated.replaySubject(),
            replicated.heartbeatSeconds(),
            "",
            "",
            "",
            replicated.entryBytesMax(),
            replicated.memoryBytesMax(),
            replicated.entriesMax(),
            replicated.eviction(),
            replicated.clocks(),
            false,
            replicated.frameKeys());
    assertThrows(IllegalArgumentException.class, () -> caches.open("a", broken));
    Waiting.until("the end of the new timer", () -> cacheThreads() == 0);
    assertEquals(0, caches.statuses().size());
    assertEquals(1, open("a").status().entries());
  }

  private static int cacheThreads() {
    int count = 0;
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals("cache-a") && thread.isAlive()) count++;
    }
    return count;
  }

  /** What a link name leaves behind when its links are gone: as good as nothing. */
  @Test
  void manyNamesLeaveNeitherCachesNorThreads() {
    var links = new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), caches);
    int threads = Thread.activeCount();
    for (int i = 0; i < 5_000; i++) {
      LinkId id = LinkId.caller("a", "name-" + i);
      links.put(id, LinkValues.of(Map.of()));
      links.delete(id);
    }
    assertEquals(16, caches.releasedCaches());
    assertEquals(0, links.statuses().size());
    Waiting.until(
        () -> "threads as before: " + threads + ", now " + Thread.activeCount(),
        () -> Thread.activeCount() <= threads + 2);
  }
}
