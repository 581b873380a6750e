package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import ch.qos.logback.classic.Level;
import io.nats.client.Connection;
import io.nats.client.Nats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.LogLines;
import org.natskvcache.NatsForTests;
import org.natskvcache.TlsForTests;

/** Every way to prove who we are and to check who the server is, against a real server. */
class NatsConnectorIT {
  @TempDir Path folder;

  @Test
  void connectsWithoutCredentials() {
    assertConnects("", url -> ConnectionSettings.of(url));
  }

  @Test
  void connectsWithUserAndPassword() {
    assertConnects(
        "authorization { user: \"us@er\", password: \"p:a/s+s%\" }\n",
        url -> ConnectionSettings.of(url.replace("//", "//us%40er:p%3Aa%2Fs+s%25@")));
  }

  @Test
  void connectsWithAToken() {
    assertConnects(
        "authorization { token: \"s3cret-token\" }\n",
        url -> ConnectionSettings.of(url.replace("//", "//s3cret-token@")));
  }

  @Test
  void connectsWithAnNkeySeedAlone() {
    TestNkeys user = TestNkeys.user();
    assertConnects(
        "authorization { users: [ { nkey: " + user.publicKey() + " } ] }\n",
        url -> ConnectionSettings.of(url).withCredentials(null, user.seed()));
  }

  @Test
  void connectsWithAJwtAndItsSeed() {
    TestNkeys operator = TestNkeys.operator();
    TestNkeys account = TestNkeys.account();
    TestNkeys user = TestNkeys.user();
    assertConnects(
        operator.serverConfig(account),
        url -> ConnectionSettings.of(url).withCredentials(account.userJwt(user), user.seed()));
  }

  @Test
  void connectsWithAFileOfCredentials() throws IOException {
    TestNkeys operator = TestNkeys.operator();
    TestNkeys account = TestNkeys.account();
    TestNkeys user = TestNkeys.user();
    Path file = Files.writeString(folder.resolve("user.creds"), user.creds(account));
    assertConnects(
        operator.serverConfig(account), url -> ConnectionSettings.of(url).withCredsFile(file));
  }

  /** The server knows another user when it comes back. */
  @Test
  void renewedCredentialsAreUsedAtTheNextReconnect() throws IOException {
    TestNkeys first = TestNkeys.user();
    TestNkeys second = TestNkeys.user();
    Path file = Files.writeString(folder.resolve("user.creds"), first.seed());
    String config = "include \"users.conf\"\n";
    try (NatsForTests nats = NatsForTests.start(config, Map.of("users.conf", users(first)))) {
      var heard = new Heard();
      var settings = ConnectionSettings.of(nats.url()).withCredsFile(file);
      try (var _ = NatsConnector.open(settings, ConnectionTuning.replication("test"), heard)) {
        until("up", () -> heard.said("up"));
        nats.kill();
        until("down", () -> heard.said("down"));
        nats.replaceFile("users.conf", users(second));
        Files.writeString(file, second.seed());
        nats.restart();
        until("up again", () -> heard.list().getLast().equals("up"));
        assertEquals(List.of("attached", "up", "down", "up"), heard.list());
      }
    }
  }

