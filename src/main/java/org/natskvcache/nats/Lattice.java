package org.natskvcache.nats;

import io.nats.client.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.natskvcache.provider.HealthProblems;
import org.natskvcache.provider.Lifecycle;

/**
 * Our place in a lattice: one connection and the doors on it. The doors open when NATS answers for
 * the first time, and anew when the client had to give a connection up.
 */
public final class Lattice implements NatsConnector.Listener, AutoCloseable {
  /** Makes a closed door on a connection. */
  public interface Entrance {
    /** A new door; the connection stays the caller's. */
    Door on(Connection connection);
  }

  /** Names the connection in health where no door is concerned. */
  private static final String NAME = "lattice connection";

  private static final Duration LAST_FLUSH = Duration.ofMillis(50);

  private final List<Entrance> entrances;
  private final Lifecycle lifecycle;
  private final RefusedSubscriptions refused;
  private final NatsConnector connector;
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final List<Door> doors = new ArrayList<>();
  private boolean openedBefore;

  /**
   * Connects in the background.
   *
   * @param direct whether calls may be answered on the thread that reads them
   * @param problems is told of subjects that the server refuses to a door
   */
  public Lattice(
      ConnectionSettings settings,
      boolean direct,
      List<Entrance> entrances,
      Lifecycle lifecycle,
      HealthProblems problems) {
    refused = new RefusedSubscriptions(NAME, problems);
    this.entrances = List.copyOf(entrances);
    this.lifecycle = lifecycle;
    ConnectionTuning tuning = ConnectionTuning.door("nats-kvcache lattice");
    connector = NatsConnector.open(settings, direct ? tuning : tuning.indirect(), this);
  }

  @Override
  public synchronized void attached(Connection connection) {
    refused.clear();
    doors.forEach(Door::close);
    doors.clear();
    for (Entrance entrance : entrances) {
      Door door = entrance.on(connection);
      doors.add(door);
      var _ = door.stopped().thenRun(() -> stopped.complete(null));
    }
    doors.forEach(Door::listen);
    for (Door door : doors) door.start(!openedBefore);
    openedBefore = true;
  }

  @Override
  public synchronized void up(Connection connection) {
    lifecycle.enter(Lifecycle.Phase.RUNNING);
    doors.forEach(Door::up);
  }

  @Override
  public synchronized void down() {
    // the connector logs it; the client subscribes again when it is back
    doors.forEach(Door::down);
    refused.clear();
  }

  /** A refused publish harms a stranger at most; a refused subscription makes a door deaf. */
  @Override
  public boolean notAllowed(String reason) {
    if (!ConnectorEvents.refusesSubscription(reason)) return false;
    refused.add(reason, this::listenerOf);
    return true;
  }

  private synchronized String listenerOf(String subject) {
    for (Door door : doors) if (door.hears(subject)) return "door " + door.protocol();
    return NAME;
  }

  /** Calls in flight are lost when the connection is made anew, so this must help. */
  @Override
  public boolean stillRefused(Connection connection) {
    return refused.remain(connection);
  }

  /** Completes when a host has asked us to stop and was told that we did. */
  public CompletableFuture<Void> stopped() {
    return stopped;
  }

  /**
   * Takes no more calls, and waits for those in flight.
   *
   * @param patience longest wait, over all doors; calls that take longer are cut short
   */
  public synchronized void stopCalls(Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    for (Door door : doors) {
      door.stopCalls(Duration.ofNanos(Math.max(1_000_000, end - System.nanoTime())));
    }
  }

  /** Sends what is owed and disconnects. */
  @Override
  public void close() {
    connector.flush(LAST_FLUSH);
    connector.close();
  }
}
