package org.natskvcache.nats;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** One way into the caches on a lattice connection, for one generation of hosts. */
public interface Door extends AutoCloseable {
  /** Names the door in health: the generation's protocol. */
  String protocol();

  /** Whether the door subscribes to this subject. */
  boolean hears(String subject);

  /**
   * Listens to the host: links, configuration, shutdown, health. A link that is published before
   * that is lost, so it comes before all that takes time. Links wait for {@link #start}; health is
   * unhealthy until then.
   */
  void listen();

  /**
   * Opens the door, after {@link #listen}.
   *
   * @param first whether it is the first time; the links that exist at start are applied only then,
   *     since later ones may have replaced or removed them
   */
  void start(boolean first);

  /** The server has our subscriptions, for the first time or again: looks for links we missed. */
  void up();

  /** The connection is lost: what hosts publish from now on is missed. */
  void down();

  /**
   * Completes when a host has asked us to stop, everything was cleaned up, and the host was told.
   */
  CompletableFuture<Void> stopped();

  /**
   * Takes no more calls, and waits for those that are in flight.
   *
   * @param patience longest wait; calls that take longer are cut short
   */
  void stopCalls(Duration patience);

  /** Takes no more calls, then no more messages of any kind. May be called twice. */
  @Override
  void close();
}
