package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NatsForTestsIT {
  @Test
  void greetsAndKeepsItsPortOverARestart() throws IOException {
    try (var nats = NatsForTests.start()) {
      assertTrue(greeting(nats.port()).startsWith("INFO "));
      nats.kill();
      assertThrows(IOException.class, () -> greeting(nats.port()));
      nats.restart();
      assertTrue(greeting(nats.port()).startsWith("INFO "));
    }
  }

  @Test
  void takesConfigurationAndFiles() throws IOException {
    var files = Map.of("name.conf", "server_name: from-file\n".getBytes(StandardCharsets.UTF_8));
    try (var nats = NatsForTests.start("include name.conf\n", files)) {
      assertTrue(greeting(nats.port()).contains("\"server_name\":\"from-file\""));
    }
  }

  @Test
  void isGoneWhenClosed() {
    var nats = NatsForTests.start();
    nats.close();
    assertThrows(IOException.class, () -> greeting(nats.port()));
  }

  @Test
  void proxyHoldsBackWhatACutKeepsFromPassing() throws IOException {
    try (var nats = NatsForTests.start();
        var proxy = TcpProxy.to(nats.port());
        var socket = new Socket("127.0.0.1", proxy.port())) {
      var in = socket.getInputStream();
      assertEquals('I', in.read());
      proxy.cut();
      socket.getOutputStream().write("CONNECT {}\r\nPING\r\n".getBytes(StandardCharsets.US_ASCII));
      socket.setSoTimeout(100);
      assertThrows(
          IOException.class,
          () -> {
            while (true) { // the rest of the greeting may have passed already, the PONG cannot
              if (in.read() < 0) {
                return;
              }
            }
          });
      socket.setSoTimeout((int) Waiting.PATIENCE.toMillis());
      proxy.heal();
      String rest = new String(in.readNBytes(5), StandardCharsets.US_ASCII);
      assertTrue(rest.contains("OK") || rest.contains("PONG"), rest);
      proxy.refuse();
      Waiting.until("connections closed", () -> proxy.connections() == 0);
    }
  }

  private static String greeting(int port) throws IOException {
    try (var socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout((int) Waiting.PATIENCE.toMillis());
      byte[] buffer = new byte[4096];
      int read = socket.getInputStream().read(buffer);
      return read < 0 ? "" : new String(buffer, 0, read, StandardCharsets.US_ASCII);
    }
  }
}
