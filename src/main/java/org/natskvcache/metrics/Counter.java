package org.natskvcache.metrics;

import java.util.concurrent.atomic.LongAdder;

/** What the daemon counts, process-wide, since its start. Each one says what a rise means. */
public enum Counter {
  FOREIGN_FRAMES(
      "frame",
      "Messages on a replication subject that are no frames of ours: look for foreign publishers"),
  DAMAGED_FRAMES(
      "frame",
      "Frames on a replication subject that are damaged or made wrongly: a faulty instance or network, or an attack"),
  UNKNOWN_VERSION_FRAMES(
      "frame",
      "Frames of a version of the protocol that this release does not read: update the older instances"),
  UNKNOWN_TYPE_FRAMES(
      "frame",
      "Frames of a type that this release does not know: some instances are of a later release; it does no harm"),
  UNKNOWN_OPERATION_FRAMES(
      "frame",
      "Changes that this release does not know: some instances are of a later release, update this one"),
  WRONG_CHANNEL_FRAMES(
      "frame",
      "Frames on a subject on which their type does not count: an attack by one who may publish there, or accounts that import subjects under wrong names"),
  UNASKED_FRAMES(
      "frame",
      "Answers that this instance has not asked for, or no longer waits for: a few come late; many mean a faulty instance or an attack"),
  OTHER_KEY_FRAMES(
      "frame",
      "Frames that are sealed with another replication key, or with none where one is demanded: instances whose REPLICATION_KEY differs, or somebody without it"),
  INSPECTION_KEY_FRAMES(
      "frame",
      "Frames of an observer whose key, or the lack of one, does not allow them: a doctor without INSPECTION_KEY, or somebody who tries to write with it"),
  TOO_MANY_NAMES_FRAMES(
      "frame",
      "Frames that name more instances than can be remembered: look for foreign publishers"),
  REFUSED_PEERS(
      "time",
      "Times an instance was not counted as a peer because as many are known as there may be, or because all claim to hold too much: look for foreign publishers"),
  REFUSED_CLAIMS(
      "frame",
      "Replication frames that are not believed because of the time they name: an instance whose clock is wrong, messages minutes late, or an attack"),
  MUTATIONS_AHEAD(
      "change",
      "Changes of peers with a clock in the future, which count but do not lift ours: an instance wrote with a wrong clock, or an attack"),
  MALFORMED_INVOCATIONS(
      "call", "Invocations that could not be decoded: a host or a scanner sends something else"),
  REFUSED_INVOCATIONS(
      "call",
      "Invocations refused by claims or link checks: a missing link, a foreign cluster key, or an attack"),
  REFUSED_REPLY_SUBJECTS(
      "message",
      "Calls, health and shutdown requests whose reply subject is one of hosts, of the NATS server, of calls, of replication or an inbox of ours: an attack, or a client with a wrong inbox prefix"),
  BAD_REQUESTS(
      "call",
      "Invocations that passed all checks, but named no operation we know or held no argument for it: an actor's mistake"),
  UNFINISHED_CALLS(
      "call",
      "Calls of components whose params ended early or did not come in time: callers that died, or a network that loses messages"),
  OVERLOADED_CALLS(
      "call",
      "Calls refused because too many, or too large ones, were half received or waited for the object store: spread the load, or look for an attack"),
  FAILED_LARGE_BODIES(
      "body",
      "Bodies over 900 KiB that could not be fetched from the lattice's object store, left there or deleted: the log names each kind of trouble once"),
  REPEATED_HANDSHAKES(
      "call",
      "Handshakes sent again because the caller did not show that it has them: hosts 1.x lose a few under bursts; many mean a caller that does not follow the protocol"),
  WATCH_EVENTS_DROPPED(
      "event",
      "Changes of watched keys that a component was not told, because it is slower than they come: its view is out of date"),
  WATCH_CALLS_FAILED(
      "call",
      "Changes of watched keys that a component does not take: it is gone, or serves no watcher"),
  FULL_REFUSALS(
      "call", "Writes refused because a cache is full: raise MAX_MEMORY or MAX_ENTRIES, or delete"),
  EVICTED_KEYS(
      "key",
      "Keys deleted to make room for writes: the cache is smaller than what its callers use"),
  LIMITS_EXCEEDED(
      "time",
      "Times peers began to write beyond a cache's limits: several wrote at once, or while apart"),
  UNANSWERED_REQUESTS(
      "request",
      "Requests of peers for offers, replays or vectors that were not answered because too many came: many instances started at once, or an attack on the replication subjects"),
  FAILURES(
      "failure",
      "Exceptions and errors that ended one call, one link or one message: a bug of ours, or too little memory; the log has the first of each kind"),
  MALFORMED_LINKS("link", "Link definitions and configurations that could not be decoded"),
  REFUSED_LINKS(
      "link",
      "Links refused for an invalid value or shared subjects: the operator must change them"),
  REPLICAS_STARTED_OVER(
      "cache",
      "Caches that took their peers' data in place of their own, because they were apart until the peers had forgotten instances of which they hold something else: what only they had is lost"),
  DIVERGENCES(
      "divergence",
      "Times that a peer with the same history held other data: a bug or a memory fault; nats-kvcache doctor names the keys"),
  UNREADABLE_MESSAGES(
      "message",
      "Messages with headers or subjects that the NATS client cannot read: some had their headers changed to ASCII, the others were dropped; look for foreign publishers"),
  SLOW_CONSUMER_DROPS(
      "message",
      "Messages the NATS client dropped because we were too slow; replay repairs replication, callers time out"),
  LARGE_MUTATIONS(
      "frame",
      "Changes larger than a message of the server, which peers fetch in pieces: raise max_payload, or write smaller values"),
  UNSENT_MESSAGES(
      "message",
      "Frames or replies that could not be handed to the NATS client: the server is away or far behind, or refuses their subject");

  private final String unit;
  private final String meaning;

  @SuppressWarnings("ImmutableEnumChecker") // counting is what it is for
  private final LongAdder count = new LongAdder();

  Counter(String unit, String meaning) {
    this.unit = unit;
    this.meaning = meaning;
  }

  /** What is counted, one word in the singular. */
  public String unit() {
    return unit;
  }

  /** What is counted, and what a rise means; a sentence for operators. */
  public String meaning() {
    return meaning;
  }

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
