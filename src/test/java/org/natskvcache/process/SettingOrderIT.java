package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.nats.TestNkeys;

/** A command goes to the server that the person named, and nowhere else. */
class SettingOrderIT {
  private final ProviderFixture fixture = new ProviderFixture();

  @TempDir Path folder;

  @AfterEach
  void close() {
    fixture.close();
  }

  /** A place that nobody is to come to; holds what connects until it is asked. */
  private final class Elsewhere implements AutoCloseable {
    private final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    Elsewhere() throws IOException {}

    String url() {
      return "nats://127.0.0.1:" + socket.getLocalPort();
    }

    /** What connected before would be there by now: the process that might have has ended. */
    void assertNobodyCame() throws IOException {
      socket.setSoTimeout(1);
      assertThrows(SocketTimeoutException.class, socket::accept);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private ProviderProcess run(Map<String, String> environment, String stdin, String... args) {
    return fixture.open(ProviderProcess.start(environment, stdin, args));
  }

  private String linkFile(String config) throws IOException {
    Path file = folder.resolve("links.json");
    Files.writeString(file, "[{\"name\":\"default\",\"config\":" + config + "}]");
    return file.toString();
  }

  private static void assertEnds(ProviderProcess process) {
    assertEquals(0, process.awaitExit(), () -> process.output() + " " + process.log());
  }

  @Test
  void aPromptMeantForOneServerWritesToNoOther() throws Exception {
    var environment = fixture.open(new Elsewhere());
    var file = fixture.open(new Elsewhere());
    String links = linkFile("{\"NATS_URL\":\"" + file.url() + "\"}");
    String url = fixture.nats.url();
    Map<String, String> far = Map.of("NATS_URL", environment.url());
    ProviderProcess serve = serve(far, "--nats-url", url);
    assertEnds(run(far, "SET k v\n", "shell", "--nats-url", url, "--link-file", links));
    String typed = "default:NATS_URL=" + url;
    var shell = run(far, "GET k\n", "shell", "--link-config", typed, "--link-file", links);
    assertEnds(shell);
    assertEquals(List.of("\"v\""), shell.output());
    for (String[] server : new String[][] {{"--nats-url", url}, {"--link-config", typed}}) {
      assertEnds(run(far, "", "doctor", server[0], server[1], "--link-file", links));
    }
    environment.assertNobodyCame();
    file.assertNobodyCame();
    String near = linkFile("{\"NATS_URL\":\"" + url + "\"}");
    var byFile = run(far, "GET k\n", "shell", "--link-file", near);
    assertEnds(byFile);
    assertEquals(List.of("\"v\""), byFile.output());
    assertEnds(run(far, "", "doctor", "--link-file", near));
    serve.terminate();
    assertEnds(serve);
    environment.assertNobodyCame();
  }

  @Test
  void benchCallsWhereItsOptionSays() throws Exception {
    var environment = fixture.open(new Elsewhere());
    ProviderProcess serve = serve(Map.of(), "--nats-url", fixture.nats.url());
    String[] bench = {
      "bench", "--nats-url", fixture.nats.url(), "--target", "kv", "--calls", "5", "--warm-up", "0"
    };
    assertEnds(run(Map.of("NATS_URL", environment.url()), "", bench));
    environment.assertNobodyCame();
    serve.terminate();
    assertEnds(serve);
  }

  private ProviderProcess serve(Map<String, String> environment, String... args) {
    List<String> all = new ArrayList<>(List.of("serve", "--provider-id", "kv"));
    all.addAll(List.of("--component", "bench"));
    all.addAll(Arrays.asList(args));
    ProviderProcess serve = run(environment, "", all.toArray(String[]::new));
    serve.awaitLog("door_open protocol=wrpc");
    serve.awaitLog(" live link=default");
    return serve;
  }

  @Test
  void serveSaysWhichServerEachLinkHasAndWhy() throws Exception {
    String url = fixture.nats.url();
    try (NatsForTests other = fixture.openServer()) {
      var environment = fixture.open(new Elsewhere());
      ProviderProcess serve =
          serve(
              Map.of("NATS_URL", environment.url()),
              "--nats-url",
              url,
              "--link-file",
              linkFile("{\"NATS_URL\":\"" + other.url() + "\"}"),
              "--link",
              "plain",
              "--link-config",
              "typed:NATS_URL=" + other.url());
      serve.awaitLog("event=link_server link=default server=" + other.url() + " from=--link-file");
      serve.awaitLog("event=link_server link=plain server=" + url + " from=--nats-url");
      serve.awaitLog("event=link_server link=typed server=" + other.url() + " from=--link-config");
      assertTrue(serve.awaitLog("event=started").contains("servers=" + url + " "));
      serve.terminate();
      assertEnds(serve);
      environment.assertNobodyCame();
    }
    ProviderProcess serve = serve(Map.of("NATS_URL", url));
    serve.awaitLog("event=link_server link=default server=" + url + " from=environment");
    serve.terminate();
    assertEnds(serve);
    var shell = run(Map.of(), "GET k\n", "shell", "--log-level", "info");
    shell.awaitLog("event=link_server link=default server=none from=none");
    assertEnds(shell);
  }

  /** Credentials of every kind, for every command, on a server in operator mode. */
  @Test
  void aFileOfCredentialsServesEveryCommand() throws Exception {
    TestNkeys operator = TestNkeys.operator();
    TestNkeys account = TestNkeys.account();
    String creds = TestNkeys.user().creds(account);
    Path file = Files.writeString(folder.resolve("user.creds"), creds);
    NatsForTests nats = fixture.open(NatsForTests.start(operator.serverConfig(account), Map.of()));
    Map<String, String> byName = Map.of("NATS_URL", nats.url(), "NATS_CREDS_FILE", file.toString());
    Map<String, String> byContent = Map.of("NATS_URL", nats.url(), "NATS_CREDS", creds);
    for (Map<String, String> environment : List.of(byName, byContent)) {
      ProviderProcess serve = serve(environment);
      assertEnds(run(environment, "SET k v\n", "shell"));
      assertEnds(run(environment, "", "doctor"));
      String[] bench = {"bench", "--target", "kv", "--calls", "5", "--warm-up", "0"};
      assertEnds(run(environment, "", bench));
      serve.terminate();
      assertEnds(serve);
    }
    String links =
        linkFile("{\"NATS_URL\":\"%s\",\"NATS_CREDS_FILE\":\"%s\"}".formatted(nats.url(), file));
    assertEnds(run(Map.of("CLIENT_SEED", "nonsense"), "GET k\n", "shell", "--link-file", links));
    String typed = "default:NATS_CREDS_FILE=" + file;
    String[] shell = {"shell", "--nats-url", nats.url(), "--link-config", typed};
    assertEnds(run(Map.of(), "GET k\n", shell));
    String[] bench = {"bench", "--nats-url", nats.url(), "--target", "kv", "--creds", "/no/such"};
    var refused = run(Map.of(), "", bench);
    assertEquals(1, refused.awaitExit());
    assertEquals(List.of("nats-kvcache: --creds cannot be read: /no/such"), refused.log());
  }
}
