package org.natskvcache.provider;

import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;

/**
 * Carries the link table's decisions out on the caches, and tells the doors where a caller's
 * requests go. May be used by several threads: links change under one lock, {@link #route} takes
 * none.
 */
public final class LinkedCaches {
  /**
   * Where a linked peer's calls go.
   *
   * @param replica the cache of the link's name
   * @param keys the link's own
   */
  public record Route(Replica replica, LinkKeys keys) {}

  private final LinkTable table;
  private final Caches caches;
  private final Map<String, Replica> open = new ConcurrentHashMap<>();
  private final Map<LinkId, Route> routes = new ConcurrentHashMap<>();
  private final HealthProblems problems = new HealthProblems();

  /** Begins without links; the table is this object's own from now on. */
  public LinkedCaches(LinkTable table, Caches caches) {
    this.table = table;
    this.caches = caches;
  }

  /** Changes what counts where a link sets nothing, for links put from now on. */
  public synchronized void defaults(LinkValues changed) {
    table.defaults(changed);
  }

  /** Takes a link, and opens its cache if it is the first of its name. */
  public synchronized LinkDecision put(LinkId id, LinkValues own) {
    LinkDecision decision = table.put(id, own);
    switch (decision) {
      case LinkDecision.Opened(CacheSettings settings, LinkKeys keys) -> {
        open.put(id.linkName(), caches.open(id.linkName(), settings));
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

  private void route(LinkId id, LinkKeys keys) {
    Replica replica = open.get(id.linkName());
    if (replica == null) {
      throw new IllegalStateException("a link without a cache: " + id.linkName());
    }
    routes.put(id, new Route(replica, keys));
  }

  /** Takes a link away, and releases its cache if it was the last of its name. */
  public synchronized LinkDecision delete(LinkId id) {
    LinkDecision decision = table.delete(id);
    routes.remove(id);
    if (decision instanceof LinkDecision.Removed(boolean last) && last) {
      open.remove(id.linkName());
      caches.release(id.linkName());
    }
    return decision;
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

  /** How we are: all open caches, and the problems beside them. */
  public Health health() {
    return Health.of(statuses(), problems);
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
