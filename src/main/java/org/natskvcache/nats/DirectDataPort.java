package org.natskvcache.nats;

import io.nats.client.Connection;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectSession;

/**
 * The NATS client's socket, with messages of a {@link org.natskvcache.direct.DirectLine} answered
 * on the client's reading thread. The client writes whole messages at a time (jnats 2.26.2,
 * NatsConnectionWriter), so that others may stand between them.
 *
 * <p>Public, with a public constructor, because the client makes it by name: one for each attempt
 * to connect, whose error listener is a {@link ConnectorEvents} with a line.
 */
public final class DirectDataPort extends VerifyingDataPort {
  private @Nullable DirectSession session;

  /** For the NATS client. */
  public DirectDataPort() {}

  /** The client's threads start after the first reads and writes, which are one thread's. */
  private DirectSession session() {
    DirectSession existing = session;
    if (existing != null) return existing;
    Connection ours = connection; // its own class is not ours to name
    var made =
        new DirectSession(Objects.requireNonNull(ConnectorEvents.lineOf(ours)), new Socket());
    session = made;
    return made;
  }

  @Override
  public int read(byte[] dst, int off, int len) throws IOException {
    return session().read(dst, off, len);
  }

  @Override
  public void write(byte[] src, int toWrite) throws IOException {
    session().write(src, toWrite);
  }

  /** What came in the clear before must not be taken for something the server said in secret. */
  @Override
  public void upgradeToSecure() throws IOException {
    if (session().holdsBytes()) throw new IOException("bytes of the server before TLS");
    super.upgradeToSecure();
  }

  private final class Socket implements DirectSession.Wire {
    @Override
    public int read(byte[] into, int at, int length) throws IOException {
      return DirectDataPort.super.read(into, at, length);
    }

    @Override
    public void write(byte[] bytes, int length) throws IOException {
      DirectDataPort.super.write(bytes, length);
    }

    @Override
    public void close() throws IOException {
      DirectDataPort.super.close();
    }
  }
}
