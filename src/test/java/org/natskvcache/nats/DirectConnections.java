package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.util.Objects;
import org.natskvcache.direct.DirectLine;

/** Connections whose socket answers, for tests of other packages. */
public final class DirectConnections {
  private DirectConnections() {}

  /** Connects as a door does, but only once. */
  public static Connection connect(String url) throws Exception {
    var events =
        new ConnectorEvents("test", new DirectLine(), (connection, type) -> {}, slow -> {});
    return Nats.connect(
        new Options.Builder()
            .server(url)
            .dataPortType(DirectDataPort.class.getName())
            .errorListener(events)
            .build());
  }

  /** What its socket answers. */
  public static DirectLine line(Connection connection) {
    return Objects.requireNonNull(ConnectorEvents.lineOf(connection));
  }
}
