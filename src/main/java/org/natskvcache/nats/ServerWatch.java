package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.ForceReconnectOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the server of a connection is there, and what is done when it is not. Of the connector's
 * thread, but for {@link #flush}.
 */
final class ServerWatch {
  private static final Logger LOG = LoggerFactory.getLogger(NatsConnector.class);

  /** The first may be late because this process stood still; then its answer is here by now. */
  private static final int UNANSWERED_MAX = 2;

  private final String name;
  private final ConnectorEvents events;
  private int unanswered;

  ServerWatch(String name, ConnectorEvents events) {
    this.name = name;
    this.events = events;
  }

  /** A new connection. */
  void begin() {
    unanswered = 0;
  }

  /**
   * Pings. A server that leaves two pings in a row unanswered, and does not take what waits for it
   * either, is given up.
   *
   * @return whether it answered in time
   */
  boolean answers(Connection connection, Duration max) {
    if (connection.getStatus() != Connection.Status.CONNECTED) return false;
    long sent = connection.getStatistics().getOutBytes();
    if (flush(connection, max)) {
      unanswered = 0;
      return true;
    }
    boolean takes =
        connection.outgoingPendingMessageCount() > 0
            && connection.getStatistics().getOutBytes() > sent;
    unanswered = takes ? 0 : unanswered + 1;
    if (unanswered >= UNANSWERED_MAX) giveUp(connection, "the server does not answer");
    return false;
  }

  /** Makes the client connect again, on a thread of its own. */
  void giveUp(Connection connection, String reason) {
    unanswered = 0;
    if (connection.getStatus() != Connection.Status.CONNECTED) return;
    events.givenUp(reason);
    Thread.ofPlatform()
        .daemon()
        .name(name + " reconnect")
        .start(() -> {
          try {
            connection.forceReconnect(ForceReconnectOptions.FORCE_CLOSE_INSTANCE);
          } catch (IOException | RuntimeException e) {
            LOG.debug("connection={} closed while reconnecting", name);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does that
          }
        });
  }

  /** Waits until the server has what was published; false when it does not say so in time. */
  static boolean flush(Connection connection, Duration max) {
    try {
      connection.flush(max);
      return connection.getStatus() == Connection.Status.CONNECTED;
    } catch (TimeoutException | IllegalStateException e) {
      return false; // gone or busy: the caller decides
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
