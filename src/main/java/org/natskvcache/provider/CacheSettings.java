package org.natskvcache.provider;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.store.Capacity;

/**
 * What the first accepted link of a link name decides about its cache. Prints without credentials.
 *
 * @param servers where to replicate; none: standalone
 * @param jwt NATS user JWT; empty for none
 * @param seed NATS user seed, {@code SU...}; empty for none; alone it is plain nkey authentication
 * @param credsFile a {@code .creds} file in place of both; empty for none
 * @param stateSubject {@code E}: mutations, and heartbeats below it
 * @param replaySubject {@code R}: replay requests and answers
 * @param heartbeatSeconds 1 to 86400
 * @param caFile PEM; empty for the system's trust
 * @param certFile PEM; empty for none
 * @param keyFile PEM; empty for none
 * @param entryBytesMax upper bound for key plus value, bytes; {@link Integer#MAX_VALUE} when only
 *     the server's limit counts
 * @param memoryBytesMax upper bound for what the content takes, bytes; {@link #BY_HEAP} for a part
 *     of the heap, {@link Capacity#NONE} for no limit
 * @param entriesMax most keys; {@link Capacity#NONE} for no limit
 * @param eviction what makes room when either is reached
 * @param clocks how far the clocks of instances may be apart
 * @param ignoreDiscovered whether servers that a server tells of are left alone
 * @param frameKeys what signs the frames of the cache, and what is accepted
 */
public record CacheSettings(
    List<ServerUrl> servers,
    String jwt,
    String seed,
    String credsFile,
    String stateSubject,
    String replaySubject,
    int heartbeatSeconds,
    String caFile,
    String certFile,
    String keyFile,
    int entryBytesMax,
    long memoryBytesMax,
    long entriesMax,
    Capacity.Eviction eviction,
    ClockLimits clocks,
    boolean ignoreDiscovered,
    FrameKeys frameKeys) {
  public static final String DEFAULT_STATE_SUBJECT = "lattice.state.events";
  public static final String DEFAULT_REPLAY_SUBJECT = "lattice.state.replay";
  public static final int DEFAULT_HEARTBEAT_SECONDS = 60;

  /** A limit of memory that the size of the heap decides. */
  public static final long BY_HEAP = -1;

  public CacheSettings {
    servers = List.copyOf(servers);
  }

  /** The settings of a cache that replicates nothing. */
  public static CacheSettings standalone(String linkName) {
    return new CacheSettings(
        List.of(),
        "",
        "",
        "",
        Subjects.ofLink(DEFAULT_STATE_SUBJECT, linkName),
        Subjects.ofLink(DEFAULT_REPLAY_SUBJECT, linkName),
        DEFAULT_HEARTBEAT_SECONDS,
        "",
        "",
        "",
        Integer.MAX_VALUE,
        BY_HEAP,
        Capacity.NONE,
        Capacity.Eviction.NONE,
        ClockLimits.DEFAULTS,
        false,
        FrameKeys.NONE);
  }

  /** Whether nothing is replicated. */
  public boolean isStandalone() {
    return servers.isEmpty();
  }

  /** Whether a limit was set, or what to do at one. */
  public boolean hasLimits() {
    return memoryBytesMax != BY_HEAP
        || entriesMax != Capacity.NONE
        || eviction != Capacity.Eviction.NONE;
  }

  /** Whether two caches with these settings would hear each other's frames. */
  boolean collidesWith(CacheSettings other) {
    Set<String> shared = new HashSet<>(addresses());
    shared.retainAll(other.addresses());
    return !shared.isEmpty()
        && (Subjects.statesTouch(stateSubject, other.stateSubject)
            || Subjects.replaysTouch(replaySubject, other.replaySubject)
            || Subjects.replayTouchesState(replaySubject, other.stateSubject)
            || Subjects.replayTouchesState(other.replaySubject, stateSubject));
  }

  private List<String> addresses() {
    return servers.stream().map(ServerUrl::address).toList();
  }

  /** Whether both have the same value for a key of scope {@link SettingKey.Scope#CACHE}. */
  boolean agreesOn(SettingKey key, CacheSettings other) {
    return value(key).equals(other.value(key));
  }

  private Object value(SettingKey key) {
    return switch (key) {
      case NATS_URL -> servers;
      case CLIENT_JWT -> jwt;
      case CLIENT_SEED -> seed;
      case NATS_CREDS -> List.of(jwt, seed);
      case NATS_CREDS_FILE -> credsFile;
      case STATE_REPL_SUBJECT -> stateSubject;
      case REPLAY_REQ_SUBJECT -> replaySubject;
      case REPLAY_HEARTBEAT_SECS -> heartbeatSeconds;
      case NATS_CA_FILE -> caFile;
      case NATS_CERT_FILE -> certFile;
      case NATS_KEY_FILE -> keyFile;
      case VALUE_BYTES_MAX -> entryBytesMax;
      case CLOCK_SKEW_WARN_MILLIS -> clocks.warnMillis();
      case CLOCK_SKEW_MAX_MILLIS -> clocks.maxMillis();
      case MAX_MEMORY -> memoryBytesMax;
      case MAX_ENTRIES -> entriesMax;
      case EVICTION -> eviction;
      case NATS_IGNORE_DISCOVERED -> ignoreDiscovered;
      case REPLICATION_KEY -> frameKeys;
      case INSPECTION_KEY, MUTATION_REPLIES, WATCH, RELEASED_CACHES_MAX, RELEASED_CACHE_SECS ->
          throw new IllegalArgumentException("not a setting of a cache: " + key);
    };
  }

  @Override
  public String toString() {
    if (isStandalone()) {
      return "standalone";
    }
    String login = !jwt.isEmpty() ? "jwt" : !seed.isEmpty() ? "nkey" : "none";
    if (!credsFile.isEmpty()) login = credsFile;
    return "servers="
        + servers
        + " login="
        + login
        + " state="
        + stateSubject
        + " replay="
        + replaySubject
        + " heartbeatSeconds="
        + heartbeatSeconds
        + " ca="
        + caFile
        + " cert="
        + certFile
        + " keys="
        + frameKeys;
  }
}
