package org.natskvcache.provider;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Failures;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.rpc.Texts;

/**
 * Carries the link table's decisions out on the caches, and tells the doors where a caller's
 * requests go. A link that is refused is a {@linkplain #problems problem} until it is put right or
 * deleted. May be used by several threads: links change under one lock, {@link #route} takes none.
 */
public final class LinkedCaches {
  /**
   * Where a linked peer's calls go.
   *
   * @param replica the cache of the link's name
   * @param keys the link's own
   */
  public record Route(Replica replica, LinkKeys keys) {}

  /** Longer names and peers are cut in the keys of problems. */
  private static final int KEY_CHARS_MAX = 256;

  private final LinkTable table;
  private final Caches caches;
  private final Map<String, Replica> open = new ConcurrentHashMap<>();
  private final Map<LinkId, Route> routes = new ConcurrentHashMap<>();
  private final HealthProblems problems = new HealthProblems();

  /** The subjects of each open cache. Guarded by this. */
  private final Map<String, List<String>> subjects = new HashMap<>();

  /** How many open caches have a subject. */
  private final Map<String, Integer> subjectUses = new ConcurrentHashMap<>();

  /** Begins without links; the table is this object's own from now on. */
  public LinkedCaches(LinkTable table, Caches caches) {
    this.table = table;
    this.caches = caches;
    // always: other processes use them where this one has no cache
    subjectUses.put(CacheSettings.DEFAULT_STATE_SUBJECT, 1);
    subjectUses.put(CacheSettings.DEFAULT_REPLAY_SUBJECT, 1);
    useProcessSettings(table.defaults());
  }

  /**
   * Changes what counts where a link sets nothing, for links put from now on, and the settings of
   * the process at once.
   */
  public synchronized void defaults(LinkValues changed) {
    table.defaults(changed);
    useProcessSettings(changed);
  }

  private void useProcessSettings(LinkValues values) {
    ProcessSettings settings = ProcessSettings.of(values);
    for (SettingKey key : SettingKey.values()) {
      if (key.scope() == SettingKey.Scope.PROCESS) problems.clear("setting " + key);
    }
    for (InvalidSetting problem : settings.problems()) {
      problems.set("setting " + problem.key(), "the provider's setting " + problem);
    }
    caches.use(settings);
  }

  /**
   * Takes a link, and opens its cache if it is the first of its name. Never throws: a link whose
   * cache cannot be opened is refused, and all is as before.
   */
  public synchronized LinkDecision put(LinkId id, LinkValues own) {
    boolean known = table.keys(id).isPresent();
    LinkDecision decision;
    try {
      decision = carriedOut(id, table.put(id, own));
    } catch (Throwable failure) {
      decision = undone(id, known, failure);
    }
    if (decision instanceof LinkDecision.Refused(String reason)) refused(id, reason);
    else problems.clear(problemKey(id));
    return decision;
  }

  private LinkDecision carriedOut(LinkId id, LinkDecision decision) {
    switch (decision) {
      case LinkDecision.Opened(CacheSettings settings, LinkKeys keys) -> {
        open.put(id.linkName(), caches.open(id.linkName(), settings));
        use(id.linkName(), List.of(settings.stateSubject(), settings.replaySubject()));
        route(id, keys);
      }
      case LinkDecision.Joined joined -> route(id, joined.keys());
      case LinkDecision.LinkKeysChanged changed -> route(id, changed.keys());
      case LinkDecision.Duplicate(),
          LinkDecision.Refused(_),
          LinkDecision.Removed(_),
          LinkDecision.Unknown() -> {}
    }
    return decision;
  }

  private LinkDecision undone(LinkId id, boolean known, Throwable failure) {
    String reason = ownWords(failure);
    if (reason == null) {
      Failures.caught("link", failure);
      reason = "the cache cannot be opened, " + failure.getClass().getSimpleName() + " in the log";
    }
    if (!known) {
      routes.remove(id);
      boolean last = table.delete(id) instanceof LinkDecision.Removed(boolean wasLast) && wasLast;
      if (last && open.remove(id.linkName()) != null) {
        disuse(id.linkName());
        release(id.linkName());
      }
    }
    return new LinkDecision.Refused(reason);
  }

