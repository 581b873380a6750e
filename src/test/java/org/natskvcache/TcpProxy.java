package org.natskvcache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A wire that can be cut, to stand between an instance or a NATS server and a NATS server, all on
 * 127.0.0.1.
 *
 * <p>A cut behaves as a broken network does to TCP: connections stay open and nothing arrives; what
 * was sent meanwhile arrives after {@link #heal}, unless {@link #closeConnections} came first.
 * {@link #refuse} is the other way a server can be away: everybody is told at once.
 */
public final class TcpProxy implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 << 10;

  private volatile List<InetSocketAddress> targets;
  private final ServerSocket listener;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean toServerCut;
  private boolean toClientCut;
  private boolean refusing;

  private volatile int pieceBytes = BUFFER_BYTES;
  private volatile long pauseMillis;

  private TcpProxy(InetSocketAddress target) throws IOException {
    targets = List.of(target);
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  /** Listens on a free port and forwards to {@code targetPort}, both on 127.0.0.1. */
  public static TcpProxy to(int targetPort) {
    try {
      var proxy = new TcpProxy(new InetSocketAddress(InetAddress.getLoopbackAddress(), targetPort));
      Thread.ofPlatform().daemon().name("tcp-proxy-accept").start(proxy::accept);
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Forwards new connections to these ports in turn. */
  public void forwardTo(int... ports) {
    targets =
        Arrays.stream(ports)
            .mapToObj(port -> new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .toList();
  }

  /** The port to connect to instead of the server's. */
  public int port() {
    return listener.getLocalPort();
  }

  /** {@code nats://127.0.0.1:PORT}. */
  public String url() {
    return "nats://127.0.0.1:" + port();
  }

  /** Nothing passes any more in either direction; new connections are accepted and hang. */
  public void cut() {
    set(true, true, false);
  }

  /** What the client sends is held back; what the server sends passes. */
  public void cutToServer() {
    set(true, false, false);
  }

  /** What the server sends is held back; what the client sends passes. */
  public void cutToClient() {
    set(false, true, false);
  }

  /** Closes the connections there are and every new one. */
  public void refuse() {
    set(false, false, true);
    closeConnections();
  }

  /**
   * A narrow or long wire: in each direction at most so many bytes pass between two pauses. Who
   * sends more than that is soon kept waiting.
   */
  public void slow(int newPieceBytes, long newPauseMillis) {
    pieceBytes = Math.min(newPieceBytes, BUFFER_BYTES);
    pauseMillis = newPauseMillis;
  }

  /** Everything passes again and at once, what was held back first. */
  public void heal() {
    slow(BUFFER_BYTES, 0);
    set(false, false, false);
  }

  /** Breaks the connections there are; what was held back is lost. Cuts stay as they are. */
  public void closeConnections() {
    links.forEach(Link::close);
  }

  /** Connections open right now. */
  public int connections() {
    return links.size();
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    refuse();
  }

  private void set(boolean toServer, boolean toClient, boolean refuse) {
    lock.lock();
    try {
      toServerCut = toServer;
      toClientCut = toClient;
      refusing = refuse;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void accept() {
    for (int turn = 0; ; turn++) {
      Socket client;
      try {
        client = listener.accept();
      } catch (IOException e) {
        return; // closed
      }
      List<InetSocketAddress> among = targets;
      InetSocketAddress target = among.get(turn % among.size());
      Thread.ofPlatform().daemon().name("tcp-proxy-to-server").start(() -> connect(client, target));
    }
  }

  private void connect(Socket client, InetSocketAddress target) {
    var link = new Link(client, new Socket());
    links.add(link);
    try {
      lock.lock();
      try {
        if (refusing) {
          link.close();
          return;
        }
      } finally {
        lock.unlock();
      }
      link.server.connect(target);
      Thread.ofPlatform().daemon().name("tcp-proxy-to-client").start(() -> link.pump(false));
      link.pump(true);
    } catch (IOException e) {
      link.close(); // the server is away: so are we
    }
  }

  /** Waits while this direction is cut; false when the link was closed meanwhile. */
  private boolean passable(boolean toServer, Link link) throws InterruptedException {
    lock.lock();
    try {
      while ((toServer ? toServerCut : toClientCut) && !link.closed) {
        changed.await();
      }
      return !link.closed;
    } finally {
      lock.unlock();
    }
  }

  /** One client's connection and ours to the server for it. */
  private final class Link {
    private final Socket client;
    private final Socket server;
    private volatile boolean closed;

    Link(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    void pump(boolean toServer) {
      Socket from = toServer ? client : server;
      Socket to = toServer ? server : client;
      byte[] buffer = new byte[BUFFER_BYTES];
      try {
        while (true) {
          int read = from.getInputStream().read(buffer, 0, pieceBytes);
          // The end of the stream is news too: it waits for the wire like any byte.
          if (!passable(toServer, this) || read < 0) {
            return;
          }
          to.getOutputStream().write(buffer, 0, read);
          if (pauseMillis > 0) {
            Thread.sleep(pauseMillis);
          }
        }
      } catch (IOException e) {
        // one side is gone: close both
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        close();
      }
    }

    void close() {
      lock.lock();
      try {
        closed = true;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
      links.remove(this);
      for (Socket socket : new Socket[] {client, server}) {
        try {
          socket.close();
        } catch (IOException e) {
          // nothing is left to do with it
        }
      }
    }
  }
}
