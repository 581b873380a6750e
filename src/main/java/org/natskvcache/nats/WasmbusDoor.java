package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.Health;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;
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
 *   wasmbus.ctl.LATTICE.get.links        we ask the host for all links                {@link HostLinks}
 * </pre>
 *
 * <p>Two dispatchers: calls have threads of their own, so that a shutdown does not wait behind
 * them. Bodies over 900 KiB travel through the lattice's object store, on threads of their own.
 * Sources: wasmCloud/weld, wasmbus-rpc 0.15.0, provider.rs; wasmCloud 0.82, {@code
 * crates/control-interface/src/broker.rs}.
 */
public final class WasmbusDoor implements Door {
  private static final Logger LOG = LoggerFactory.getLogger(WasmbusDoor.class);

  /** All instances of a provider key and link name are in it, on all hosts. */
  private static final String QUEUE_GROUP = "rpc";

  /** Calls waiting to be decoded: more would be answered after their callers gave up. */
  private static final int PENDING_CALLS_MAX = 65_536;

  private static final long PENDING_BYTES_MAX = 64L << 20;

  /** Hosts kill us 300 ms after they asked us to stop; this much of it goes to calls in flight. */
  private static final Duration DRAIN = Duration.ofMillis(80);

  /**
   * Who we are.
   *
   * @param hostId the host that started us; empty without one
   * @param clusterIssuers keys that may sign invocations
   * @param jetStreamDomain where the lattice's JetStream is; empty for the server's own
   * @param hostNamesItself see {@link ShutdownRequest#isFor}
   */
  public record Identity(
      String lattice,
      String providerKey,
      String linkName,
      String hostId,
      boolean hostNamesItself,
      Set<String> clusterIssuers,
      String jetStreamDomain) {
    String subject() {
      return "wasmbus.rpc." + lattice + "." + providerKey + "." + linkName;
    }
  }

  private final Connection connection;
  private final Identity identity;
  private final List<LinkDefinition> initial;
  private final LinkedCaches links;
  private final ReplyPublisher replies;
  private final HostControl control;
  private final HostLinks hostLinks;
  private final WasmbusCalls calls;

  private @Nullable Dispatcher callDispatcher;

  /**
   * A closed door.
   *
   * @param connection to the lattice; stays the caller's
   * @param initial links that exist already
   * @param epochSeconds the wall clock, seconds since 1970
   * @param lifecycle of the process; the door moves it when a host asks us to stop
   * @param cleanUp what must be done before a host hears that we stop; at most 100 ms
   */
  public WasmbusDoor(
      Connection connection,
      Identity identity,
      List<LinkDefinition> initial,
      LinkedCaches links,
      LongSupplier epochSeconds,
      Lifecycle lifecycle,
      Runnable cleanUp) {
    this.connection = connection;
    this.identity = identity;
    this.initial = List.copyOf(initial);
    this.links = links;
    this.replies = new ReplyPublisher(connection, identity.lattice(), links);
    this.control = new HostControl(connection, links, lifecycle, cleanUp, replies);
    this.hostLinks = new HostLinks(connection, links, new ControlInterface(), identity.subject());
    var checks = new InvocationChecks(identity.clusterIssuers(), identity.providerKey());
    var store =
        new BodyStore(connection, identity.lattice(), identity.jetStreamDomain(), epochSeconds);
    this.calls = new WasmbusCalls(identity.linkName(), checks, links, epochSeconds, replies, store);
  }

  @Override
  public String protocol() {
    return "wasmbus";
  }

  @Override
  public boolean hears(String subject) {
    return (subject + ".").startsWith(identity.subject() + ".");
  }

  @Override
  public void listen() {
    String subject = identity.subject();
    control.subscribe(
        subject + ".linkdefs.put", message -> decodeLink(message, this::put, this::refuse));
    control.subscribe(
        subject + ".linkdefs.del", message -> decodeLink(message, this::delete, unreadable -> {}));
    control.subscribe(subject + ".shutdown", this::onShutdown);
    control.subscribe(subject + ".health", this::onHealth);
  }

