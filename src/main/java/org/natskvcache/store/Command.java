package org.natskvcache.store;

import java.util.List;

/** What a caller asks of a cache. Every door maps its requests to these. */
public sealed interface Command {
  /**
   * Answers {@link Reply.Value} (a counter as decimal ASCII), {@link Reply.Absent}, or a rejection
   * for a list or set.
   */
  record Get(Key key) implements Command {}

  /** Answers {@link Reply.Flag}: whether the key exists, of any type. */
  record Contains(Key key) implements Command {}

  /** Removes a key of any type. Answers {@link Reply.Flag}: whether it existed. */
  record Delete(Key key) implements Command {}

  /**
   * Sets a string, replacing a key of any type. Answers {@link Reply.Done}.
   *
   * @param ttlMillis time to live from now in milliseconds, at least 0; 0 is no expiry
   */
  record Set(Key key, Bytes value, long ttlMillis) implements Command {}

  /**
   * Adds to a counter; a missing key starts at 0, a string holding a decimal integer at that
   * integer. Answers {@link Reply.Amount}: the new value.
   *
   * @param min smallest result the door can express; a result below is rejected
   * @param max largest result the door can express; a result above is rejected
   */
  record Increment(Key key, long by, long min, long max) implements Command {
    public Increment(Key key, long by) {
      this(key, by, Long.MIN_VALUE, Long.MAX_VALUE);
    }
  }

  /** Appends at the tail. Answers {@link Reply.Amount}: the new length. */
  record ListAdd(Key list, Bytes value) implements Command {}

  /** Removes the first equal item only. Answers {@link Reply.Flag}. */
  record ListRemove(Key list, Bytes value) implements Command {}

  /**
   * Items from {@code start} to {@code stop}, both inclusive, clamped; negative counts from the
   * end. Answers {@link Reply.Values}.
   */
  record ListRange(Key list, long start, long stop) implements Command {}

  /** Answers {@link Reply.Flag}: whether the list existed. */
  record ListClear(Key list) implements Command {}

  /** Answers {@link Reply.Amount}: 1 added, 0 already there. */
  record SetAdd(Key set, Bytes member) implements Command {}

  /** Answers {@link Reply.Amount}: 1 removed, 0 not there. */
  record SetRemove(Key set, Bytes member) implements Command {}

  /** Answers {@link Reply.Values}, in ascending byte order. */
  record SetMembers(Key set) implements Command {}

  /** Answers {@link Reply.Values}, in ascending byte order; at least one set. */
  record SetUnion(List<Key> sets) implements Command {}

  /** Answers {@link Reply.Values}, in ascending byte order; at least one set. */
  record SetIntersection(List<Key> sets) implements Command {}

  /** Answers {@link Reply.Flag}: whether the set existed. */
  record SetClear(Key set) implements Command {}

  /**
   * One page of the keys of a namespace that start with {@code prefix}. Answers {@link Reply.Page},
   * which may be empty and yet not the last. A key that lives through a whole scan appears in it
   * exactly once, whatever else changes meanwhile.
   *
   * @param cursor 0 to begin, then {@link Reply.Page#next()}: an unsigned position in the 64-bit
   *     hash order of the keys
   * @param limit wanted page size, at least 1; a page is longer only where keys share one hash
   */
  record Keys(Namespace namespace, Bytes prefix, long cursor, int limit) implements Command {
    /** A page of the default namespace. */
    public Keys(Bytes prefix, long cursor, int limit) {
      this(Namespace.DEFAULT, prefix, cursor, limit);
    }
  }

  /**
   * Runs the commands in order, nothing between them. Answers {@link Reply.Batch}, one reply for
   * each. When one of them writes more than the limits allow none is run, and all are answered with
   * its rejection.
   */
  record Batch(List<Command> commands) implements Command {}
}
