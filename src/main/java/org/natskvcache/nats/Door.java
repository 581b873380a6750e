package org.natskvcache.nats;

import java.util.concurrent.CompletableFuture;

/** One way into the caches on a lattice connection, for one generation of hosts. */
public interface Door extends AutoCloseable {
  /**
   * Opens the door.
   *
   * @param first whether it is the first time; the links that exist at start are applied only then,
   *     since later ones may have replaced or removed them
   */
  void start(boolean first);

  /**
   * Completes when a host has asked us to stop, everything was cleaned up, and the host was told.
   */
  CompletableFuture<Void> stopped();

  /** Takes no more calls, and waits a moment for those that are in flight. */
  void stopCalls();

  /** Takes no more calls, then no more messages of any kind. May be called twice. */
  @Override
  void close();
}
