package org.natskvcache.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.natskvcache.NatsForTests;
import org.natskvcache.TcpProxy;
import org.natskvcache.process.ProviderFixture;

/**
 * What there is to break: three NATS servers, each route between two of them through a wire that
 * can be cut, and five instances, each reaching every server through wires of its own. What the
 * servers advertise leads nowhere, so nobody finds a way around a wire. Callers use the fixture's
 * server, which nothing befalls. Of the test's thread.
 */
final class Cluster {
  static final int NODES = 3;

  /** Routes are 0-1, 0-2, 1-2. */
  static final int ROUTES = 3;

  static final int INSTANCES = 5;

  /** The instances before this one are never killed nor asked to leave. */
  static final int LASTING = 2;

  private static final String CONFIG =
      """
      server_name: node-%d
      max_payload: 262144
      max_pending: 1048576
      write_deadline: "1s"
      ping_interval: "3s"
      cluster {
        name: chaos
        listen: "127.0.0.1:%d"
        advertise: "127.0.0.1:1"
        no_advertise: true
        routes: [%s]
      }
      """;

  private static final String[] ROUTE_NAMES = {"0-1", "0-2", "1-2"};

  private final Path logs;
  final List<NatsForTests> nodes = new ArrayList<>();
  final List<TcpProxy> routes = new ArrayList<>();
  final List<Instance> instances = new ArrayList<>();
  private int slowConsumers;

  /**
   * Starts the servers, not the instances.
   *
   * @param keys what the instances sign with
   * @param logs the folder that everybody's log goes to
   */
  Cluster(ProviderFixture fixture, KeyRotation keys, Path logs) {
    this.logs = logs;
    int[] ports = new int[NODES];
    for (int i = 0; i < NODES; i++) {
      ports[i] = NatsForTests.freePort();
    }
    // The server with the greater number connects, and the smaller one's port names the route.
    for (String route : ROUTE_NAMES) {
      routes.add(fixture.open(TcpProxy.to(ports[route.charAt(0) - '0'])));
    }
    for (int i = 0; i < NODES; i++) {
      var urls = new ArrayList<String>();
      for (int route = 0; route < ROUTES; route++) {
        if (ROUTE_NAMES[route].charAt(2) - '0' == i) {
          urls.add('"' + routes.get(route).url() + '"');
        }
      }
      String config = CONFIG.formatted(i, ports[i], String.join(",", urls));
      nodes.add(fixture.open(NatsForTests.start(config, Map.of())));
    }
    for (int i = 0; i < INSTANCES; i++) {
      instances.add(new Instance(i, fixture, nodes, keys, logs));
    }
  }

  /** The two routes of a server. */
  List<TcpProxy> routesOf(int node) {
    var its = new ArrayList<TcpProxy>();
    for (int route = 0; route < ROUTES; route++) {
      if (ROUTE_NAMES[route].indexOf('0' + node) >= 0) {
        its.add(routes.get(route));
      }
    }
    return its;
  }

  void restart(int node) {
    keepLog(node);
    nodes.get(node).restart();
  }

  /** Puts away what a server has logged since its start; before that is overwritten. */
  private void keepLog(int node) {
    String log = nodes.get(node).log();
    slowConsumers += log.split("Slow Consumer", -1).length - 1;
    try {
      Files.writeString(
          logs.resolve("node-" + node + ".log"),
          log,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void keepLogs() {
    for (int i = 0; i < NODES; i++) {
      keepLog(i);
    }
    for (Instance instance : instances) {
      instance.keepLog();
    }
  }

  /** How many connections the servers have closed because they could not keep up. */
  int slowConsumers() {
    return slowConsumers;
  }

  long snapshots() {
    return instances.stream().mapToLong(Instance::snapshots).sum();
  }
}
