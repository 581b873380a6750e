package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Consumer;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;
import org.natskvcache.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to what the NATS client says of one connector's connections, and tells the operator no
 * more of it than is news. The client calls on a thread of its own, the connector on its own.
 */
final class ConnectorEvents implements ConnectionListener, ErrorListener {
  private static final Logger LOG = LoggerFactory.getLogger(NatsConnector.class);

  /** Different complaints of a server that are logged; later ones only count. */
  private static final int COMPLAINTS_MAX = 16;

  // The client's words for a server and a client that do not agree on TLS (jnats 2.26.2).
  private static final String TLS_DEMANDED = "SSL required by server";
  private static final String TLS_MISSING = "SSL connection wanted by client";

  /** The server's word when a subject is not for us. */
  private static final String NOT_ALLOWED = "Permissions Violation";

  private final String name;
  private final @Nullable DirectLine line;
  private final BiConsumer<Connection, Events> forward;
  private final BiConsumer<Connection, String> notAllowed;
  private final java.util.function.Consumer<Consumer> slow;

  private final ReentrantLock lock = new ReentrantLock();
  private final Set<String> complaints = new HashSet<>();
  private @Nullable String problem;
  private @Nullable String lossReason;
  private boolean refusal; // an exception that follows a refusal says less than the refusal did
  private boolean outage;
  private boolean refusalLogged;
  private boolean attached;
  private boolean everUp;
  private @Nullable Connection toldOf;

  /**
   * @param line of all its connections; null for none
   * @param notAllowed is told the first subject that the server refuses on a connection, and again
   *     after that was lost
   */
  ConnectorEvents(
      String name,
      @Nullable DirectLine line,
      BiConsumer<Connection, Events> forward,
      BiConsumer<Connection, String> notAllowed,
      java.util.function.Consumer<Consumer> slow) {
    this.name = name;
    this.line = line;
    this.forward = forward;
    this.notAllowed = notAllowed;
    this.slow = slow;
  }

  /** What a connection's socket answers by itself; null when a connector did not make it so. */
  static @Nullable DirectLine lineOf(Connection connection) {
    return connection.getOptions().getErrorListener() instanceof ConnectorEvents events
        ? events.line
        : null;
  }

  /** A new attempt begins: what was said of the last one is forgotten. */
  void connecting() {
    locked(() -> {
      attached = false;
      problem = null;
      refusal = false;
    });
  }

  void attached() {
    locked(() -> attached = true);
  }

  void problem(Exception e) {
    locked(() -> {
      if (problem == null) {
        problem = describe(e);
      }
    });
  }

  boolean tlsDemanded() {
    return said(TLS_DEMANDED);
  }

  boolean tlsMissing() {
    return said(TLS_MISSING);
  }

  /** Logs the beginning of an outage, once, and once more if then the server refuses us. */
  void outage(String what, String servers) {
    locked(() -> {
      complaints.clear();
      if (!outage || refusal && !refusalLogged) {
        outage = true;
        refusalLogged = refusal;
        String reason = attached && !refusal ? lossReason : problem;
        LOG.warn(
            "{} connection=\"{}\" servers={} reason=\"{}\"",
            what,
            name,
            servers,
            reason == null ? "closed by the server" : reason);
      }
    });
  }

  /**
   * Forgets what went before, and logs that we are connected, at first and after each outage: a
   * connection that we made anew ourselves is no news.
   */
  void up(Connection connection) {
    locked(() -> {
      boolean news = outage || !everUp;
      everUp = true;
      outage = false;
      refusalLogged = false;
      problem = null;
      refusal = false;
      if (!news) return;
      String url = connection.getConnectedUrl();
      LOG.info(
          "connected to NATS connection=\"{}\" server={} version={}",
          name,
          url == null ? "gone" : ConnectionSettings.redacted(url),
          connection.getServerInfo().getVersion());
    });
  }

  @Override
  @SuppressWarnings("deprecation") // the one method of that interface that has no default
  public void connectionEvent(Connection connection, Events type) {
    if (type == Events.DISCONNECTED) {
      // The reason of the loss, before the first failed reconnect replaces it.
      locked(() -> {
        lossReason = problem;
        if (connection.equals(toldOf)) toldOf = null;
      });
    }
    forward.accept(connection, type);
  }

  @Override
  public void errorOccurred(Connection connection, String error) {
    locked(() -> {
      problem = error;
      refusal = true;
      boolean news = complaints.size() < COMPLAINTS_MAX && complaints.add(error);
      // While there is no connection the reason is told with the outage.
      if (news && attached && connection.getStatus() == Connection.Status.CONNECTED) {
        LOG.warn("NATS complains connection=\"{}\" error=\"{}\"", name, error);
      }
      // a refused publisher hears of it with each message
      if (error.contains(NOT_ALLOWED) && !connection.equals(toldOf)) {
        toldOf = connection;
        notAllowed.accept(connection, error);
      }
    });
  }

  @Override
  public void exceptionOccurred(Connection connection, Exception e) {
    locked(() -> {
      if (!refusal) {
        problem = describe(e);
      }
    });
    LOG.debug("connection=\"{}\" problem={}", name, e.getClass().getSimpleName());
  }

  @Override
  public void slowConsumerDetected(Connection connection, Consumer consumer) {
    LOG.warn("NATS messages come faster than we take them, some are lost connection=\"{}\"", name);
    slow.accept(consumer);
  }

  @Override
  public void messageDiscarded(Connection connection, Message message) {
    Counter.UNSENT_MESSAGES.increment();
  }

  private boolean said(String words) {
    lock.lock();
    try {
      return problem != null && problem.contains(words);
    } finally {
      lock.unlock();
    }
  }

  /**
   * An exception in a few words. Credentials were taken out of the addresses before the client saw
   * them, so no message can hold them.
   */
  private static String describe(Throwable thrown) {
    Throwable root = thrown.getCause();
    if (root == null) {
      return describeOne(thrown);
    }
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return describeOne(thrown) + " (" + describeOne(root) + ")";
  }

  private static String describeOne(Throwable thrown) {
    String message = thrown.getMessage();
    return thrown.getClass().getSimpleName() + (message == null ? "" : ": " + message);
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }
}