  private static byte[] users(TestNkeys user) {
    return "authorization { users: [ { nkey: %s } ] }\n"
        .formatted(user.publicKey())
        .getBytes(UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ws", "wss"})
  void carriesMessagesOfAnySizeOverWebSockets(String scheme) throws Exception {
    Assumptions.assumeTrue(NatsForTests.program().isPresent(), "a container shows one port");
    int port = NatsForTests.freePort();
    String config =
        "websocket { host: \"127.0.0.1\", port: %d, %s }\n"
            .formatted(
                port,
                scheme.equals("ws")
                    ? "no_tls: true"
                    : "tls { cert_file: \"$DIR/server.pem\", key_file: \"$DIR/server-key.pem\" }");
    var settings = ConnectionSettings.of(scheme + "://127.0.0.1:" + port);
    if (scheme.equals("wss")) settings = settings.withTls(TlsForTests.file("ca.pem"), null, null);
    for (var tuning :
        List.of(ConnectionTuning.door("test"), ConnectionTuning.replication("test"))) {
      var heard = new Heard("subject");
      try (var nats = NatsForTests.start(config, TlsForTests.serverFiles());
          var connector = NatsConnector.open(settings, tuning, heard)) {
        until("up", () -> heard.said("up"));
        exchange(nats.url(), connector.connection(), heard);
        nats.kill();
        until("down", () -> heard.said("down"));
        nats.restart();
        until("up again", () -> heard.list().getLast().equals("up"));
      }
    }
  }

  /** Sizes around those at which a frame of a web socket has another head. */
  private static void exchange(String url, Connection connection, Heard heard) throws Exception {
    Connection other = Nats.connect(url);
    try {
      for (int bytes : new int[] {0, 125, 126, 1_000, 65_535, 65_536, 1_000_000}) {
        byte[] body = new byte[bytes];
        new Random(bytes).nextBytes(body);
        var there = other.subscribe("there");
        other.flush(Duration.ofSeconds(20));
        connection.publish("there", body);
        assertArrayEquals(body, there.nextMessage(Duration.ofSeconds(20)).getData());
        there.unsubscribe();
        other.publish("subject", body);
        until("what was sent", () -> heard.bodies.stream().anyMatch(b -> Arrays.equals(b, body)));
      }
    } finally {
      other.close();
    }
  }

  @Test
  void connectsByTlsToAServerOfOurAuthority() {
    assertConnects(
        TlsForTests.SERVER.formatted(""),
        url -> ConnectionSettings.of(tls(url)).withTls(TlsForTests.file("ca.pem"), null, null));
  }

  @Test
  void connectsByTlsToANameInTheCertificate() {
    assertConnects(
        TlsForTests.SERVER.formatted(""),
        url ->
            ConnectionSettings.of(tls(url).replace("127.0.0.1", "localhost"))
                .withTls(TlsForTests.file("ca.pem"), null, null));
  }

  @Test
  void showsItsOwnCertificateWhenAsked() {
    assertConnects(
        TlsForTests.SERVER.formatted(", ca_file: \"$DIR/ca.pem\", verify: true"),
        url ->
            ConnectionSettings.of(tls(url))
                .withTls(
                    TlsForTests.file("ca.pem"),
                    TlsForTests.file("client.pem"),
                    TlsForTests.file("client-key.pem")));
  }

  @Test
  void tlsAndPasswordGoTogether() {
    assertConnects(
        TlsForTests.SERVER.formatted("") + "authorization { user: u, password: pw }\n",
        url ->
            ConnectionSettings.of(tls(url).replace("//", "//u:pw@"))
                .withTls(TlsForTests.file("ca.pem"), null, null));
  }

  @Test
  void refusesAServerOfAnotherAuthority() {
    assertNeverConnects(
        TlsForTests.SERVER.formatted(""),
        url ->
            ConnectionSettings.of(tls(url)).withTls(TlsForTests.file("other-ca.pem"), null, null),
        "PKIX");
  }

  @Test
  void refusesAServerWithAnotherNameInItsCertificate() {
    assertNeverConnects(
        TlsForTests.SERVER.formatted("").replace("server", "elsewhere"),
        url -> ConnectionSettings.of(tls(url)).withTls(TlsForTests.file("ca.pem"), null, null),
        "127.0.0.1");
  }

  @Test
  void refusesAServerWithoutTlsWhenTlsWasAskedFor() {
    assertNeverConnects(
        "",
        url -> ConnectionSettings.of(url).withTls(TlsForTests.file("ca.pem"), null, null),
        "SSL");
  }

  /**
   * The system does not trust the test's authority, but that it was asked shows that TLS was tried.
   */
  @Test
  void takesUpTlsWhenAPlainAddressLeadsToAServerThatDemandsIt() {
    assertNeverConnects(TlsForTests.SERVER.formatted(""), ConnectionSettings::of, "PKIX");
  }

  @Test
  void unreadableFilesAreToldByTheirSetting() {
    assertNeverConnects(
        TlsForTests.SERVER.formatted(""),
        url -> ConnectionSettings.of(tls(url)).withTls(Path.of("no-such.pem"), null, null),
        "NATS_CA_FILE");
    assertNeverConnects(
        TlsForTests.SERVER.formatted(""),
        url -> ConnectionSettings.of(url).withTls(TlsForTests.file("server-key.pem"), null, null),
        "NATS_CA_FILE");
    assertNeverConnects(
        TlsForTests.SERVER.formatted(""),
        url ->
            ConnectionSettings.of(url)
                .withTls(
                    TlsForTests.file("ca.pem"),
                    TlsForTests.file("client.pem"),
                    TlsForTests.file("client.pem")),
        "NATS_KEY_FILE");
    assertNeverConnects(
        TlsForTests.SERVER.formatted(""),
        url ->
            ConnectionSettings.of(url)
                .withTls(
                    TlsForTests.file("ca.pem"),
                    TlsForTests.file("client.pem"),
                    TlsForTests.file("server-key.pem")),
        "NATS_KEY_FILE");
  }

  @Test
  void wrongPasswordIsOneLineAndTriedForEver() {
    assertNeverConnects(
        "authorization { user: u, password: right }\n",
        url -> ConnectionSettings.of(url.replace("//", "//u:wr0ng-secret@")),
        Level.ERROR,
        "Authorization Violation");
  }

  @Test
  void strangersSeedIsOneLineAndTriedForEver() {
    assertNeverConnects(
        "authorization { users: [ { nkey: " + TestNkeys.user().publicKey() + " } ] }\n",
        url -> ConnectionSettings.of(url).withCredentials(null, TestNkeys.user().seed()),
        Level.ERROR,
        "Authorization Violation");
  }

  /** The client closes its connection after two refusals in a row; the connector begins anew. */
  @Test
  void comesBackWhenCredentialsAreValidAgain() {
    String good = "authorization { user: u, password: pw }\n";
    var files = Map.of("auth.conf", good.getBytes(UTF_8));
    var heard = new Heard();
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start("include auth.conf\n", files);
        var connector =
            NatsConnector.open(
                ConnectionSettings.of(nats.url().replace("//", "//u:pw@")),
                ConnectionTuning.door("test"),
                heard)) {
      until("up", () -> heard.said("up"));
      nats.replaceFile("auth.conf", good.replace("pw", "other").getBytes(UTF_8));
      nats.restart();
      until("down", () -> heard.said("down"));
      until("refused", () -> log.all().toString().contains("Authorization Violation"));
      until(
          "given up by the client",
          () -> connector.connection().getStatus() == Connection.Status.CLOSED);
      nats.replaceFile("auth.conf", good.getBytes(UTF_8));
      nats.restart();
      until(
          "up again",
          () -> heard.list().equals(List.of("attached", "up", "down", "attached", "up")));
      assertFalse(log.anyStackTrace(), log.all()::toString);
    }
  }

  @Test
  void refusedSubscriptionIsToldToTheOperator() {
    String config =
        "authorization { users: [ { user: u, password: pw, permissions: { subscribe: \"ok\" } } ] }\n";
    var heard = new Heard("forbidden.subject");
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start(config, Map.of());
        var _ =
            NatsConnector.open(
                ConnectionSettings.of(nats.url().replace("//", "//u:pw@")),
                ConnectionTuning.door("test"),
                heard)) {
      until(
          "complaint",
          () -> log.at(Level.WARN).stream().anyMatch(line -> line.contains("forbidden.subject")));
    }
  }

