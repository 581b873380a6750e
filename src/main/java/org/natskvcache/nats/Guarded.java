package org.natskvcache.nats;

import io.nats.client.MessageHandler;
import org.natskvcache.metrics.Failures;

/** Work whose failure costs that work and nothing else, reported to {@link Failures}. */
final class Guarded {
  private Guarded() {}

  /** The handler without failures: what it throws ends the handling of that message. */
  static MessageHandler handler(MessageHandler handler) {
    return message -> {
      try {
        handler.onMessage(message);
      } catch (InterruptedException e) {
        throw e; // the dispatcher is being closed
      } catch (Throwable failure) {
        Failures.caught("message", failure);
      }
    };
  }

  /**
   * Does the work; whether it came to its end.
   *
   * @param where names the border in the log, one of a small set
   */
  static boolean run(String where, Runnable work) {
    try {
      work.run();
      return true;
    } catch (Throwable failure) {
      Failures.caught(where, failure);
      return false;
    }
  }
}
