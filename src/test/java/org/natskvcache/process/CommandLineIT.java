package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wasmbus.Vectors;

/** Run by a person: {@code serve} and {@code shell}. */
class CommandLineIT {
  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private ProviderProcess run(String stdin, String... args) {
    return fixture.open(ProviderProcess.start(Map.of(), stdin, args));
  }

  @Test
  void aScriptRunsOnAPrivateCache() {
    var shell = run("SET greeting \"hello world\"\nGET greeting\nINCRBY n 2\n# done\n\n", "shell");
    assertEquals(0, shell.awaitExit(), () -> shell.log().toString());
    assertEquals(List.of("OK", "\"hello world\"", "(integer) 2"), shell.output());
    assertEquals(List.of(), shell.log());
  }

  @Test
  void aScriptStopsAtItsFirstError() {
    var shell = run("RPUSH l x\nINCR l\nSET never reached\n", "shell");
    assertEquals(1, shell.awaitExit());
    assertEquals(List.of("(integer) 1"), shell.output());
    assertEquals(1, shell.log().size(), () -> shell.log().toString());
    assertTrue(shell.log().getFirst().startsWith("nats-kvcache: line 2: "));
  }

  @Test
  void aScriptThatCannotBeginDoesNot() {
    fixture.nats.kill();
    var shell = run("SET k v\n", "shell", "--nats-url", fixture.nats.url());
    assertEquals(1, shell.awaitExit());
    assertEquals(List.of(), shell.output());
    assertTrue(shell.log().getLast().contains("not live"), () -> shell.log().toString());
  }

  @Test
  void twoShellsAgree() {
    String[] args = {
      "shell",
      "--alone", // who leaves last has nobody to hear it
      "--nats-url",
      fixture.nats.url(),
      "--link",
      "default",
      "--link",
      "other",
      "--link-config",
      "default:REPLAY_HEARTBEAT_SECS=1"
    };
    var first = run(null, args);
    var second = run(null, args);
    first.write("SET greeting hello\nINCRBY visits 2\nUSE other\nSET greeting elsewhere\nLINKS\n");
    first.awaitOutput("* other");
    second.write("INCRBY visits 3\nLINKS\n");
    second.awaitOutput("* default");
    untilAnswered(second, "GET greeting", "\"hello\"");
    untilAnswered(second, "GET visits", "\"5\"");
    untilAnswered(second, "PEERS", "equal");
    second.write("USE other\n");
    untilAnswered(second, "GET greeting", "\"elsewhere\"");
    first.write("USE default\n");
    untilAnswered(first, "GET visits", "\"5\"");
    untilAnswered(first, "PEERS", "equal");
    for (var shell : List.of(first, second)) {
      shell.closeInput();
      assertEquals(0, shell.awaitExit(), () -> shell.log().toString());
      assertEquals(List.of(), shell.log());
    }
  }

  /** Asks again and again, as a person would. */
  private static void untilAnswered(ProviderProcess shell, String question, String part) {
    until(
        () -> question + " answered with " + part + "; " + shell.output(),
        () -> {
          int before = shell.output().size();
          shell.write(question + "\n");
          until("an answer", () -> shell.output().size() > before);
          return shell.output().getLast().contains(part);
        });
  }

  /** What is served is what a shell sees, and the other way round. */
  @Test
  void serveAnswersSignedCallsAndReplicates() {
    var serve =
        run(
            "",
            "serve",
            "--nats-url",
            fixture.nats.url(),
            "--lattice",
            "by.hand",
            "--cluster-issuer",
            Vectors.key("cluster_public"),
            "--actor",
            Provider.ACTOR);
    String announced = serve.awaitOutput("provider-id=");
    HostDataLine asIfHosted =
        fixture
            .hostData()
            .with("lattice_rpc_prefix", "by.hand")
            .with("provider_key", announced.substring("provider-id=".length()));
    var provider = new Provider(fixture.host, asIfHosted, serve);
    provider.awaitHealth(true, "link default: live");
    provider.calls.set("greeting", "hello");
    assertEquals(2, provider.calls.increment("visits", 2));
    var shell = run("GET greeting\nINCRBY visits 3\n", "shell", "--nats-url", fixture.nats.url());
    assertEquals(0, shell.awaitExit(), () -> shell.log().toString());
    assertEquals(List.of("\"hello\"", "(integer) 5"), shell.output());
    until("its change", () -> provider.calls.get("visits").equals(Optional.of("5")));
    assertTrue(provider.callsOf("MSTRANGER").error("Get", new byte[0]).contains("unlinked"));
    serve.terminate();
    assertEquals(0, serve.awaitExit());
    assertEquals(List.of(announced), serve.output());
  }

  @Test
  void serveTakesItsServerFromTheEnvironment() {
    var serve =
        fixture.open(
            ProviderProcess.start(
                Map.of("NATS_URL", fixture.nats.url()), "", "serve", "--link", "a", "--link", "b"));
    serve.awaitLog("event=door_open");
    until(
        "both caches",
        () -> serve.log().stream().filter(line -> line.contains(" live link=")).count() == 2);
    serve.terminate();
    assertEquals(0, serve.awaitExit());
  }

  @Test
  void aCommandLineThatMakesNoSenseIsExitCode2() {
    for (String[] args :
        new String[][] {{"serve"}, {"serve", "--nats-url"}, {"frobnicate"}, {"shell", "--frob"}}) {
      var process = run("", args);
      assertEquals(2, process.awaitExit(), () -> process.log().toString());
      assertEquals(List.of(), process.output());
      assertTrue(process.log().getFirst().startsWith("nats-kvcache: "));
    }
  }

  @Test
  void versionAndHelpAreAnswers() {
    var version = run("", "--version");
    assertEquals(0, version.awaitExit());
    assertTrue(version.output().getFirst().matches("nats-kvcache [0-9].*"));
    var help = run("", "help");
    assertEquals(0, help.awaitExit());
    assertTrue(help.output().toString().contains("provider mode"));
    assertEquals(List.of(), help.log());
  }
}
