package org.natskvcache.store;

import java.util.List;
import java.util.Locale;

/** The answer to a {@link Command}. */
public sealed interface Reply {
  /** Done, nothing to say. */
  record Done() implements Reply {}

  /** A string's bytes. */
  record Value(Bytes bytes) implements Reply {}

  /** There is no such key. */
  record Absent() implements Reply {}

  /** Yes or no. */
  record Flag(boolean yes) implements Reply {}

  /** A count, a length or a counter's value. */
  record Amount(long value) implements Reply {}

  /** Items or members, in a stable order. */
  record Values(List<Bytes> values) implements Reply {
    /**
     * How many elements are still to be brought together by who first reads this, at most; 0 when
     * they are there. They are of the moment of the command whenever that is.
     */
    public int elementsToCome() {
      return values instanceof LaterList later ? later.elementsMax() : 0;
    }
  }

  /**
   * A page of keys.
   *
   * @param keys as their users wrote them, in hash order
   * @param last whether the scan ends here
   * @param next the cursor of the next page, unsigned; 0 when {@code last}
   */
  record Page(List<Bytes> keys, boolean last, long next) implements Reply {}

  /** One reply for each command of a batch. */
  record Batch(List<Reply> replies) implements Reply {}

  /**
   * The caller's mistake: nothing was changed and nothing published.
   *
   * @param detail a sentence for the caller that names the limit or the types; holds no value
   */
  record Rejected(Reason reason, String detail) implements Reply {
    /** The reason in words and the detail. */
    public String text() {
      return reason.name().toLowerCase(Locale.ROOT).replace('_', ' ') + ": " + detail;
    }
  }

  /** Why a command was rejected. */
  enum Reason {
    /** The key holds another type. */
    WRONG_TYPE,
    /** The string is not a decimal integer within 64 bits. */
    NOT_A_NUMBER,
    /** The result would leave the range the door can express. */
    OVERFLOW,
    /** Key, value or both are over a limit. */
    TOO_LARGE,
    /** The cache holds as much as it may; whatever frees memory still works. */
    FULL,
    /** The cache has left its group: what it took now would never reach a peer. */
    CLOSED,
    /** A peer writes what this release does not know: nothing here can be relied on. */
    OUTDATED,
    /** A live instance of the group is of a release that does not know what is asked for. */
    FEATURE_MISSING,
    /** An argument makes no sense, such as an empty list of sets. */
    BAD_ARGUMENT
  }
}
