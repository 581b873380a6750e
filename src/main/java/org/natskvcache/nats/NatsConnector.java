package org.natskvcache.nats;

import io.nats.client.AuthHandler;
import io.nats.client.AuthenticationException;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener.Events;
import io.nats.client.Consumer;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to NATS that is never given up before {@link #close}.
 *
 * <p>The NATS client reconnects by itself, but not at first, and it closes a connection whose
 * credentials are refused twice in a row (a server restarted with half its configuration does
 * that); then this connects anew. One daemon thread does it all and tells the {@link Listener}:
 *
 * <pre>
 *   connecting ── attached ──► up ◄── down
 *        ▲                     │ (the client reconnects)
 *        └──── down ◄── closed by the client, or by us to try a refused subject again
 * </pre>
 *
 * <p>A server that stands still is lost after 3 to 5 s; so is a connection whose reader has ended.
 * Whatever is thrown while connecting or attaching is an outage too, and tried again.
 *
 * <p>An outage is one line in the log when it begins, with the reason, and one when it ends.
 */
public final class NatsConnector implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NatsConnector.class);

  /**
   * How long the server may take to answer that it has our subscriptions, before it is asked again.
   */
  private static final Duration CONFIRM_MAX = Duration.ofSeconds(2);

  /** Permissions are changed by hand, and a server does not tell. */
  private static final Duration NOT_ALLOWED_RETRY = Duration.ofSeconds(10);

  /** A bound on what closing may take of a shutdown. */
  private static final Duration CLOSE_MAX = Duration.ofMillis(100);

  /** Hears of the connection, on the connector's thread, one call at a time; must not throw. */
  public interface Listener {
    /**
     * A new connection, the first or after the client closed one: make dispatchers and
     * subscriptions on it. They last over the client's own reconnects.
     */
    void attached(Connection connection);

    /** The server has the subscriptions; called again after each {@link #down}. */
    void up(Connection connection);

    /** The connection is lost; {@link #up} or {@link #attached} will follow. */
    void down();

    /**
     * An attempt to connect has failed; others follow.
     *
     * @param refusal the server's words when it refuses our credentials, or which of our files
     *     cannot be used; null for any other reason
     */
    default void outOfReach(@Nullable String refusal) {}

    /**
     * The server refuses something for the first time on this connection since it was made or came
     * back.
     *
     * @param reason the server's words, with the subject where it says one
     * @return whether the connection is to be made anew in a while, to see what is allowed by then
     */
    default boolean notAllowed(String reason) {
      return false;
    }

    /**
     * Whether a refusal with these words is one that the listener logs itself. On a thread of the
     * client.
     */
    default boolean logs(String reason) {
      return false;
    }

    /**
     * Asked before {@link #up}: why this server is of no use, though it takes us; null when it is.
     * Treated as what it refuses.
     */
    default @Nullable String unfit(Connection connection) {
      return null;
    }

    /** Asked when that while is over: whether it would be in vain, so that it is put off. */
    default boolean stillRefused(Connection connection) {
      return false;
    }

    /** Messages were dropped because a consumer of ours is slow. On a thread of the client. */
    default void slow(Consumer consumer) {}
  }

  private final ConnectionSettings settings;
  private final ConnectionTuning tuning;
  private final Listener listener;
  private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
  private final ConnectorEvents events;
  private final ServerWatch watch;
  private final ReaderThreads readers;
  private final Thread thread;

  private volatile @Nullable Connection current;
  private volatile boolean closed;

  // Of the connector's thread alone.
  private boolean up;
  private boolean tls;
  private boolean retry;
  private long retryNanos;
  private long pingNanos;

  /** Something the connector's thread has to act on. */
  private sealed interface Signal {
    record Event(Connection connection, Events type) implements Signal {}

    record NotAllowed(Connection connection, String reason) implements Signal {}

    record Confirm(Connection connection) implements Signal {}

    record ReaderEnded(Throwable cause) implements Signal {}

    record Stop() implements Signal {}
  }

  private NatsConnector(ConnectionSettings settings, ConnectionTuning tuning, Listener listener) {
    this.settings = settings;
    this.tuning = tuning;
    this.listener = listener;
    tls = settings.tls();
    events =
        new ConnectorEvents(
            tuning.name(),
            settings,
            tuning.direct() ? new DirectLine() : null,
            (connection, type) -> signals.add(new Signal.Event(connection, type)),
            (connection, reason) -> signals.add(new Signal.NotAllowed(connection, reason)),
            listener::logs,
            listener::slow);
    watch = new ServerWatch(tuning.name(), events);
    readers = new ReaderThreads(tuning.name(), e -> signals.add(new Signal.ReaderEnded(e)));
    thread = Thread.ofPlatform().daemon().name(tuning.name() + " connector").unstarted(this::run);
  }

  /**
   * Starts connecting in the background and returns at once.
   *
   * @throws IllegalArgumentException when the seed is none, naming the reason, never the value
   */
  public static NatsConnector open(
      ConnectionSettings settings, ConnectionTuning tuning, Listener listener) {
    String seed = settings.seed();
    if (seed != null) {
      NkeyAuth.of(seed, settings.jwt()); // complain now, not in the background for ever
    }
    var connector = new NatsConnector(settings, tuning, listener);
    connector.thread.start();
    return connector;
  }

  /** The connection there is, up or not; null before the first. */
  public @Nullable Connection connection() {
    return current;
  }

  /**
   * Waits until the server has what was published so far; false when it does not answer in time.
   */
  boolean flush(Duration max) {
    Connection connection = current;
    if (connection == null || connection.getStatus() != Connection.Status.CONNECTED) {
      return false;
    }
    return ServerWatch.flush(connection, max);
  }

  /**
   * Disconnects, after a flush of 100 ms at most, and waits 100 ms at most for the end of it; what
   * is left of it goes on in the background. The listener hears nothing any more. May be called
   * twice, on any thread.
   */
  @Override
  public void close() {
    if (!closed) {
      flush(CLOSE_MAX);
    }
    closed = true;
    signals.add(new Signal.Stop());
    if (Thread.currentThread() != thread) {
      try {
        thread.join(CLOSE_MAX);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void run() {
    try {
      while (!closed) {
        Connection connection = connect();
        if (connection == null) {
          return;
        }
        current = connection;
        if (attach(connection)) serve(connection);
        down();
        connection.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that but a dying JVM
    }
  }

  /** Whether all that is to be on the connection is on it. */
  private boolean attach(Connection connection) throws InterruptedException {
    events.attached();
    try {
      listener.attached(connection);
      return true;
    } catch (RuntimeException | Error e) {
      // the client may have closed it meanwhile, which is an outage as any other
      events.problem(e);
      events.outOfReach();
      pause(ConnectionTuning.BACKOFF_REFUSED);
      return false;
    }
  }

  /** Tries until it works; null when closed meanwhile. */
  private @Nullable Connection connect() throws InterruptedException {
    for (int attempt = 0; !closed; attempt++) {
      String refusal = null;
      boolean usable = false;
      events.connecting();
      try {
        Options options = options();
        usable = true;
        return Nats.connect(options);
      } catch (AuthenticationException e) {
        refusal = "credentials refused: " + e.getMessage();
        events.refused(e);
      } catch (IOException | GeneralSecurityException | RuntimeException | Error e) {
        if (!usable) refusal = e.getMessage(); // a file of ours
        events.problem(e); // an error of loading classes, too, may be gone the next time
      }
      if (events.tlsDemanded() && !tls) {
        tls = true; // the server insists, we do not mind
        continue;
      }
      if (events.tlsMissing() && !settings.tls()) {
        tls = false;
      }
      events.outOfReach();
      if (!closed) listener.outOfReach(refusal);
      pause(refusal == null ? backoff(attempt) : ConnectionTuning.BACKOFF_REFUSED);
    }
    return null;
  }

  /** Waits, but not for a connector that is closed. Drops what failed attempts have signalled. */
  private void pause(Duration pause) throws InterruptedException {
    long end = System.nanoTime() + pause.toNanos();
    while (!closed) {
      long left = end - System.nanoTime();
      if (left <= 0 || signals.poll(left, TimeUnit.NANOSECONDS) == null) {
        return;
      }
    }
  }

  /** Follows one connection until the client or we close it. */
  private void serve(Connection connection) throws InterruptedException {
    signals.add(new Signal.Confirm(connection));
    retry = false;
    watch.begin();
    pingNanos = System.nanoTime() + ConnectionTuning.PING_INTERVAL.toNanos();
    while (true) {
      switch (next()) {
        case null -> {
          if (isToBeMadeAnew(connection)) return;
          ping(connection);
        }
        case Signal.Stop() -> {
          return;
        }
        case Signal.Confirm(var which) when which.equals(connection) -> confirm(connection);
        case Signal.Event(var which, var type) when which.equals(connection) -> {
          switch (type) {
            case DISCONNECTED -> {
              events.lost(); // before the listener hears of it, so that the log says why
              up |= retry; // what was refused is told anew
              down();
              retry = false;
            }
            case RESUBSCRIBED -> confirm(connection);
            case CLOSED -> {
              return;
            }
            default -> LOG.debug("connection={} event={}", tuning.name(), type);
          }
        }
        case Signal.NotAllowed(var which, var reason) when which.equals(connection) -> {
          notAllowed(reason);
        }
        case Signal.ReaderEnded(var cause) ->
            watch.giveUp(
                connection, "the client stopped reading: " + cause.getClass().getSimpleName());
        case Signal.Confirm _, Signal.Event _, Signal.NotAllowed _ -> {
          // of a connection that is gone
        }
      }
    }
  }

  private void notAllowed(String reason) {
    boolean again = listener.notAllowed(reason);
    if (!again || retry) return;
    retry = true;
    retryNanos = System.nanoTime() + NOT_ALLOWED_RETRY.toNanos();
  }

  /** Null when it is time to ping or to make the connection anew. */
  private @Nullable Signal next() throws InterruptedException {
    long now = System.nanoTime();
    long wait = pingNanos - now;
    if (retry) wait = Math.min(wait, retryNanos - now);
    return signals.poll(wait, TimeUnit.NANOSECONDS);
  }

  private boolean isToBeMadeAnew(Connection connection) {
    if (!retry || System.nanoTime() - retryNanos < 0) return false;
    retryNanos = System.nanoTime() + NOT_ALLOWED_RETRY.toNanos();
    return !listener.stillRefused(connection);
  }

  private void ping(Connection connection) {
    if (System.nanoTime() - pingNanos < 0) return;
    if (up && !watch.answers(connection, ConnectionTuning.PING_MAX)) {
      watch.answers(connection, ConnectionTuning.PING_MAX);
    }
    pingNanos = System.nanoTime() + ConnectionTuning.PING_INTERVAL.toNanos();
  }

  private void confirm(Connection connection) {
    if (closed || up) {
      return;
    }
    if (watch.answers(connection, CONFIRM_MAX)) {
      up = true;
      events.up(connection);
      String unfit = listener.unfit(connection);
      if (unfit != null) notAllowed(unfit);
      listener.up(connection);
    } else if (connection.getStatus() == Connection.Status.CONNECTED) {
      signals.add(new Signal.Confirm(connection));
    }
  }

  private void down() {
    if (up) {
      up = false;
      if (!closed) {
        listener.down();
      }
    }
  }

  private Options options() throws IOException, GeneralSecurityException {
    ServerCredentials credentials = ServerCredentials.of(settings.servers());
    var builder =
        new Options.Builder()
            .servers(credentials.hosts().toArray(String[]::new))
            .connectionName(tuning.name())
            .connectionTimeout(ConnectionTuning.CONNECT_MAX)
            .pingInterval(Duration.ZERO) // we do that ourselves
            .maxPingsOut(0) // no bound
            .readerExecutor(readers)
            .serverPool(new ConfiguredFirst())
            .maxReconnects(-1)
            .reconnectBufferSize(0) // old frames after an outage help nobody: replay is for that
            .reconnectDelayHandler(round -> backoff((int) Math.min(round, 30)))
            .maxMessagesInOutgoingQueue(tuning.outgoingMessagesMax())
            .writeQueuePushTimeout(ConnectionTuning.PUSH_MAX)
            .hostnameResolveMode(Options.HostnameResolveMode.HappyEyeballs) // keeps the host's name
            .dataPortType(DirectDataPort.class.getName())
            .errorListener(events)
            .connectionListener(events);
    if (settings.ignoreDiscovered()) {
      builder.ignoreDiscoveredServers();
    }
    if (!tuning.echo()) {
      builder.noEcho();
    }
    String secret = credentials.secret();
    String user = credentials.user();
    if (secret != null && user != null) {
      builder.userInfo(user.toCharArray(), secret.toCharArray());
    } else if (secret != null) {
      builder.token(secret.toCharArray());
    }
    AuthHandler login = NkeyAuth.of(settings);
    if (login != null) {
      builder.authHandler(login);
    }
    if (tls) {
      builder.sslContext(TlsFiles.context(settings));
    }
    return builder.build();
  }

  /** Doubles from 20 ms to 500 ms, minus up to a fifth so that instances do not come in step. */
  private static Duration backoff(int attempt) {
    long max = ConnectionTuning.BACKOFF_MAX.toNanos();
    long nanos = Math.min(max, ConnectionTuning.BACKOFF_MIN.toNanos() << Math.min(attempt, 10));
    return Duration.ofNanos(nanos - ThreadLocalRandom.current().nextLong(nanos / 5));
  }
}
