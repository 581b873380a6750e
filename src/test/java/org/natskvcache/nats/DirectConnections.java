package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.Options;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;

/** Connections whose socket answers, for tests of other packages. */
public final class DirectConnections {
  private DirectConnections() {}

  /** Connects as a door does, but only once. */
  public static Connection connect(String url) throws Exception {
    var events =
        new ConnectorEvents(
            "test",
            ConnectionSettings.of(url),
            new DirectLine(),
            (connection, type) -> {},
            (connection, reason) -> {},
            reason -> false,
            slow -> {});
    return Nats.connect(
        new Options.Builder()
            .server(url)
            .dataPortType(DirectDataPort.class.getName())
            .errorListener(events)
            .build());
  }

  /** What its socket answers; null when it was not made here. */
  public static @Nullable DirectLine line(Connection connection) {
    return ConnectorEvents.lineOf(connection);
  }
}
