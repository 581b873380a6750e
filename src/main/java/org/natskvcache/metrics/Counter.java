package org.natskvcache.metrics;

import java.util.concurrent.atomic.LongAdder;

/** What the daemon counts, process-wide, since its start. Each one says what a rise means. */
public enum Counter {
  /**
   * Frames on a replication subject that are not ours, damaged, or of an unknown version: look for
   * foreign publishers.
   */
  MALFORMED_FRAMES,
  /** Invocations that could not be decoded: a host or a scanner sends something else. */
  MALFORMED_INVOCATIONS,
  /**
   * Invocations refused by claims or link checks: a missing link, a foreign cluster key, or an
   * attack.
   */
  REFUSED_INVOCATIONS,
  /**
   * Invocations that passed all checks, but named no operation we know or held no argument for it:
   * an actor's mistake.
   */
  BAD_REQUESTS,
  /**
   * Calls of components whose params ended early or did not come in time: callers that died, or a
   * network that loses messages.
   */
  UNFINISHED_CALLS,
  /**
   * Calls of components refused because too many, or too large ones, were half received: spread the
   * load, or look for an attack.
   */
  OVERLOADED_CALLS,
  /**
   * Changes of watched keys that a component was not told, because it is slower than they come: its
   * view is out of date.
   */
  WATCH_EVENTS_DROPPED,
  /** Changes of watched keys that a component does not take: it is gone, or serves no watcher. */
  WATCH_CALLS_FAILED,
  /** Writes refused because a cache is full: raise MAX_MEMORY or MAX_ENTRIES, or delete. */
  FULL_REFUSALS,
  /** Keys deleted to make room for writes: the cache is smaller than what its callers use. */
  EVICTED_KEYS,
  /** Times peers began to write beyond a cache's limits: several wrote at once, or while apart. */
  LIMITS_EXCEEDED,
  /** Link definitions and configurations that could not be decoded. */
  MALFORMED_LINKS,
  /** Links refused for an invalid value or shared subjects: the operator must change them. */
  REFUSED_LINKS,
  /**
   * Messages the NATS client dropped because we were too slow; replay repairs replication, callers
   * time out.
   */
  SLOW_CONSUMER_DROPS,
  /**
   * Frames or replies that could not be handed to the NATS client: the server is away or far
   * behind.
   */
  UNSENT_MESSAGES;

  @SuppressWarnings("ImmutableEnumChecker") // counting is what it is for
  private final LongAdder count = new LongAdder();

  public void increment() {
    count.increment();
  }

  public void add(long more) {
    count.add(more);
  }

  public long value() {
    return count.sum();
  }
}