  /** The server ends just when the connector makes its connection anew, which is no outage. */
  @Test
  void outageThatBeginsWhileARefusedSubjectIsTriedAnewIsToldWithItsEnd() {
    String config =
        "authorization { users: [ { user: u, password: pw, permissions: { subscribe: \"ok\" } } ] }\n";
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start(config, Map.of())) {
      var heard =
          new Heard("forbidden.subject") {
            @Override
            public boolean notAllowed(String reason) {
              return true;
            }

            @Override
            public void down() {
              if (!said("down")) nats.kill();
              super.down();
            }
          };
      try (var _ =
          NatsConnector.open(
              ConnectionSettings.of(nats.url().replace("//", "//u:pw@")),
              ConnectionTuning.door("test"),
              heard)) {
        until("out of reach", () -> log.at(Level.WARN).toString().contains("out of reach"));
        nats.restart();
        until(
            "up again",
            () -> heard.list().equals(List.of("attached", "up", "down", "attached", "up")));
        assertEquals(2, log.at(Level.INFO).size(), log.all()::toString);
      }
    }
  }

  @Test
  void serverThatStandsStillIsLostUntilItAnswers() {
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start()) {
      var loggedBefore = new AtomicReference<String>("");
      var heard =
          new Heard() {
            @Override
            public void down() {
              loggedBefore.compareAndSet("", log.at(Level.WARN).toString());
              super.down();
            }
          };
      try (var _ = open(ConnectionSettings.of(nats.url()), heard)) {
        until("up", () -> heard.said("up"));
        nats.pause();
        until("down", () -> heard.said("down"));
        assertTrue(loggedBefore.get().contains("the server does not answer"), log.all()::toString);
        nats.resume();
        until("up again", () -> heard.list().equals(List.of("attached", "up", "down", "up")));
      }
    }
  }

  /** The last two end the client's reader without a word. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Hello\r\n",
        "MSG a 1 4294967295\r\n",
        "HMSG a 1 9 3\r\n",
        "PING\rPONG\r\n",
        "INFO \r\n",
        "INFO {\"max_payload\":\"\r\n"
      })
  void whateverTheServerSaysTheConnectionComesBack(String garbage) throws Exception {
    var heard = new Heard();
    try (var server = new StandInServer("");
        var _ = open(ConnectionSettings.of(server.address()), heard)) {
      until("up", () -> heard.said("up"));
      server.send(garbage);
      until("down", () -> heard.said("down"));
      until("up again", () -> heard.list().equals(List.of("attached", "up", "down", "up")));
      assertEquals(2, server.connections());
    }
  }

  @Test
  void renewedFilesCountForTheClientsOwnReconnects(@TempDir Path folder) throws Exception {
    Path ca = folder.resolve("ca.pem");
    Files.copy(TlsForTests.file("ca.pem"), ca);
    var heard = new Heard();
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start(TlsForTests.SERVER.formatted(""), TlsForTests.serverFiles());
        var _ = open(ConnectionSettings.of(tls(nats.url())).withTls(ca, null, null), heard)) {
      until("up", () -> heard.said("up"));
      Files.copy(TlsForTests.file("other-ca.pem"), ca, StandardCopyOption.REPLACE_EXISTING);
      nats.restart();
      until("refused", () -> nats.log().contains("TLS handshake error"));
      assertFalse(heard.list().subList(2, heard.list().size()).contains("up"));
      Files.copy(TlsForTests.file("ca.pem"), ca, StandardCopyOption.REPLACE_EXISTING);
      until("up again", () -> heard.list().equals(List.of("attached", "up", "down", "up")));
      assertEquals(1, log.at(Level.WARN).size(), log.all()::toString);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void serversThatAServerTellsOfAreTriedUnlessIgnored(boolean ignored) throws Exception {
    var heard = new Heard();
    try (var other = new StandInServer("");
        var server = new StandInServer(",\"connect_urls\":[\"" + other.address() + "\"]");
        var _ = open(ConnectionSettings.of(server.address()).ignoringDiscovered(ignored), heard)) {
      until("up", () -> heard.said("up"));
      server.refuse();
      if (ignored) until("tried again", () -> server.connections() > 5);
      else until("up again", () -> heard.list().equals(List.of("attached", "up", "down", "up")));
      assertEquals(ignored ? 0 : 1, other.connections());
    }
  }

  /** As when a cleaner has taken files that the runtime loads late. */
  @Test
  void errorWhileAttachingIsAnOutage() {
    var failures = new AtomicInteger(2);
    var heard =
        new Heard() {
          @Override
          public void attached(Connection connection) {
            super.attached(connection);
            if (failures.getAndDecrement() > 0) throw new NoClassDefFoundError("a/b/C");
          }
        };
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start();
        var _ = open(ConnectionSettings.of(nats.url()), heard)) {
      until("up", () -> heard.list().equals(List.of("attached", "attached", "attached", "up")));
      assertEquals(1, log.at(Level.WARN).size(), log.all()::toString);
      assertTrue(log.at(Level.WARN).toString().contains("NoClassDefFoundError: a/b/C"));
    }
  }

  private static NatsConnector open(ConnectionSettings settings, Heard heard) {
    return NatsConnector.open(settings, ConnectionTuning.door("test"), heard);
  }

  private interface Settings {
    ConnectionSettings of(String url);
  }

  private static void assertConnects(String config, Settings settings) {
    var heard = new Heard();
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start(config, TlsForTests.serverFiles());
        var connector =
            NatsConnector.open(settings.of(nats.url()), ConnectionTuning.door("test"), heard)) {
      until(() -> "up; " + log.all(), () -> heard.said("up"));
      assertEquals(Connection.Status.CONNECTED, connector.connection().getStatus());
      assertEquals(List.of(), log.at(Level.WARN));
      assertEquals(1, log.at(Level.INFO).size());
      assertNoSecret(log);
    }
    assertEquals(List.of("attached", "up"), heard.list());
  }

  private static void assertNeverConnects(String config, Settings settings, String... reasons) {
    assertNeverConnects(config, settings, Level.WARN, reasons);
  }

  private static void assertNeverConnects(
      String config, Settings settings, Level level, String... reasons) {
    var heard = new Heard();
    try (var log = LogLines.of(NatsConnector.class);
        var nats = NatsForTests.start(config + "debug: true\n", TlsForTests.serverFiles());
        var _ = NatsConnector.open(settings.of(nats.url()), ConnectionTuning.door("test"), heard)) {
      until(() -> "said so; " + log.all(), () -> !log.at(level).isEmpty());
      boolean reachesServer = !reasons[0].startsWith("NATS_");
      if (reachesServer) {
        until("tries again", () -> nats.log().split("Client connection created", -1).length > 3);
      }
      List<String> warnings = log.at(level);
      assertEquals(1, warnings.size(), log.all()::toString);
      assertEquals(1, log.all().size(), log.all()::toString);
      assertTrue(
          List.of(reasons).stream().anyMatch(warnings.getFirst()::contains), warnings::toString);
      assertFalse(log.anyStackTrace());
      assertNoSecret(log);
    }
    assertEquals(List.of(), heard.list());
  }

  private static void assertNoSecret(LogLines log) {
    for (String secret : List.of("s3cret", "wr0ng", "p:a/s", "p%3A", "eyJ", "\"SU")) {
      assertFalse(log.all().toString().contains(secret), log.all()::toString);
    }
  }

  private static String tls(String url) {
    return url.replace("nats://", "tls://");
  }

  /** What a listener was told, in order. */
  private static class Heard implements NatsConnector.Listener {
    private final List<String> calls = new CopyOnWriteArrayList<>();
    private final List<String> subjects;
    private final List<byte[]> bodies = new CopyOnWriteArrayList<>();

    Heard(String... subjects) {
      this.subjects = List.of(subjects);
    }

    List<String> list() {
      return List.copyOf(calls);
    }

    boolean said(String call) {
      return calls.contains(call);
    }

    @Override
    public void attached(Connection connection) {
      calls.add("attached");
      var dispatcher = connection.createDispatcher(message -> bodies.add(message.getData()));
      subjects.forEach(dispatcher::subscribe);
    }

    @Override
    public void up(Connection connection) {
      calls.add("up");
    }

    @Override
    public void down() {
      calls.add("down");
    }
  }
}
