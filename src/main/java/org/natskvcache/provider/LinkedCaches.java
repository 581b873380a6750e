package org.natskvcache.provider;

import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.rpc.MutationReplies;

/**
 * Carries the link table's decisions out on the caches, and tells the doors where a caller's
 * requests go. May be used by several threads: links change under one lock, {@link #route} takes
 * none.
 */
public final class LinkedCaches {
  private record Id(String actor, String linkName) {}

  /**
   * Where a linked actor's calls go.
   *
   * @param replica the cache of the link's name
   * @param mutationReplies the link's own
   */
  public record Route(Replica replica, MutationReplies mutationReplies) {}

  private final LinkTable table;
  private final Caches caches;
  private final Map<String, Replica> open = new ConcurrentHashMap<>();
  private final Map<Id, Route> routes = new ConcurrentHashMap<>();

  /** Begins without links; the table is this object's own from now on. */
  public LinkedCaches(LinkTable table, Caches caches) {
    this.table = table;
    this.caches = caches;
  }

  /** Takes a link, and opens its cache if it is the first of its name. */
  public synchronized LinkDecision put(String actor, String linkName, LinkValues own) {
    LinkDecision decision = table.put(actor, linkName, own);
    switch (decision) {
      case LinkDecision.Opened(CacheSettings settings, MutationReplies replies) -> {
        open.put(linkName, caches.open(linkName, settings));
        route(actor, linkName, replies);
      }
      case LinkDecision.Joined joined -> route(actor, linkName, joined.mutationReplies());
      case LinkDecision.LinkKeysChanged changed ->
          route(actor, linkName, changed.mutationReplies());
      case LinkDecision.Duplicate(),
          LinkDecision.Refused(_),
          LinkDecision.Removed(_),
          LinkDecision.Unknown() -> {}
    }
    return decision;
  }

  private void route(String actor, String linkName, MutationReplies replies) {
    Replica replica = open.get(linkName);
    if (replica == null) {
      throw new IllegalStateException("a link without a cache: " + linkName);
    }
    routes.put(new Id(actor, linkName), new Route(replica, replies));
  }

  /** Takes a link away, and releases its cache if it was the last of its name. */
  public synchronized LinkDecision delete(String actor, String linkName) {
    LinkDecision decision = table.delete(actor, linkName);
    routes.remove(new Id(actor, linkName));
    if (decision instanceof LinkDecision.Removed(boolean last) && last) {
      open.remove(linkName);
      caches.release(linkName);
    }
    return decision;
  }

  /** Where this actor's calls go; null when it is not linked. */
  public @Nullable Route route(String actor, String linkName) {
    return routes.get(new Id(actor, linkName));
  }

  /** The status of every open cache, by link name. */
  public SortedMap<String, ReplicaStatus> statuses() {
    return caches.statuses();
  }
}
