package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.Health;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.Texts;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.LinkDefinitionCodec;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.ShutdownRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The door for wasmCloud hosts 0.50 to 0.82: one provider instance of one lattice and one link
 * name.
 *
 * <pre>
 *   P = wasmbus.rpc.LATTICE.PROVIDER.LINK
 *   P                queue group "rpc"   invocations, spread over all instances     {@link WasmbusCalls}
 *   P.linkdefs.put   every instance      a link, never answered
 *   P.linkdefs.del   every instance      a link, never answered
 *   P.health         every instance      whatever; answered
 *   P.shutdown       every instance      a host's id; answered when it is ours
 * </pre>
 *
 * <p>Two dispatchers: calls have a thread of their own, so that a shutdown does not wait behind
 * them. Source: wasmCloud/weld, wasmbus-rpc 0.15.0, provider.rs.
 */
public final class WasmbusDoor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WasmbusDoor.class);

  /** All instances of a provider key and link name are in it, on all hosts. */
  private static final String QUEUE_GROUP = "rpc";

  /** Calls waiting to be decoded: more would be answered after their callers gave up. */
  private static final int PENDING_CALLS_MAX = 65_536;

  private static final long PENDING_BYTES_MAX = 64L << 20;

  /**
   * Hosts kill us 300 ms after they asked us to stop; this much of it goes to calls in flight, then
   * to the last flush.
   */
  private static final Duration DRAIN = Duration.ofMillis(80);

  private static final Duration LAST_FLUSH = Duration.ofMillis(80);
  private static final Duration FIRST_FLUSH = Duration.ofSeconds(2);

  /** Kinds of malformed links that are worth a line each. */
  private static final int LOGGED_MAX = 16;

  /**
   * Who we are.
   *
   * @param hostId the host that started us; empty without one
   * @param clusterIssuers keys that may sign invocations
   */
  public record Identity(
      String lattice,
      String providerKey,
      String linkName,
      String hostId,
      Set<String> clusterIssuers) {
    String subject() {
      return "wasmbus.rpc." + lattice + "." + providerKey + "." + linkName;
    }
  }

  private final Connection connection;
  private final Identity identity;
  private final LinkedCaches links;
  private final Lifecycle lifecycle;
  private final Runnable cleanUp;
  private final ReplyPublisher replies;
  private final WasmbusCalls calls;
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();

  /** Logged already. Of the control dispatcher's thread. */
  private final Set<String> malformedLinks = new HashSet<>();

  private @Nullable Dispatcher callDispatcher;
  private @Nullable Dispatcher controlDispatcher;

  /**
   * A closed door.
   *
   * @param connection to the lattice; stays the caller's
   * @param epochSeconds the wall clock, seconds since 1970
   * @param lifecycle of the process; the door moves it when a host asks us to stop
   * @param cleanUp what must be done before a host hears that we stop; at most 100 ms
   */
  public WasmbusDoor(
      Connection connection,
      Identity identity,
      LinkedCaches links,
      LongSupplier epochSeconds,
      Lifecycle lifecycle,
      Runnable cleanUp) {
    this.connection = connection;
    this.identity = identity;
    this.links = links;
    this.lifecycle = lifecycle;
    this.cleanUp = cleanUp;
    this.replies = new ReplyPublisher(connection);
    var checks = new InvocationChecks(identity.clusterIssuers(), identity.providerKey());
    this.calls = new WasmbusCalls(identity.linkName(), checks, links, epochSeconds, replies);
  }

  /**
   * Opens the door. Links are listened for before the given ones are applied, because one that is
   * published in between is not repeated; health comes last, because it means that all the rest is
   * there.
   *
   * @param initial links that exist already
   */
  public synchronized void start(List<LinkDefinition> initial) {
    String subject = identity.subject();
    Dispatcher control = connection.createDispatcher();
    Dispatcher call = connection.createDispatcher();
    controlDispatcher = control;
    callDispatcher = call;
    control.subscribe(subject + ".linkdefs.put", Guarded.handler(this::onLinkPut));
    control.subscribe(subject + ".linkdefs.del", Guarded.handler(this::onLinkDelete));
    flush(FIRST_FLUSH);
    initial.forEach(this::put);
    call.setPendingLimits(PENDING_CALLS_MAX, PENDING_BYTES_MAX);
    call.subscribe(subject, QUEUE_GROUP, Guarded.handler(calls::accept));
    control.subscribe(subject + ".shutdown", Guarded.handler(this::onShutdown));
    control.subscribe(subject + ".health", Guarded.handler(this::onHealth));
    flush(FIRST_FLUSH);
    LOG.info("event=door_open protocol=wasmbus subject={} links={}", subject, initial.size());
  }

  /**
   * Completes when a host has asked us to stop, everything was cleaned up, and the host was told.
   */
  public CompletableFuture<Void> stopped() {
    return stopped;
  }

  private void onLinkPut(Message message) {
    decodeLink(message, this::put);
  }

  private void onLinkDelete(Message message) {
    decodeLink(message, this::delete);
  }

  private void decodeLink(Message message, Consumer<LinkDefinition> then) {
    try {
      then.accept(LinkDefinitionCodec.decode(message.getData()));
    } catch (MessagePackException e) {
      Counter.MALFORMED_LINKS.increment();
      String kind = message.getSubject() + " " + e.getMessage();
      if (malformedLinks.size() < LOGGED_MAX && malformedLinks.add(kind)) {
        LOG.warn(
            "event=malformed_link subject={} bytes={} cause=\"{}\"; more of these are only counted",
            message.getSubject(),
            message.getData().length,
            e.getMessage());
      }
    }
  }

  /**
   * Only the actor counts: hosts send links of our key and link name, and the reference compares
   * neither.
   */
  private void put(LinkDefinition link) {
    String actor = Texts.shortened(link.actorId());
    switch (links.put(link.actorId(), identity.linkName(), LinkValues.of(link.values()))) {
      case LinkDecision.Opened(var settings, var replying) ->
          LOG.info(
              "event=link_opened link={} actor={} settings=\"{}\" mutation_replies={}",
              identity.linkName(),
              actor,
              settings,
              replying);
      case LinkDecision.Joined(var replying, var ignored) -> {
        LOG.info(
            "event=link_joined link={} actor={} mutation_replies={}",
            identity.linkName(),
            actor,
            replying);
        warnOfIgnored(actor, ignored);
      }
      case LinkDecision.LinkKeysChanged(var replying, var ignored) -> {
        LOG.info(
            "event=link_changed link={} actor={} mutation_replies={}",
            identity.linkName(),
            actor,
            replying);
        warnOfIgnored(actor, ignored);
      }
      case LinkDecision.Refused(String reason) -> {
        Counter.REFUSED_LINKS.increment();
        LOG.warn(
            "event=link_refused link={} actor={} reason=\"{}\"",
            identity.linkName(),
            actor,
            reason);
      }
      case LinkDecision.Duplicate() ->
          LOG.debug("event=link_repeated link={} actor={}", identity.linkName(), actor);
      case LinkDecision.Removed(_), LinkDecision.Unknown() ->
          throw new IllegalStateException("a put removes nothing");
    }
  }

  private void warnOfIgnored(String actor, List<?> ignored) {
    if (!ignored.isEmpty()) {
      LOG.warn(
          "event=link_keys_ignored link={} actor={} keys={} reason=\"the first link of this name decides them\"",
          identity.linkName(),
          actor,
          ignored);
    }
  }

  private void delete(LinkDefinition link) {
    LinkDecision decision = links.delete(link.actorId(), identity.linkName());
    LOG.info(
        "event=link_deleted link={} actor={} decision={}",
        identity.linkName(),
        Texts.shortened(link.actorId()),
        decision);
  }

  private void onHealth(Message message) {
    Health health = Health.of(links.statuses());
    replies.publish(
        message.getReplyTo(), new HealthResponse(health.healthy(), health.message()).encode());
  }

  /**
   * Like the reference, deaf to requests nobody waits for, and silent to those that name another
   * host.
   */
  private void onShutdown(Message message) {
    boolean ours =
        message.getReplyTo() != null && ShutdownRequest.isFor(identity.hostId(), message.getData());
    if (!ours || !lifecycle.enter(Lifecycle.Phase.STOPPING)) {
      return;
    }
    LOG.info("event=stopping cause=host");
    try {
      stopCalls();
      cleanUp.run();
    } catch (RuntimeException e) {
      LOG.error(
          "event=clean_up_failed",
          e); // the host will kill us either way; it should hear that we are done
    }
    replies.publish(
        message.getReplyTo(), ShutdownRequest.REPLY.getBytes(StandardCharsets.US_ASCII));
    flush(LAST_FLUSH);
    lifecycle.enter(Lifecycle.Phase.STOPPED);
    stopped.complete(null);
  }

  /** Takes no more calls, and waits a moment for those that are in flight. */
  public void stopCalls() {
    Dispatcher dispatcher = takeCallDispatcher();
    if (dispatcher == null || !dispatcher.isActive()) {
      return;
    }
    try {
      // It may tell by false, just before our own patience ends, that time was up.
      if (!dispatcher.drain(DRAIN).get(DRAIN.toMillis(), TimeUnit.MILLISECONDS)) {
        callsCutShort("drain");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException | IllegalStateException e) {
      callsCutShort(e.getClass().getSimpleName());
    }
  }

  /** Their callers time out. */
  private static void callsCutShort(String cause) {
    LOG.warn("event=calls_cut_short cause={}", cause);
  }

  private synchronized @Nullable Dispatcher takeCallDispatcher() {
    Dispatcher dispatcher = callDispatcher;
    callDispatcher = null;
    return dispatcher;
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

  /** Takes no more calls, then no more messages of any kind. May be called twice. */
  @Override
  public void close() {
    stopCalls();
    Dispatcher control;
    synchronized (this) {
      control = controlDispatcher;
      controlDispatcher = null;
    }
    if (control != null && control.isActive()) {
      connection.closeDispatcher(control);
    }
  }
}
