package org.natskvcache.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.natskvcache.NatsForTests;
import org.natskvcache.TcpProxy;
import org.natskvcache.process.HostDataLine;
import org.natskvcache.process.Provider;
import org.natskvcache.process.ProviderFixture;

/**
 * One place in the group: a provider key, wires to every NATS server, and one process after the
 * other. Of the test's thread.
 */
final class Instance {
  private static final String ERROR = " ERROR ";
  private static final String SNAPSHOT = "snapshot installed";

  final int index;
  final List<TcpProxy> wires = new ArrayList<>();
  private final ProviderFixture fixture;
  private final HostDataLine hostData;
  private final Map<String, String> values;
  private final KeyRotation keys;
  private final Path logs;
  private final List<Writer> writers = new ArrayList<>();
  private Provider provider;
  private int life;
  private String key;
  private boolean running;

  // Of the lives that have ended.
  private final List<String> formerErrors = new ArrayList<>();
  private long formerSnapshots;

  Instance(
      int index, ProviderFixture fixture, List<NatsForTests> nodes, KeyRotation keys, Path logs) {
    this.index = index;
    this.fixture = fixture;
    this.logs = logs;
    for (NatsForTests node : nodes) {
      wires.add(fixture.open(TcpProxy.to(node.port())));
    }
    String urls = String.join(",", wires.stream().map(TcpProxy::url).toList());
    hostData = fixture.hostData();
    values = ProviderFixture.replicated(urls);
    this.keys = keys;
    provider = launch(keys.now());
  }

  private Provider launch(String replicationKey) {
    life++;
    running = true;
    key = replicationKey;
    var keyed = new HashMap<>(values);
    keyed.put("REPLICATION_KEY", replicationKey);
    return fixture.launch(hostData.withLink(Provider.ACTOR, keyed));
  }

  /** The process there is now. */
  Provider provider() {
    return provider;
  }

  /** Which instance, and which of its lives. */
  String name() {
    return index + "." + life;
  }

  /** Every other life has the keys of the next step already. */
  void start() {
    provider = launch(life % 2 == 0 ? keys.now() : keys.next());
  }

  /** Leaves and starts again, unless it has the keys of the next step; true when all was well. */
  boolean rotate() {
    if (key.equals(keys.next())) return true;
    boolean left = leave();
    provider = launch(keys.next());
    return left;
  }

  /** SIGKILL; its writers end with it. */
  void kill() {
    ending();
    provider.process.kill();
    ended();
  }

  /**
   * SIGTERM, and waits for its end. True when it ended as it should: with 0, unless it had not
   * opened its door yet.
   */
  boolean leave() {
    boolean open = !provider.logLines("event=door_open").isEmpty();
    ending();
    provider.process.terminate();
    int code = provider.process.awaitExit();
    ended();
    return code == 0 || !open;
  }

  private void ending() {
    running = false;
    writers.forEach(writer -> writer.ledger.end());
  }

  private void ended() {
    writers.forEach(Writer::stop);
    keepLog();
    formerErrors.addAll(provider.logLines(ERROR));
    formerSnapshots += provider.logLines(SNAPSHOT).size();
  }

  /** Has ended without being told to. */
  boolean died() {
    return running && !provider.process.isAlive();
  }

  void write(Collection<Writer> more) {
    writers.addAll(more);
    more.forEach(Writer::start);
  }

  /** Stops the writers and waits for the last calls of all there have been. */
  void rest() {
    writers.forEach(Writer::stop);
    writers.forEach(Writer::join);
    writers.clear();
  }

  /** Lines that only a fault of the program's own writes, of all lives. */
  List<String> errors() {
    var errors = new ArrayList<>(formerErrors);
    if (running) {
      errors.addAll(provider.logLines(ERROR));
    }
    return errors;
  }

  /** How many snapshots were installed, in all lives. */
  long snapshots() {
    return formerSnapshots + (running ? provider.logLines(SNAPSHOT).size() : 0);
  }

  /** Writes what this process has logged to a file of its own. */
  void keepLog() {
    try {
      Files.write(logs.resolve("instance-" + name() + ".log"), provider.process.log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
