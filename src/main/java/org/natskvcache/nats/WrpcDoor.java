package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Message;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.Health;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.provider.SettingOrder;
import org.natskvcache.rpc.Texts;
import org.natskvcache.rpc.wrpc.ControlCodec;
import org.natskvcache.rpc.wrpc.InterfaceLink;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.LinkSecrets;
import org.natskvcache.rpc.wrpc.MalformedMessageException;
import org.natskvcache.store.Bytes;
import org.natskvcache.telemetry.Tracing;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The door for wasmCloud hosts 1.0 to 1.9: one provider of one lattice, all link names.
 *
 * <pre>
 *   C = wasmbus.rpc.LATTICE.PROVIDER
 *   wasmbus.rpc.LATTICE.XKEY.linkdefs.put   a link, new or changed; never answered. PROVIDER where the host has no keys
 *   C.linkdefs.del                          a link; never answered
 *   C.config.update                         our whole configuration; never answered
 *   C.default.shutdown                      a host's id; answered when it is ours
 *   C.health                                whatever; answered
 *   LATTICE.PROVIDER.wrpc.0.0.1.…           calls, see {@link WrpcServer} and {@link KeyValueFunction}
 *   wasmbus.ctl.v1.LATTICE.link.get         we ask the host for all links, see {@link HostLinks}
 *   wasmbus.ctl.v1.LATTICE.config.get.NAME  we ask for the values of a missing one
 * </pre>
 *
 * <p>Source: wasmCloud 1.9, {@code crates/provider-sdk/src/provider.rs}, {@code
 * crates/core/src/rpc.rs}, {@code crates/control-interface/src/broker.rs}.
 */
public final class WrpcDoor implements Door {
  private static final Logger LOG = LoggerFactory.getLogger(WrpcDoor.class);

  /** Hosts kill us 300 ms after they asked us to stop; this much of it goes to calls in flight. */
  private static final Duration DRAIN = Duration.ofMillis(80);

  /**
   * Who we are.
   *
   * @param providerId our id on the lattice
   * @param hostId the host that started us; empty without one
   * @param secrets the keys for links' secrets; null where the host has none
   */
  public record Identity(
      String lattice, String providerId, String hostId, @Nullable LinkSecrets secrets) {
    String control() {
      return "wasmbus.rpc." + lattice + "." + providerId;
    }

    /** Hosts with keys publish links to our curve key, and copies without secrets to our id. */
    String linkPuts() {
      return secrets == null
          ? control() + ".linkdefs.put"
          : "wasmbus.rpc." + lattice + "." + secrets.ours().publicKey().text() + ".linkdefs.put";
    }
  }

  private final Connection connection;
  private final Identity identity;
  private final List<InterfaceLink> initial;
  private final LinkedCaches links;
  private final Function<Map<String, String>, LinkValues> defaults;
  private final Supplier<Tracing> tracing;
  private final ReplyPublisher replies;
  private final HostControl control;
  private final HostLinks hostLinks;

  private volatile @Nullable Open open;

  /** What an open door has more than a listening one. */
  private record Open(WrpcServer server, WrpcCalls calls, Watchers watchers) {}

  /**
   * A closed door.
   *
   * @param connection to the lattice; stays the caller's
   * @param initial links that exist already
   * @param defaults what counts where a link sets nothing, given our configuration
   * @param lifecycle of the process; the door moves it when a host asks us to stop
   * @param cleanUp what must be done before a host hears that we stop; at most 100 ms
   * @param tracing follows the calls; asked when the door opens, and may wait
   */
  public WrpcDoor(
      Connection connection,
      Identity identity,
      List<InterfaceLink> initial,
      LinkedCaches links,
      Function<Map<String, String>, LinkValues> defaults,
      Lifecycle lifecycle,
      Runnable cleanUp,
      Supplier<Tracing> tracing) {
    this.connection = connection;
    this.identity = identity;
    this.initial = List.copyOf(initial);
    this.links = links;
    this.defaults = defaults;
    this.tracing = tracing;
    replies = new ReplyPublisher(connection, identity.lattice(), links);
    control = new HostControl(connection, links, lifecycle, cleanUp, replies);
    hostLinks =
        new HostLinks(
            connection,
            links,
            new WrpcHostLinks(
                identity.lattice(),
                link -> {
                  LinkId id = idOf(link);
                  return id == null || links.route(id) != null ? null : id;
                },
                this::put),
            identity.control());
  }

  @Override
  public String protocol() {
    return "wrpc";
  }

  @Override
  public boolean hears(String subject) {
    String calls = identity.lattice() + "." + identity.providerId() + ".";
    return subject.startsWith(calls)
        || subject.startsWith(identity.control() + ".")
        || subject.equals(identity.linkPuts());
  }

  @Override
  public void listen() {
    control.subscribe(identity.linkPuts(), this::onPut);
    control.subscribe(identity.control() + ".linkdefs.del", this::onDelete);
    control.subscribe(identity.control() + ".config.update", this::onConfiguration);
    control.subscribe(identity.control() + ".default.shutdown", this::onShutdown);
    control.subscribe(identity.control() + ".health", this::onHealth);
  }

