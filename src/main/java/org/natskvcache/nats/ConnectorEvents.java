package org.natskvcache.nats;

import io.nats.client.AuthenticationException;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Consumer;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Options;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;
import org.natskvcache.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

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

  // The server's words, in small letters (nats-server 2.9 to 2.12).
  private static final String NOT_ALLOWED = "permissions violation";
  private static final List<String> SUBSCRIPTION_REFUSED =
      List.of("for subscription", "maximum subscriptions", "invalid subject", "number of tokens");

  private final String name;
  private final ConnectionSettings settings;
  private final @Nullable DirectLine line;
  private final BiConsumer<Connection, Events> forward;
  private final BiConsumer<Connection, String> notAllowed;
  private final Predicate<String> loggedElsewhere;
  private final java.util.function.Consumer<Consumer> slow;

  private final ReentrantLock lock = new ReentrantLock();
  private final Set<String> complaints = new HashSet<>();
  private final Set<String> told = new HashSet<>();
  private @Nullable String problem;
  private @Nullable String lossReason;
  private boolean refusal; // an exception that follows a refusal says less than the refusal did
  private boolean outage;
  private boolean refusalLogged;
  private boolean attached;
  private boolean everUp;

  /**
   * @param line of all its connections; null for none
   * @param notAllowed is told what the server refuses on a connection, once for each subject, and
   *     again after the connection was lost
   * @param loggedElsewhere complaints that are not to be logged here
   */
  ConnectorEvents(
      String name,
      ConnectionSettings settings,
      @Nullable DirectLine line,
      BiConsumer<Connection, Events> forward,
      BiConsumer<Connection, String> notAllowed,
      Predicate<String> loggedElsewhere,
      java.util.function.Consumer<Consumer> slow) {
    this.name = name;
    this.settings = settings;
    this.line = line;
    this.forward = forward;
    this.notAllowed = notAllowed;
    this.loggedElsewhere = loggedElsewhere;
    this.slow = slow;
  }

  /** What a connection's socket answers by itself; null when a connector did not make it so. */
  static @Nullable DirectLine lineOf(Connection connection) {
    return connection.getOptions().getErrorListener() instanceof ConnectorEvents events
        ? events.line
        : null;
  }

  /** TLS as the files of a connection's settings want it now: they may have been renewed. */
  static SSLContext tlsOf(Connection connection) throws IOException {
    Options options = connection.getOptions();
    try {
      return options.getErrorListener() instanceof ConnectorEvents events
          ? TlsFiles.context(events.settings)
          : options.getSslContext();
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  /** Whether the server's complaint means that there is a subject we do not hear. */
  static boolean refusesSubscription(String error) {
    String small = error.toLowerCase(Locale.ROOT);
    return SUBSCRIPTION_REFUSED.stream().anyMatch(small::contains);
  }

  /** A new attempt begins: what was said of the last one is forgotten. */
  void connecting() {
    locked(() -> {
      attached = false;
      problem = null;
      refusal = false;
      told.clear();
    });
  }

  void attached() {
    locked(() -> attached = true);
  }

  void problem(Throwable e) {
    locked(() -> {
      if (problem == null) {
        problem = describe(e);
      }
    });
  }

  /** The server does not accept our credentials. */
  void refused(AuthenticationException e) {
    problem(e);
    locked(() -> refusal = true);
  }

  /** We give a connection up that the client takes for a good one. */
  void givenUp(String reason) {
    locked(() -> {
      problem = reason;
      refusal = false;
    });
  }

  boolean tlsDemanded() {
    return said(TLS_DEMANDED);
  }

  boolean tlsMissing() {
    return said(TLS_MISSING);
  }

  /** Logs that a connection was lost. */
  void lost() {
    locked(() ->
        outage(
            Level.WARN,
            "lost NATS, trying again until it answers",
            refusal || !attached ? problem : lossReason));
  }

  /**
   * Logs that no connection can be made: once in an outage, and once more if then the server
   * refuses us.
   */
  void outOfReach() {
    locked(() -> {
      boolean news = refusal && !refusalLogged;
      refusalLogged |= refusal;
      if (news) {
        outage = false;
        outage(Level.ERROR, "NATS refuses us, trying again until it does not", problem);
      } else {
        outage(Level.WARN, "NATS is out of reach, trying again until it answers", problem);
      }
    });
  }

  private void outage(Level level, String what, @Nullable String reason) {
    complaints.clear();
    if (outage) return;
    outage = true;
    LOG.atLevel(level)
        .log(
            "{} connection=\"{}\" servers={} reason=\"{}\"",
            what,
            name,
            settings.redacted(),
            reason == null ? "closed by the server" : reason);
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
        told.clear();
      });
    }
    forward.accept(connection, type);
  }

  @Override
  public void errorOccurred(Connection connection, String error) {
    locked(() -> {
      problem = error;
      refusal = true;
      boolean news =
          !loggedElsewhere.test(error)
              && complaints.size() < COMPLAINTS_MAX
              && complaints.add(error);
      // While there is no connection the reason is told with the outage.
      if (news && attached && connection.getStatus() == Connection.Status.CONNECTED) {
        LOG.warn("NATS complains connection=\"{}\" error=\"{}\"", name, error);
      }
      // a refused publisher hears of it with each message
      boolean refuses =
          error.toLowerCase(Locale.ROOT).contains(NOT_ALLOWED) || refusesSubscription(error);
      if (refuses && told.size() < COMPLAINTS_MAX && told.add(error)) {
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
