package org.natskvcache.wrpc;

import org.jspecify.annotations.Nullable;

/** Hears of what went wrong; for counters and logs. Called on any thread; must not throw. */
public interface WrpcObserver {
  /** What went wrong. */
  enum Event {
    /** An invocation nobody waits for: dropped. */
    NO_REPLY_SUBJECT,
    /** Params that are no value of their types, or over a limit: the call was aborted. */
    MALFORMED,
    /** Params that ended early: the call was aborted. */
    TRUNCATED,
    /** Params, or an answer, that did not arrive whole in time: the call was given up. */
    TIMED_OUT,
    /** Too much is pending already: the call was aborted. */
    OVERLOADED,
    /** A caller that does not show that it has our handshake: it was sent again. */
    UNHEARD,
    /** A message that the NATS client did not take: the peer waits in vain. */
    UNSENT,
    /** Something threw that nobody foresaw: the call was given up. */
    FAILED
  }

  /**
   * Something went wrong.
   *
   * @param subject of the invocation
   * @param cause what was thrown, or null
   */
  void happened(Event event, String subject, @Nullable Throwable cause);

  /** Does the work; what it throws is told as {@link Event#FAILED} and goes no further. */
  default void guard(String subject, Runnable work) {
    try {
      work.run();
    } catch (Throwable failure) {
      happened(Event.FAILED, subject, failure);
    }
  }
}