  @Override
  public synchronized void start(boolean first) {
    String subject = identity.subject();
    if (first) {
      initial.forEach(link -> Guarded.run("link", () -> apply(link)));
    }
    hostLinks.open();
    Dispatcher call = connection.createDispatcher();
    callDispatcher = call;
    call.setPendingLimits(PENDING_CALLS_MAX, PENDING_BYTES_MAX);
    call.subscribe(
        subject,
        QUEUE_GROUP,
        Guarded.handler(message -> calls.accept(message, call.getPendingMessageCount() > 0)));
    control.flushSubscriptions();
    hostLinks.serving();
    LOG.info("event=door_open protocol=wasmbus subject={} links={}", subject, initial.size());
  }

  @Override
  public void up() {
    hostLinks.up();
  }

  @Override
  public void down() {
    hostLinks.down();
  }

  @Override
  public CompletableFuture<Void> stopped() {
    return control.stopped();
  }

  /**
   * @param unreadable takes a link that names its actor, but cannot be read
   */
  private void decodeLink(
      Message message, Consumer<LinkDefinition> then, Consumer<LinkId> unreadable) {
    try {
      LinkDefinition link = LinkDefinitionCodec.decode(message.getData());
      hostLinks.change(() -> then.accept(link));
    } catch (MessagePackException e) {
      control.malformed(
          Counter.MALFORMED_LINKS, message.getSubject(), message.getData().length, e.getMessage());
      String actor = LinkDefinitionCodec.actor(message.getData());
      if (!actor.isEmpty()) unreadable.accept(LinkId.caller(actor, identity.linkName()));
    }
  }

  private void refuse(LinkId id) {
    control.refused(id, "its definition cannot be read");
  }

  /**
   * Only the actor counts: hosts send links of our key and link name, and the reference compares
   * neither.
   */
  private LinkDecision apply(LinkDefinition link) {
    return control.put(idOf(link), LinkValues.of(link.values()));
  }

  private void put(LinkDefinition link) {
    hostLinks.heard(idOf(link));
    apply(link);
  }

  private void delete(LinkDefinition link) {
    hostLinks.heard(idOf(link));
    control.delete(idOf(link));
  }

  private LinkId idOf(LinkDefinition link) {
    return LinkId.caller(link.actorId(), identity.linkName());
  }

  /** The links come with their values, so each is put again; most change nothing. */
  private final class ControlInterface implements HostLinks.Generation {
    @Override
    public String subject() {
      return "wasmbus.ctl." + identity.lattice() + ".get.links";
    }

    @Override
    public Optional<List<HostLinks.Listed>> links(byte[] answer) {
      return LinkDefinitionCodec.list(answer)
          .map(all -> all.stream().filter(this::isOurs).map(this::listed).toList());
    }

    private boolean isOurs(LinkDefinition link) {
      return link.providerId().equals(identity.providerKey())
          && link.linkName().equals(identity.linkName());
    }

    private HostLinks.Listed listed(LinkDefinition link) {
      return new HostLinks.Listed() {
        @Override
        public LinkId id() {
          return idOf(link);
        }

        @Override
        public Supplier<LinkDecision> rebuilt(HostLinks.Host host) {
          return () -> apply(link);
        }
      };
    }
  }

  private void onHealth(Message message) {
    Health health = links.health();
    replies.publish(
        message.getReplyTo(), new HealthResponse(health.healthy(), health.message()).encode());
  }

  /**
   * Like the reference, deaf to requests nobody waits for, and silent to those that name another
   * host.
   */
  private void onShutdown(Message message) {
    if (ShutdownRequest.isFor(identity.hostId(), identity.hostNamesItself(), message.getData())) {
      control.stop(() -> stopCalls(DRAIN), message.getReplyTo(), ShutdownRequest.REPLY);
    }
  }

  @Override
  public void stopCalls(Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    drainCalls(patience);
    if (!calls.stop(end - System.nanoTime())) callsCutShort("checks");
  }

  private void drainCalls(Duration patience) {
    Dispatcher dispatcher = takeCallDispatcher();
    if (dispatcher == null || !dispatcher.isActive()) {
      return;
    }
    try {
      // It may tell by false, just before our own patience ends, that time was up.
      if (!dispatcher.drain(patience).get(patience.toMillis(), TimeUnit.MILLISECONDS)) {
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

  @Override
  public void close() {
    hostLinks.close();
    stopCalls(DRAIN);
    control.close();
  }
}
