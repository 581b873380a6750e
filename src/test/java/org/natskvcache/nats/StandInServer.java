package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Takes connections and answers pings as a NATS server does, and says what a test wants. */
final class StandInServer implements AutoCloseable {
  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final String more;
  private volatile boolean refusing;

  /**
   * @param more of the information it sends first, as members of a JSON object
   */
  StandInServer(String more) throws IOException {
    this.more = more;
    Thread.ofPlatform().daemon().name("stand-in").start(this::accept);
  }

  String address() {
    return "127.0.0.1:" + listener.getLocalPort();
  }

  /** Connections it has had. */
  int connections() {
    return sockets.size();
  }

  /** Sends this on the last connection. */
  void send(String bytes) throws IOException {
    sockets.getLast().getOutputStream().write(bytes.getBytes(ISO_8859_1));
  }

  /** Closes the connections there are and every new one. */
  void refuse() throws IOException {
    refusing = true;
    closeConnections();
  }

  private void closeConnections() throws IOException {
    for (Socket socket : sockets) socket.close();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = listener.accept();
        sockets.add(socket);
        Thread.ofPlatform().daemon().name("stand-in answers").start(() -> answer(socket));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void answer(Socket socket) {
    try (socket) {
      if (refusing) return;
      String info = "{\"version\":\"2.9.0\",\"proto\":1,\"headers\":true,\"max_payload\":1048576";
      var out = socket.getOutputStream();
      out.write(("INFO " + info + more + "}\r\n").getBytes(ISO_8859_1));
      var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.equals("PING")) out.write("PONG\r\n".getBytes(ISO_8859_1));
      }
    } catch (IOException e) {
      // closed
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    closeConnections();
  }
}
