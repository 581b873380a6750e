package org.natskvcache.direct;

/** Takes messages on the thread that reads the socket; must not wait for the network. */
@FunctionalInterface
public interface Receiver {
  /**
   * A message came.
   *
   * @param message good only until this returns
   */
  void received(Incoming message);
}
