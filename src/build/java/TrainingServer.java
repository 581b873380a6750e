import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * As much of a NATS server as the training run needs, so that a build needs none: subscriptions with
 * wildcards and messages with headers. Queue groups get every message, and nothing is checked.
 */
final class TrainingServer implements AutoCloseable {
  private record Subscription(Client client, String[] subject, String id) {
    boolean matches(String[] to) {
      for (int i = 0; i < subject.length; i++) {
        if (subject[i].equals(">")) return to.length > i;
        if (i >= to.length || !subject[i].equals("*") && !subject[i].equals(to[i])) return false;
      }
      return subject.length == to.length;
    }
  }

  private final ServerSocket socket = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();

  TrainingServer() throws IOException {
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return socket.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Client client = new Client(socket.accept());
        Thread.ofPlatform().daemon().start(client::serve);
      }
    } catch (IOException closed) {
      // the training is over
    }
  }

  private final class Client {
    private final Socket socket;
    private final OutputStream out;

    Client(Socket socket) throws IOException {
      this.socket = socket;
      socket.setTcpNoDelay(true);
      out = new BufferedOutputStream(socket.getOutputStream());
      send(
          "INFO {\"server_id\":\"TRAINING\",\"version\":\"2.10.0\",\"proto\":1,\"headers\":true,"
              + "\"max_payload\":1048576,\"host\":\"127.0.0.1\",\"port\":"
              + port()
              + "}",
          null);
    }

    private synchronized void send(String line, byte[] payload) throws IOException {
      out.write((line + "\r\n").getBytes(StandardCharsets.UTF_8));
      if (payload != null) {
        out.write(payload);
        out.write('\r');
        out.write('\n');
      }
      out.flush();
    }

    void serve() {
      try (socket; var in = new DataInputStream(new BufferedInputStream(socket.getInputStream()))) {
        for (String line = line(in); line != null; line = line(in)) {
          String[] words = line.split(" +");
          switch (words[0]) {
            case "PING" -> send("PONG", null);
            case "SUB" ->
                subscriptions.add(
                    new Subscription(this, words[1].split("\\."), words[words.length - 1]));
            case "UNSUB" ->
                subscriptions.removeIf(s -> s.client == this && s.id.equals(words[1]));
            case "PUB", "HPUB" -> {
              byte[] payload = new byte[Integer.parseInt(words[words.length - 1])];
              in.readFully(payload);
              line(in);
              publish(words, payload);
            }
            default -> {} // CONNECT, PONG
          }
        }
      } catch (IOException gone) {
        // as clients do
      } finally {
        subscriptions.removeIf(s -> s.client == this);
      }
    }

    private void publish(String[] words, byte[] payload) throws IOException {
      boolean headers = words[0].equals("HPUB");
      int sizes = headers ? 2 : 1;
      boolean reply = words.length > 2 + sizes;
      String tail = String.join(" ", List.of(words).subList(words.length - sizes, words.length));
      String[] to = words[1].split("\\.");
      for (Subscription each : subscriptions) {
        if (!each.matches(to)) continue;
        String line =
            (headers ? "HMSG " : "MSG ") + words[1] + " " + each.id + " "
                + (reply ? words[2] + " " : "") + tail;
        try {
          each.client.send(line, payload);
        } catch (IOException gone) {
          // its own thread will notice
        }
      }
    }
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) return null;
      if (b != '\r') line.append((char) b);
    }
    return line.toString();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
