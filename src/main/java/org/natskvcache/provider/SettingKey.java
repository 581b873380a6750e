package org.natskvcache.provider;

import java.util.Locale;
import java.util.Optional;

/**
 * The keys we know, in a link's values, provider configuration, environment and flags alike. Keys
 * are looked up in any case; others are ignored.
 */
public enum SettingKey {
  /**
   * Where the cache replicates: {@code host:port}, {@code nats://}, {@code tls://}, {@code ws://}
   * or {@code wss://}, comma-separated. None: standalone.
   */
  NATS_URL(Scope.CACHE),
  /** NATS user JWT. */
  CLIENT_JWT(Scope.CACHE),
  /** NATS user seed, {@code SU...}. */
  CLIENT_SEED(Scope.CACHE),
  /** Content of a {@code .creds} file: JWT and seed of a NATS user. */
  NATS_CREDS(Scope.CACHE),
  /** Name of a {@code .creds} file, which is read at every new connection. */
  NATS_CREDS_FILE(Scope.CACHE),
  /** Subject of mutations. */
  STATE_REPL_SUBJECT(Scope.CACHE),
  /** Subject of replay requests. */
  REPLAY_REQ_SUBJECT(Scope.CACHE),
  /** Seconds between heartbeats, 1 to 86400; 60. */
  REPLAY_HEARTBEAT_SECS(Scope.CACHE),
  /** PEM file of the authorities that may sign the server's certificate. */
  NATS_CA_FILE(Scope.CACHE),
  /** PEM file of our certificate. */
  NATS_CERT_FILE(Scope.CACHE),
  /** PEM file of our certificate's private key. */
  NATS_KEY_FILE(Scope.CACHE),
  /** {@code true}: connect to the given servers only, not to others that they tell of; false. */
  NATS_IGNORE_DISCOVERED(Scope.CACHE),
  /**
   * Signs what instances say to each other: a key, or {@code none} and a key, at most two entries.
   */
  REPLICATION_KEY(Scope.CACHE),
  /**
   * Signs the questions of {@code doctor}; the inspection key that belongs to a replication key.
   */
  INSPECTION_KEY(Scope.DOCTOR),
  /** Largest key plus value in bytes, where less than the server allows. */
  VALUE_BYTES_MAX(Scope.CACHE),
  /** Milliseconds of clock difference to a peer beyond which a warning is logged; 1000. */
  CLOCK_SKEW_WARN_MILLIS(Scope.CACHE),
  /**
   * Milliseconds of clock difference to most peers beyond which a cache does not go live; 60000.
   */
  CLOCK_SKEW_MAX_MILLIS(Scope.CACHE),
  /** Memory the content may take: bytes, or with k, m, g; 0 for no limit; else by the heap. */
  MAX_MEMORY(Scope.CACHE),
  /** Most keys; 0, the default, for no limit. */
  MAX_ENTRIES(Scope.CACHE),
  /** What makes room in a full cache: {@code none} or {@code lru}. */
  EVICTION(Scope.CACHE),
  /** What mutations answer: {@code actual} or {@code default}. */
  MUTATION_REPLIES(Scope.LINK),
  /** Of which keys a component that we call wants to hear: {@code SET@key,DEL@key} or JSON. */
  WATCH(Scope.LINK),
  /** How many caches without a link are kept, 0 to 10000; 16. */
  RELEASED_CACHES_MAX(Scope.PROCESS),
  /** Seconds that a cache without a link is kept, 0 to 604800; 3600. */
  RELEASED_CACHE_SECS(Scope.PROCESS);

  /** Whose a setting is. */
  public enum Scope {
    /** The cache's: taken from the first accepted link of a link name. */
    CACHE,
    /** The link's own. */
    LINK,
    /** That of who only looks at a cache; ignored by whoever has one. */
    DOCTOR,
    /** The process's: from the provider's configuration or the environment, ignored in links. */
    PROCESS
  }

  private final Scope scope;

  SettingKey(Scope scope) {
    this.scope = scope;
  }

  public Scope scope() {
    return scope;
  }

  /** Whether it is to be kept from logs and command lines. */
  public boolean isSecret() {
    return switch (this) {
      case CLIENT_SEED, CLIENT_JWT, NATS_CREDS, REPLICATION_KEY, INSPECTION_KEY -> true;
      default -> false;
    };
  }

  /** Whether it decides how to reach a server. */
  boolean isOfConnection() {
    return name().startsWith("NATS_") || name().startsWith("CLIENT_");
  }

  /** The key with this name, in any case. */
  public static Optional<SettingKey> parse(String name) {
    String upper = name.strip().toUpperCase(Locale.ROOT);
    for (SettingKey key : values()) {
      if (key.name().equals(upper)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }
}
