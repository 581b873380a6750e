package org.natskvcache.process;

import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.TcpProxy;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.rpc.Nkey;

/**
 * A lattice for one test: a NATS server, a host's connection to it, and the provider instances the
 * test starts. Closing ends all of them, the last one first.
 *
 * <p>Instances of one provider key share calls. A test that wants to address a particular one gives
 * each a key of its own, as {@link #start(Map)} does; they replicate all the same, because the link
 * name and so the replication subjects are equal.
 */
public final class ProviderFixture implements AutoCloseable {
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  final NatsForTests nats;

  /** What a host and its actors use. */
  public final Connection host;

  public ProviderFixture() {
    this(NatsForTests.start(), "");
  }

  /**
   * On a server that wants to know who we are.
   *
   * @param login {@code user:password} of the host and its actors
   */
  ProviderFixture(NatsForTests server, String login) {
    nats = open(server);
    host = connect(login.isEmpty() ? nats.url() : nats.url().replace("//", "//" + login + "@"));
  }

  /** Has it closed at the end. */
  public <T extends AutoCloseable> T open(T resource) {
    opened.push(resource);
    return resource;
  }

  public Connection connect(String url) {
    try {
      var quiet = new ErrorListener() {}; // tests kill servers; the client would tell the console
      var options = Options.builder().server(url).maxReconnects(-1).errorListener(quiet);
      return open(Nats.connect(options.build()));
    } catch (IOException e) {
      throw new IllegalStateException("no connection to the test's NATS server", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Another server on this machine, for replication apart from the lattice. */
  NatsForTests openServer() {
    return open(NatsForTests.start());
  }

  /** A wire to the server that can be cut. */
  TcpProxy openProxy() {
    return open(TcpProxy.to(nats.port()));
  }

  /** Heartbeats of the group that caches of link name {@code default} are in. */
  HeartbeatListener openHeartbeats() {
    return open(new HeartbeatListener(host, CacheSettings.DEFAULT_STATE_SUBJECT));
  }

  static String newProviderKey() {
    return Nkey.random(Nkey.Role.SERVICE).text();
  }

  /** Link values for a cache that replicates by this server, with a heartbeat each second. */
  public static Map<String, String> replicated(String url) {
    return Map.of("NATS_URL", url, "REPLAY_HEARTBEAT_SECS", "1");
  }

  static Map<String, String> with(Map<String, String> values, String key, String value) {
    var more = new HashMap<>(values);
    more.put(key, value);
    return more;
  }

  /** Host data without links for a provider key of its own. */
  public HostDataLine hostData() {
    return HostDataLine.ofFamily("rust-0.82", nats)
        .with("provider_key", newProviderKey())
        .withoutLinks();
  }

  /** Starts an instance with a key of its own and one link. Does not wait for it. */
  Provider launch(Map<String, String> linkValues) {
    return launch(hostData().withLink(Provider.ACTOR, linkValues));
  }

  /** Starts an instance as a Rust host does: an empty environment, standard input closed. */
  public Provider launch(HostDataLine hostData) {
    return open(new Provider(host, hostData, ProviderProcess.start(Map.of(), hostData.line())));
  }

  /** As {@link #launch(Map)}, and waits until it answers. */
  Provider start(Map<String, String> linkValues) {
    return started(launch(linkValues));
  }

  /** As {@link #launch(HostDataLine)}, and waits until it answers. */
  Provider start(HostDataLine hostData) {
    return started(launch(hostData));
  }

  /** Starts an instance as a host 1.x does. Does not wait for it. */
  WrpcProvider launchOne(HostDataLine hostData) {
    return open(new WrpcProvider(host, hostData, ProviderProcess.start(Map.of(), hostData.line())));
  }

  /** As {@link #launchOne}, and waits until it answers. */
  WrpcProvider startOne(HostDataLine hostData) {
    return started(launchOne(hostData));
  }

  private static <I extends Instance> I started(I provider) {
    provider.awaitHealth(true, "");
    return provider;
  }

  /** So many instances of one cache, each with a key of its own, all aware of each other. */
  Provider[] startGroup(int size) {
    var group = new Provider[size];
    for (int i = 0; i < size; i++) {
      group[i] = launch(replicated(nats.url()));
    }
    for (Provider provider : group) {
      provider.awaitPeers(size - 1);
    }
    return group;
  }

  @Override
  public void close() {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException("could not close", e);
      }
    }
  }
}
