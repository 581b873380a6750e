package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.Thrown;
import org.natskvcache.node.PosingReplica;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;

class LinkedCachesTest {
  private static final LinkValues NOTHING = LinkValues.of(Map.of());
  private static final LinkId A = LinkId.caller("a", "x");
  private static final LinkId B = LinkId.caller("b", "x");

  private static final class ThrowingCaches implements Caches {
    final Map<String, PosingReplica> open = new HashMap<>();
    Throwable thrown;
    ProcessSettings settings;

    @Override
    public Replica open(String linkName, CacheSettings settings) {
      if (thrown != null) Thrown.raise(thrown);
      return open.computeIfAbsent(linkName, name -> new PosingReplica());
    }

    @Override
    public void release(String linkName) {
      if (thrown != null) Thrown.raise(thrown);
      open.remove(linkName);
    }

    @Override
    public void use(ProcessSettings now) {
      settings = now;
    }

    @Override
    public SortedMap<String, ReplicaStatus> statuses() {
      if (thrown != null) Thrown.raise(thrown);
      var statuses = new TreeMap<String, ReplicaStatus>();
      open.forEach((name, replica) -> statuses.put(name, replica.status()));
      return statuses;
    }
  }

  private final ThrowingCaches caches = new ThrowingCaches();
  private final LinkTable table = new LinkTable(NOTHING);
  private final LinkedCaches links = new LinkedCaches(table, caches);

  private static LinkValues values(String key, String value) {
    return LinkValues.of(Map.of(key, value));
  }

  private List<String> problems() {
    return List.copyOf(links.problems().all().values());
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void cacheThatCannotBeOpenedLeavesAllAsBefore(Throwable thrown) {
    caches.thrown = thrown;
    var decision = assertInstanceOf(LinkDecision.Refused.class, links.put(A, NOTHING));
    String reason =
        "the cache cannot be opened, " + thrown.getClass().getSimpleName() + " in the log";
    assertEquals(reason, decision.reason());
    assertEquals(List.of("link x of a is refused: " + reason), problems());
    assertEquals(0, table.size());
    assertNull(links.route(A));
    assertEquals(false, links.health().healthy());
    caches.thrown = null;
    assertInstanceOf(LinkDecision.Opened.class, links.put(A, NOTHING), "the first of its name");
    assertEquals(new Health(true, "link x: standalone"), links.health());
    caches.thrown = thrown;
    assertEquals(new LinkDecision.Removed(true), links.delete(A), "gone, whatever its cache does");
    assertNull(links.route(A));
  }

  @Test
  void cacheThatSaysWhyIsRefusedWithItsWords() {
    caches.thrown = new IllegalArgumentException("the seed is none");
    assertEquals(new LinkDecision.Refused("the seed is none"), links.put(A, NOTHING));
    caches.thrown =
        new IllegalArgumentException(Thrown.SECRET, new RuntimeException(Thrown.SECRET));
    links.put(A, NOTHING);
    assertTrue(
        problems().stream().noneMatch(text -> text.contains(Thrown.SECRET)), "" + problems());
  }

  @Test
  void refusedLinkIsAProblemUntilItIsPutRightOrDeleted() {
    links.put(A, values("MAX_MEMORY", "abc"));
    links.put(LinkId.watcher("a", "x"), values("WATCH", "?"));
    links.put(LinkId.caller("b x", "x"), values("REPLAY_HEARTBEAT_SECS", "0"));
    links.put(LinkId.caller("b", "x x"), values("NATS_URL", "http://x"));
    assertEquals(4, problems().size(), () -> "" + problems());
    assertTrue(problems().getFirst().startsWith("link x of a is refused: MAX_MEMORY is neither"));
    links.put(A, NOTHING);
    assertEquals(3, problems().size());
    links.delete(LinkId.watcher("a", "x"));
    links.delete(LinkId.caller("b x", "x"));
    links.delete(LinkId.caller("b", "x x"));
    assertEquals(new Health(true, "link x: standalone"), links.health());
  }

  @Test
  void refusedChangeIsAProblemAndTheFormerLinkStays() {
    links.put(A, NOTHING);
    links.put(A, values("MUTATION_REPLIES", "x"));
    assertEquals(
        List.of(
            "a change of link x of a is refused: MUTATION_REPLIES is neither actual nor default"),
        problems());
    assertNotNull(links.route(A));
    assertInstanceOf(LinkDecision.Duplicate.class, links.put(A, NOTHING));
    assertEquals(List.of(), problems());
    links.refused(A, "its secrets do not open");
    links.put(A, values("MUTATION_REPLIES", "default"));
    assertEquals(List.of(), problems());
  }

  @Test
  void problemsOfLongNamesAreTheirOwnAndBounded() {
    String name = "n".repeat(500_000);
    links.refused(LinkId.caller(name + "1", name), "x");
    links.refused(LinkId.caller(name + "2", name), "x");
    assertEquals(2, problems().size());
    links.problems().all().forEach((key, text) -> assertTrue(key.length() + text.length() < 2_000));
    links.delete(LinkId.caller(name + "1", name));
    links.delete(LinkId.caller(name + "2", name));
    assertEquals(List.of(), problems());
  }

  @Test
  void settingsOfTheProcessComeFromTheDefaultsAndABadOneIsAProblem() {
    assertEquals(new ProcessSettings(16, 3_600, List.of()), caches.settings);
    links.put(A, values("RELEASED_CACHES_MAX", "1"));
    links.defaults(LinkValues.of(Map.of("released_caches_max", "0", "RELEASED_CACHE_SECS", "-1")));
    assertEquals(0, caches.settings.releasedCachesMax());
    assertEquals(3_600, caches.settings.releasedCacheSeconds());
    assertEquals(
        List.of(
            "the provider's setting RELEASED_CACHE_SECS is not a whole number from 0 to 604800; 3600 counts"),
        problems());
    links.defaults(NOTHING);
    assertEquals(16, caches.settings.releasedCachesMax());
    assertEquals(List.of(), problems());
    assertInstanceOf(LinkDecision.Joined.class, links.put(B, NOTHING));
  }
}