  /** What {@link Caches#open} says of settings that cannot be used; null for any other failure. */
  private static @Nullable String ownWords(Throwable failure) {
    boolean told =
        failure.getClass().equals(IllegalArgumentException.class) && failure.getCause() == null;
    return told ? failure.getMessage() : null;
  }

  /**
   * Makes it a problem that a link was not taken; a former one of the same id stays.
   *
   * @param reason a clause without values
   */
  public synchronized void refused(LinkId id, String reason) {
    problems.set(
        problemKey(id),
        (table.keys(id).isPresent() ? "a change of link " : "link ")
            + Texts.shortened(id.linkName())
            + (id.role() == LinkId.Role.CALLER ? " of " : " to ")
            + Texts.shortened(id.peer())
            + " is refused: "
            + reason);
  }

  /** Of one link alone; sorted by link name. */
  private static String problemKey(LinkId id) {
    String name = id.linkName();
    return "link " + cut(name) + " " + cut(id.peer()) + " " + id.role() + " " + name.length();
  }

  private static String cut(String text) {
    return text.length() <= KEY_CHARS_MAX
        ? text
        : text.substring(0, KEY_CHARS_MAX) + "#" + text.length() + "#" + text.hashCode();
  }

  private void route(LinkId id, LinkKeys keys) {
    Replica replica = open.get(id.linkName());
    if (replica == null) {
      throw new IllegalStateException("a link without a cache: " + id.linkName());
    }
    routes.put(id, new Route(replica, keys));
  }

  /** Takes a link away, and releases its cache if it was the last of its name. */
  public synchronized LinkDecision delete(LinkId id) {
    problems.clear(problemKey(id));
    LinkDecision decision = table.delete(id);
    routes.remove(id);
    if (decision instanceof LinkDecision.Removed(boolean last) && last) {
      open.remove(id.linkName());
      disuse(id.linkName());
      release(id.linkName());
    }
    return decision;
  }

  private void release(String linkName) {
    try {
      caches.release(linkName);
    } catch (Throwable failure) {
      Failures.caught("link", failure);
    }
  }

  private void use(String linkName, List<String> ofCache) {
    subjects.put(linkName, ofCache);
    ofCache.forEach(subject -> subjectUses.merge(subject, 1, Integer::sum));
  }

  private void disuse(String linkName) {
    List<String> ofCache = subjects.remove(linkName);
    if (ofCache == null) return;
    ofCache.forEach(
        subject -> subjectUses.computeIfPresent(subject, (s, uses) -> uses > 1 ? uses - 1 : null));
  }

  /** Whether this is the subject for changes or for replay of an open cache, or one by default. */
  public boolean isReplicationSubject(String subject) {
    return subjectUses.containsKey(subject);
  }

  /** Where a peer's calls go; null when it is not linked. */
  public @Nullable Route route(LinkId id) {
    return routes.get(id);
  }

  /** The links of one role, and where they go. */
  public Map<LinkId, Route> routes(LinkId.Role role) {
    return routes.entrySet().stream()
        .filter(entry -> entry.getKey().role() == role)
        .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  /** How we are: all open caches, and the problems beside them. Never throws. */
  public Health health() {
    try {
      return Health.of(statuses(), problems);
    } catch (Throwable failure) {
      Failures.caught("health", failure);
      return new Health(
          false, "health is unknown: " + failure.getClass().getSimpleName() + " in the log");
    }
  }

  /** Problems beside those of the caches; doors add theirs. */
  public HealthProblems problems() {
    return problems;
  }

  /** The status of every open cache, by link name. */
  public SortedMap<String, ReplicaStatus> statuses() {
    return caches.statuses();
  }
}
