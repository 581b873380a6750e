package org.natskvcache.nats;

import io.nats.client.MessageHandler;

/**
 * Message handlers whose bugs are not swallowed: the NATS client drops whatever a handler throws,
 * and a daemon that answers nothing any more looks alive for ever.
 */
final class Guarded {
  private Guarded() {}

  /**
   * The same handler; what it throws goes to the thread's uncaught-exception handler, which ends
   * the process.
   */
  static MessageHandler handler(MessageHandler handler) {
    return message -> {
      try {
        handler.onMessage(message);
      } catch (RuntimeException | Error bug) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
      }
    };
  }
}
