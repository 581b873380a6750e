package org.natskvcache.provider;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who may use which cache. The first accepted link of a link name decides the cache's settings,
 * until the last link of that name is gone; every link keeps its own link keys. A refused link is
 * never the first. For one thread at a time.
 *
 * <p>Hosts repeat links freely: each host of a lattice publishes every link it knows when it
 * starts. So a repeated put is no event, and never tears anything down.
 */
public final class LinkTable {
  /** Most links in all; a further one is refused. */
  public static final int LINKS_MAX = 10_000;

  private record Link(LinkValues own, LinkKeys keys) {}

  /** An open cache and how many links it has. */
  private static final class Cache {
    private final CacheSettings settings;
    private int links;

    Cache(CacheSettings settings) {
      this.settings = settings;
    }
  }

  private LinkValues defaults;
  private final Map<LinkId, Link> links = new HashMap<>();
  private final Map<String, Cache> caches = new TreeMap<>();

  /**
   * An empty table.
   *
   * @param defaults what counts where a link sets nothing, see {@link SettingOrder}
   */
  public LinkTable(LinkValues defaults) {
    this.defaults = defaults;
  }

  /**
   * Changes what counts where a link sets nothing, for links put from now on; open caches stay as
   * they are.
   */
  public void defaults(LinkValues changed) {
    defaults = changed;
  }

  /** What counts where a link sets nothing. */
  public LinkValues defaults() {
    return defaults;
  }

  /**
   * Takes a link.
   *
   * @param id with a peer that is not empty
   * @param own the link's own values
   */
  public LinkDecision put(LinkId id, LinkValues own) {
    Link former = links.get(id);
    if (former != null && former.own().equals(own)) {
      return new LinkDecision.Duplicate();
    }
    return switch (LinkSettings.parse(LinkValues.layered(List.of(own, defaults)), id.linkName())) {
      case LinkSettings.Parsed.Invalid(InvalidSetting problem) ->
          new LinkDecision.Refused(problem.toString());
      case LinkSettings.Parsed.Valid(LinkSettings settings) -> accept(id, own, settings, former);
    };
  }

  private LinkDecision accept(
      LinkId id, LinkValues own, LinkSettings settings, @Nullable Link former) {
    Cache cache = caches.get(id.linkName());
    String obstacle = former != null ? "" : obstacle(id, settings.cache(), cache == null);
    if (!obstacle.isEmpty()) {
      return new LinkDecision.Refused(obstacle);
    }
    LinkKeys keys = settings.keys();
    links.put(id, new Link(own, keys));
    if (cache == null) {
      cache = new Cache(settings.cache());
      caches.put(id.linkName(), cache);
      cache.links++;
      return new LinkDecision.Opened(settings.cache(), keys);
    }
    List<SettingKey> ignored = ignored(own, settings.cache(), cache.settings);
    if (former != null) {
      return new LinkDecision.LinkKeysChanged(keys, ignored);
    }
    cache.links++;
    return new LinkDecision.Joined(keys, ignored);
  }

  /** What keeps a new link with valid values out; empty when nothing does. */
  private String obstacle(LinkId id, CacheSettings settings, boolean opens) {
    if (id.peer().isEmpty()) {
      return "it names no peer";
    }
    if (links.size() >= LINKS_MAX) {
      return "there are " + LINKS_MAX + " links already";
    }
    if (opens
        && caches.values().stream().anyMatch(other -> other.settings.collidesWith(settings))) {
      return "STATE_REPL_SUBJECT and REPLAY_REQ_SUBJECT overlap those of another link name on the same server";
    }
    return "";
  }

  private static List<SettingKey> ignored(
      LinkValues own, CacheSettings wanted, CacheSettings running) {
    var ignored = new ArrayList<SettingKey>();
    for (SettingKey key : SettingKey.values()) {
      boolean set = key.scope() == SettingKey.Scope.CACHE && own.value(key).isPresent();
      if (set && !wanted.agreesOn(key, running)) {
        ignored.add(key);
      }
    }
    return List.copyOf(ignored);
  }

  /** Takes a link away. */
  public LinkDecision delete(LinkId id) {
    if (links.remove(id) == null) {
      return new LinkDecision.Unknown();
    }
    Cache cache = caches.get(id.linkName());
    if (cache == null) {
      throw new IllegalStateException("a link without a cache: " + id.linkName());
    }
    cache.links--;
    if (cache.links == 0) {
      caches.remove(id.linkName());
    }
    return new LinkDecision.Removed(cache.links == 0);
  }

  /** What a link sets for itself; empty when there is no such link. */
  public Optional<LinkKeys> keys(LinkId id) {
    return Optional.ofNullable(links.get(id)).map(Link::keys);
  }

  /** Number of links. */
  public int size() {
    return links.size();
  }
}
