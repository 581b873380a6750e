package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.support.IncomingHeadersProcessor;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectSession;
import org.natskvcache.metrics.Counter;

/**
 * The NATS client's socket. Messages of a {@link org.natskvcache.direct.DirectLine} are answered on
 * the client's reading thread. Messages that would end that thread are changed or dropped, and
 * counted. The client writes whole messages at a time (jnats 2.26.2, NatsConnectionWriter), so that
 * others may stand between them.
 *
 * <p>Public, with a public constructor, because the client makes it by name: one for each attempt
 * to connect.
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
    var made = new DirectSession(ConnectorEvents.lineOf(ours), new Socket(), new Client());
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

  /**
   * Whether the client can read the headers of a message. Asks the client's own parser (jnats
   * 2.26.2); what that throws, the client's reader does not catch.
   */
  public static boolean clientReads(byte[] headers) {
    try {
      return new IncomingHeadersProcessor(headers).getSerializedLength() > 0;
    } catch (RuntimeException e) {
      return false;
    }
  }

  private static final class Client implements DirectSession.Client {
    @Override
    public boolean reads(byte[] headers) {
      return clientReads(headers);
    }

    @Override
    public void spared() {
      Counter.UNREADABLE_MESSAGES.increment();
    }
  }
}
