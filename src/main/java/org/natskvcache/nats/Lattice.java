package org.natskvcache.nats;

import io.nats.client.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;

/**
 * Our place in a lattice: one connection and a wasmbus door for each link name on it. The doors
 * open when NATS answers for the first time, and anew when the client had to give a connection up.
 */
public final class Lattice implements NatsConnector.Listener, AutoCloseable {
  /** A door to open, with the links that exist already. */
  public record Entrance(WasmbusDoor.Identity identity, List<LinkDefinition> links) {}

  private static final Duration LAST_FLUSH = Duration.ofMillis(50);

  private final List<Entrance> entrances;
  private final LinkedCaches caches;
  private final Lifecycle lifecycle;
  private final Runnable cleanUp;
  private final NatsConnector connector;
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final List<WasmbusDoor> doors = new ArrayList<>();

  /**
   * Connects in the background.
   *
   * @param cleanUp what must be done before a host hears that we stop; at most 100 ms
   */
  public Lattice(
      ConnectionSettings settings,
      List<Entrance> entrances,
      LinkedCaches caches,
      Lifecycle lifecycle,
      Runnable cleanUp) {
    this.entrances = List.copyOf(entrances);
    this.caches = caches;
    this.lifecycle = lifecycle;
    this.cleanUp = cleanUp;
    connector = NatsConnector.open(settings, ConnectionTuning.door("nats-kvcache lattice"), this);
  }

  @Override
  public synchronized void attached(Connection connection) {
    doors.forEach(WasmbusDoor::close);
    doors.clear();
    for (Entrance entrance : entrances) {
      var door =
          new WasmbusDoor(
              connection,
              entrance.identity,
              caches,
              () -> System.currentTimeMillis() / 1_000,
              lifecycle,
              cleanUp);
      doors.add(door);
      var _ = door.stopped().thenRun(() -> stopped.complete(null));
      door.start(entrance.links);
    }
  }

  @Override
  public void up(Connection connection) {
    lifecycle.enter(Lifecycle.Phase.RUNNING);
  }

  @Override
  public void down() {
    // the connector logs it; the client subscribes again when it is back
  }

  /** Completes when a host has asked us to stop and was told that we did. */
  public CompletableFuture<Void> stopped() {
    return stopped;
  }

  /** Takes no more calls, and waits a moment for those in flight. */
  public synchronized void stopCalls() {
    doors.forEach(WasmbusDoor::stopCalls);
  }

  /** Sends what is owed and disconnects. */
  @Override
  public void close() {
    connector.flush(LAST_FLUSH);
    connector.close();
  }
}
