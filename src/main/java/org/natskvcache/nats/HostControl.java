package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.MessageHandler;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkKeys;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.Texts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a door does for its host whatever the host's generation: listens on control subjects,
 * carries links out and says what came of them, and stops when asked. One dispatcher, so that
 * control messages are handled in their order and a shutdown does not wait behind calls.
 */
final class HostControl implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HostControl.class);

  /**
   * Hosts kill us 300 ms after they asked us to stop; this much of it goes to the last flush, when
   * calls in flight and the good-bye to peers had theirs.
   */
  private static final Duration LAST_FLUSH = Duration.ofMillis(80);

  private static final Duration FIRST_FLUSH = Duration.ofSeconds(2);

  /** Kinds of malformed messages that are worth a line each. */
  private static final int LOGGED_MAX = 16;

  private final Connection connection;
  private final LinkedCaches links;
  private final Lifecycle lifecycle;
  private final Runnable cleanUp;
  private final ReplyPublisher replies;
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();

  /** Logged already. Of the dispatcher's thread. */
  private final Set<String> malformed = new HashSet<>();

  private @Nullable Dispatcher dispatcher;

  /**
   * @param lifecycle of the process; moved when a host asks us to stop
   * @param cleanUp what must be done before a host hears that we stop; at most 100 ms
   */
  HostControl(
      Connection connection,
      LinkedCaches links,
      Lifecycle lifecycle,
      Runnable cleanUp,
      ReplyPublisher replies) {
    this.connection = connection;
    this.links = links;
    this.lifecycle = lifecycle;
    this.cleanUp = cleanUp;
    this.replies = replies;
  }

  synchronized void subscribe(String subject, MessageHandler handler) {
    if (dispatcher == null) dispatcher = connection.createDispatcher();
    dispatcher.subscribe(subject, Guarded.handler(handler));
  }

  /** Waits until the server knows our subscriptions. */
  void flushSubscriptions() {
    flush(FIRST_FLUSH);
  }

  /** Completes when {@link #stop} is through. */
  CompletableFuture<Void> stopped() {
    return stopped;
  }

  /** A message of a host that could not be read: counted, and logged once for each kind. */
  void malformed(Counter counter, String subject, int bytes, @Nullable String cause) {
    counter.increment();
    if (malformed.size() < LOGGED_MAX && malformed.add(subject + " " + cause)) {
      LOG.warn(
          "event=malformed_message subject={} bytes={} cause=\"{}\"; more of these are only counted",
          subject,
          bytes,
          cause);
    }
  }

  /** Takes a link and says what came of it. */
  LinkDecision put(LinkId id, LinkValues own) {
    LinkDecision decision = links.put(id, own);
    String peer = Texts.shortened(id.peer());
    switch (decision) {
      case LinkDecision.Opened(var settings, var keys) ->
          LOG.info(
              "event=link_opened link={} peer={} role={} settings=\"{}\" {}",
              id.linkName(),
              peer,
              id.role(),
              settings,
              told(id, keys));
      case LinkDecision.Joined(var keys, var ignored) -> {
        LOG.info(
            "event=link_joined link={} peer={} role={} {}",
            id.linkName(),
            peer,
            id.role(),
            told(id, keys));
        warnOfIgnored(id, ignored);
      }
      case LinkDecision.LinkKeysChanged(var keys, var ignored) -> {
        LOG.info(
            "event=link_changed link={} peer={} role={} {}",
            id.linkName(),
            peer,
            id.role(),
            told(id, keys));
        warnOfIgnored(id, ignored);
      }
      case LinkDecision.Refused(String reason) -> logRefused(id, reason);
      case LinkDecision.Duplicate() ->
          LOG.debug("event=link_repeated link={} peer={} role={}", id.linkName(), peer, id.role());
      case LinkDecision.Removed(_), LinkDecision.Unknown() ->
          throw new IllegalStateException("a put removes nothing");
    }
    return decision;
  }

  /** Of a link's own keys those that matter to its role. */
  private static String told(LinkId id, LinkKeys keys) {
    return id.role() == LinkId.Role.CALLER
        ? "mutation_replies=" + keys.mutationReplies()
        : "watch=\"" + keys.watch() + '"';
  }

  /** A link that is not taken; a former one of the same id stays. */
  void refused(LinkId id, String reason) {
    links.refused(id, reason);
    logRefused(id, reason);
  }

  private static void logRefused(LinkId id, String reason) {
    Counter.REFUSED_LINKS.increment();
    LOG.warn(
        "event=link_refused link={} peer={} role={} reason=\"{}\"",
        id.linkName(),
        Texts.shortened(id.peer()),
        id.role(),
        reason);
  }

  private static void warnOfIgnored(LinkId id, Collection<?> ignored) {
    if (!ignored.isEmpty()) {
      LOG.warn(
          "event=link_keys_ignored link={} peer={} keys={} reason=\"the first link of this name decides them\"",
          id.linkName(),
          Texts.shortened(id.peer()),
          ignored);
    }
  }

  /** Takes a link away and says so. */
  LinkDecision delete(LinkId id) {
    LinkDecision decision = links.delete(id);
    LOG.info(
        "event=link_deleted link={} peer={} role={} decision={}",
        id.linkName(),
        Texts.shortened(id.peer()),
        id.role(),
        decision);
    return decision;
  }

  /**
   * Stops the process's work because a host asked for it: no more calls, good-bye to peers, then
   * the answer. Does nothing when a stop is under way already, and for a request that nobody waits
   * for.
   *
   * @param stopCalls takes no more calls and waits a moment for those in flight
   */
  void stop(Runnable stopCalls, @Nullable String replyTo, String reply) {
    if (replyTo == null || !replies.allows(replyTo)) {
      return;
    }
    if (!lifecycle.enter(Lifecycle.Phase.STOPPING)) {
      return;
    }
    LOG.info("event=stopping cause=host");
    // the host will kill us either way; it should hear that we are done
    var _ = Guarded.run("stop", stopCalls);
    var _ = Guarded.run("stop", cleanUp);
    replies.publish(replyTo, reply.getBytes(StandardCharsets.US_ASCII));
    flush(LAST_FLUSH);
    lifecycle.enter(Lifecycle.Phase.STOPPED);
    stopped.complete(null);
  }

  private void flush(Duration timeout) {
    try {
      connection.flush(timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | IllegalStateException e) {
      // not connected at the moment: the client sends subscriptions again when it is
      LOG.warn("event=flush_failed cause={}", e.getClass().getSimpleName());
    }
  }

  @Override
  public synchronized void close() {
    Dispatcher closing = dispatcher;
    dispatcher = null;
    if (closing != null && closing.isActive()) {
      connection.closeDispatcher(closing);
    }
  }
}
