package org.natskvcache.nats;

import io.nats.client.Connection;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Publishes answers and never throws; a caller whose answer is lost times out. For any thread. */
final class ReplyPublisher {
  private static final Logger LOG = LoggerFactory.getLogger(ReplyPublisher.class);

  private final Connection connection;
  private final AtomicBoolean failing = new AtomicBoolean();

  ReplyPublisher(Connection connection) {
    this.connection = connection;
  }

  /**
   * Hands an answer to the client; the array is given away.
   *
   * @param replyTo null when the caller wants no answer
   */
  void publish(@Nullable String replyTo, byte[] payload) {
    if (replyTo == null) {
      return;
    }
    try {
      connection.publish(replyTo, payload);
      failing.set(false);
    } catch (IllegalStateException | IllegalArgumentException e) {
      // the client's queue is full, the connection closed, or the reply subject is one only a
      // server accepts
      Counter.UNSENT_MESSAGES.increment();
      if (failing.compareAndSet(false, true)) {
        LOG.warn(
            "event=answers_unsent bytes={} cause={}", payload.length, e.getClass().getSimpleName());
      }
    }
  }

  /** Largest payload the server takes, bytes. */
  long payloadBytesMax() {
    long max = connection.getMaxPayload();
    return max > 0 ? max : Long.MAX_VALUE;
  }
}
