package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.natskvcache.ProviderProcess;

/** Prompts and scripts as guests of a group. */
class ShellIT {
  private static final int KEYS = 3_000;

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private ProviderProcess shell(Map<String, String> more, String script, String... options) {
    var command = new ArrayList<>(List.of("shell", "--nats-url", fixture.nats.url()));
    command.addAll(List.of(options));
    return fixture.open(ProviderProcess.start(more, script, command.toArray(new String[0])));
  }

  private ProviderProcess serve() {
    var serve =
        fixture.open(
            ProviderProcess.start(
                Map.of("REPLAY_HEARTBEAT_SECS", "1"),
                "",
                "serve",
                "--nats-url",
                fixture.nats.url()));
    serve.awaitLog(" live link=default");
    return serve;
  }

  private static void assertDone(int code, ProviderProcess script) {
    assertEquals(code, script.awaitExit(), () -> script.output() + " " + script.log());
  }

  /** Some 3 MB, three times what the limit of the guest would allow. */
  private void fill() {
    var script = new StringBuilder();
    String value = "v".repeat(1_000);
    for (int i = 0; i < KEYS; i++) script.append("SET k%04d %s\n".formatted(i, value));
    assertDone(0, shell(Map.of(), script.toString()));
  }

  @Test
  void aGuestWithSmallLimitsDeletesNothingOfTheGroups() {
    serve();
    fill();
    var guest =
        shell(Map.of("MAX_MEMORY", "1m", "EVICTION", "lru", "REPLAY_HEARTBEAT_SECS", "1"), null);
    guest.write("GET k0000\n");
    guest.awaitOutput("\"vvv");
    assertEquals(1, guest.log().size(), () -> guest.log().toString());
    assertTrue(guest.log().getFirst().contains("EVICTION are ignored link=default"));
    // it looks for what is too much once a second
    until(
        "three seconds of membership",
        () -> {
          guest.write("STATUS\n");
          return guest.output().stream()
              .anyMatch(line -> line.matches("state +LIVE for ([3-9]\\d{3} ms|\\d+ s)"));
        });
    guest.write("SET one more\n");
    guest.awaitOutput("OK");
    guest.closeInput();
    assertDone(0, guest);
    var counting = shell(Map.of(), "KEYS k*\n");
    assertDone(0, counting);
    assertEquals(KEYS, counting.output().size());
  }

  @Test
  void aPrivateCacheKeepsItsLimits() {
    var script = new StringBuilder();
    String value = "v".repeat(10_000);
    for (int i = 0; i < 200; i++) script.append("SET k" + i + " " + value + "\n");
    var refused =
        fixture.open(ProviderProcess.start(Map.of("MAX_MEMORY", "1m"), script.toString(), "shell"));
    assertDone(1, refused);
    assertTrue(refused.log().getLast().contains("OOM "), () -> refused.log().toString());
  }

  @Test
  void aScriptWhoseWritesNobodyHeardSaysSo() {
    String lost =
        "nats-kvcache: nobody heard these writes: no other instance answered on link default; they"
            + " may be lost. Start an instance, give the REPLICATION_KEY of those that run, or say --alone";
    var alone = shell(Map.of(), "SET k v\nGET k\n");
    assertDone(1, alone);
    assertEquals(List.of("OK", "\"v\""), alone.output());
    assertEquals(List.of(lost), alone.log());

    var meantIt = shell(Map.of(), "SET k v\n", "--alone");
    assertDone(0, meantIt);
    assertEquals(List.of(), meantIt.log());

    var reader = shell(Map.of(), "GET k\nDEL k\n");
    assertDone(0, reader);
    assertEquals(List.of("(nil)", "(integer) 0"), reader.output());

    ProviderProcess serve = serve();
    var heard = shell(Map.of(), "SET k v\n");
    assertDone(0, heard);
    assertEquals(List.of(), heard.log());

    // it has joined with an instance that is gone at the end
    var late = shell(Map.of(), null);
    late.write("GET k\n");
    late.awaitOutput("\"v\"");
    serve.kill();
    late.write("SET k w\n");
    late.awaitOutput("OK");
    late.closeInput();
    assertDone(1, late);
    assertEquals(List.of(lost), late.log());
  }

  @Test
  void aScriptThatIsCutOffWhenItEndsSaysSo() {
    serve();
    var script = shell(Map.of(), null);
    script.write("GET k\n");
    script.awaitOutput("(nil)");
    fixture.nats.kill();
    script.awaitLog("lost NATS");
    script.write("SET k v\n");
    script.awaitOutput("OK");
    script.closeInput();
    assertDone(1, script);
    assertTrue(
        script.log().getLast().contains("nobody heard these writes"),
        () -> script.log().toString());
  }

  /**
   * On a real pseudo terminal, which {@code script} of util-linux makes. What is printed may end
   * before the key arrives; the prompt goes on either way.
   */
  @Test
  void controlCDoesNotEndThePromptWhileItPrints() {
    var script = new File("/usr/bin/script");
    Assumptions.assumeTrue(script.canExecute(), "there is no /usr/bin/script");
    serve();
    var members = new StringBuilder();
    for (int i = 0; i < 200_000; i++) {
      if (i % 1_000 == 0) members.append("\nSADD s");
      members.append(" m").append(i);
    }
    assertDone(0, shell(Map.of(), members.append('\n').toString()));
    String command =
        "exec "
            + ProviderProcess.executable()
            + " shell --nats-url "
            + fixture.nats.url()
            + " --link default";
    var prompt =
        fixture.open(
            ProviderProcess.start(
                script,
                Map.of("TERM", "xterm", "PATH", "/usr/bin:/bin"),
                null,
                "-qec",
                command,
                "/dev/null"));
    prompt.awaitOutput("HELP lists the commands");
    prompt.write("SMEMBERS s\r");
    prompt.awaitOutput("1000) ");
    prompt.write("\u0003");
    prompt.write("LINKS\r");
    prompt.awaitOutput("* default");
    prompt.write("QUIT\r");
    assertDone(0, prompt);
  }
}
