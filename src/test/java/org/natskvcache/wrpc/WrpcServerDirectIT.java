package org.natskvcache.wrpc;

import io.nats.client.Connection;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;
import org.natskvcache.nats.DirectConnections;

/** The same, answered on the thread that reads the socket. */
class WrpcServerDirectIT extends WrpcServerIT {
  @Override
  Connection providerOn(String url) throws Exception {
    return DirectConnections.connect(url);
  }

  /** A handler that hangs holds the thread that reads: what follows waits in the socket. */
  @Override
  void awaitDelivery() {}

  @Override
  @Nullable DirectLine line(Connection connection) {
    return DirectConnections.line(connection);
  }
}