  @Override
  public void start(boolean first) {
    Tracing following = tracing.get();
    var calls = new WrpcCalls(links, replies, following);
    var server =
        new WrpcServer(
            connection,
            ConnectorEvents.lineOf(connection),
            identity.lattice() + "." + identity.providerId(),
            WrpcLimits.DEFAULTS,
            calls);
    var watchers =
        new Watchers(connection, identity.lattice(), identity.providerId(), calls, following);
    open = new Open(server, calls, watchers);
    if (first) initial.forEach(link -> Guarded.run("link", () -> put(link)));
    else links.routes(LinkId.Role.WATCHER).forEach(this::watch);
    hostLinks.open();
    for (KeyValueFunction function : KeyValueFunction.values()) {
      server.serve(function.instance(), function.function(), function::decode, calls);
    }
    control.flushSubscriptions();
    hostLinks.serving();
    LOG.info(
        "event=door_open protocol=wrpc subject={}.{} links={}",
        identity.lattice(),
        identity.providerId(),
        initial.size());
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

  private void onPut(Message message) {
    InterfaceLink named = null;
    try {
      named = ControlCodec.linkNamed(message.getData());
      InterfaceLink link = ControlCodec.link(message.getData());
      hostLinks.change(() -> put(link));
    } catch (MalformedMessageException e) {
      malformed(message, e);
      LinkId id = named == null ? null : idOf(named);
      if (id != null) control.refused(id, String.valueOf(e.getMessage()));
    }
  }

  private void onDelete(Message message) {
    try {
      InterfaceLink link = ControlCodec.link(message.getData());
      hostLinks.change(() -> delete(link));
    } catch (MalformedMessageException e) {
      malformed(message, e);
    }
  }

  private void malformed(Message message, MalformedMessageException e) {
    control.malformed(
        Counter.MALFORMED_LINKS, message.getSubject(), message.getData().length, e.getMessage());
  }

  private void put(InterfaceLink link) {
    LinkId id = idOf(link);
    if (id == null) {
      ignored(link);
      return;
    }
    hostLinks.heard(id);
    put(id, link);
  }

  private LinkDecision put(LinkId id, InterfaceLink link) {
    boolean caller = id.role() == LinkId.Role.CALLER;
    Map<String, String> secrets;
    try {
      secrets = open(caller ? link.targetSecrets() : link.sourceSecrets());
    } catch (MalformedMessageException e) {
      String reason = String.valueOf(e.getMessage());
      control.refused(id, reason);
      return new LinkDecision.Refused(reason);
    }
    LinkDecision decision =
        control.put(
            id, SettingOrder.ofLink(secrets, caller ? link.targetConfig() : link.sourceConfig()));
    LinkedCaches.Route route = caller ? null : links.route(id);
    if (route != null) watch(id, route);
    return decision;
  }

  private void watch(LinkId id, LinkedCaches.Route route) {
    Open now = open;
    if (now == null) return; // closed meanwhile
    now.watchers.put(id.peer(), id.linkName(), route.replica(), route.keys().watch());
  }

  private Map<String, String> open(Bytes sealed) throws MalformedMessageException {
    LinkSecrets keys = identity.secrets();
    if (keys != null) return keys.open(sealed);
    if (sealed.size() == 0) return Map.of();
    throw new MalformedMessageException("it has secrets, and the host gave no keys to open them");
  }

  private void delete(InterfaceLink link) {
    LinkId id = idOf(link);
    if (id == null) {
      ignored(link);
      return;
    }
    hostLinks.heard(id);
    Open now = open;
    if (now != null && id.role() == LinkId.Role.WATCHER) {
      now.watchers.delete(id.peer(), id.linkName());
    }
    control.delete(id);
  }

  /** What a link is to us; null when it is nothing. */
  private @Nullable LinkId idOf(InterfaceLink link) {
    boolean ours = link.isOfKeyValue();
    if (ours && link.target().equals(identity.providerId())) {
      return LinkId.caller(link.source(), link.name());
    }
    if (ours
        && link.source().equals(identity.providerId())
        && link.interfaces().contains("watcher")) {
      return LinkId.watcher(link.target(), link.name());
    }
    return null;
  }

  private static void ignored(InterfaceLink link) {
    LOG.warn(
        "event=link_ignored link={} source={} target={} interface={}:{}",
        Texts.shortened(link.name()),
        Texts.shortened(link.source()),
        Texts.shortened(link.target()),
        Texts.shortened(link.witNamespace()),
        Texts.shortened(link.witPackage()));
  }

  /** The whole configuration, not a change to it. Links that are open keep what they have. */
  private void onConfiguration(Message message) {
    try {
      Map<String, String> config = ControlCodec.config(message.getData());
      links.defaults(defaults.apply(config));
      LOG.info(
          "event=configuration_changed keys={}; it counts for links put from now on",
          LinkValues.of(config).keys());
    } catch (MalformedMessageException e) {
      malformed(message, e);
    }
  }

  private void onHealth(Message message) {
    Health health = links.health();
    replies.publish(message.getReplyTo(), ControlCodec.health(health.healthy(), health.message()));
  }

  /** Deaf to requests nobody waits for, silent to those that name another host. */
  private void onShutdown(Message message) {
    if (ControlCodec.isShutdownOf(identity.hostId(), message.getData())) {
      control.stop(() -> stopCalls(DRAIN), message.getReplyTo(), ControlCodec.SHUTDOWN_REPLY);
    }
  }

  @Override
  public void stopCalls(Duration patience) {
    Open now = open;
    if (now == null) return;
    long end = System.nanoTime() + patience.toNanos();
    try {
      if (!now.server.stop(patience)) LOG.warn("event=calls_cut_short");
      now.calls.stop(end - System.nanoTime());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    hostLinks.close();
    stopCalls(DRAIN);
    Open now = open;
    if (now != null) now.watchers.close();
    control.close();
  }
}
