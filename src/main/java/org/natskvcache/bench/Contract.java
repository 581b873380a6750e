package org.natskvcache.bench;

import org.natskvcache.cli.BenchOperation;

/** How a call looks on the wire, and what an answer means. May be used by several connections. */
interface Contract {
  /** A call that is ready to be sent, as often as one likes. */
  record Prepared(BenchOperation operation, byte[] subject, byte[] headers, byte[] body) {}

  /** How far a call has come. */
  sealed interface Progress {
    /** More is to come. */
    enum Open implements Progress {
      WAITING,
      /** The result is there, its end is not. */
      ANSWERED
    }

    /** It was answered with what it asked for. */
    enum Done implements Progress {
      DONE
    }

    /**
     * It was not.
     *
     * @param kind one of few
     * @param text what the provider says; empty where it says nothing
     */
    record Failed(String kind, String text) implements Progress {
      static final Failed NOBODY_LISTENS = new Failed("nobody-listens", "");
      static final Failed MALFORMED = new Failed("malformed-answer", "");
      static final Failed ABORTED = new Failed("aborted", "");
      static final Failed TIMED_OUT = new Failed("timed-out", "");
      static final Failed CONNECTION_LOST = new Failed("connection-lost", "");

      static Failed refused(String text) {
        return new Failed("refused", text);
      }
    }
  }

  /** A call of an operation on a key, from 0. */
  Prepared prepare(BenchOperation operation, int key);

  /** Whether to prepare a call takes longer than to send it. */
  boolean costly();

  /**
   * A message of a call came.
   *
   * @param operation of the call
   * @param before what this returned for the message before
   * @param wire takes what has to be said to that
   */
  Progress received(WireMessage message, BenchOperation operation, Progress.Open before, Wire wire);

  /** A key's name, of 16 bytes; counters are not among those that are set. */
  static String name(BenchOperation operation, int key) {
    String digits = Integer.toString(key);
    String begin = operation == BenchOperation.INCREMENT ? "bench-n-" : "bench-v-";
    return begin + "0".repeat(8 - digits.length()) + digits;
  }
}
