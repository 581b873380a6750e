package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The harness itself, with a shell in the place of the executable. */
class ProviderProcessTest {
  @Test
  void givesInputOnceAndCollectsBothOutputs() {
    try (var process = shell(Map.of(), "data\n", "cat; echo trouble >&2; exit 3")) {
      assertEquals(3, process.awaitExit());
      assertEquals(List.of("data"), process.output());
      assertEquals(List.of("trouble"), process.log());
    }
  }

  @Test
  void inheritsNothingOfTheEnvironment() {
    try (var process = shell(Map.of("GIVEN", "yes"), "", "echo \"$GIVEN/$HOME/$JAVA_HOME\"")) {
      assertEquals(0, process.awaitExit());
      assertEquals(List.of("yes//"), process.output());
    }
  }

  @Test
  void waitsForALineAndForTheAnswerToASignal() {
    try (var process =
        shell(
            Map.of(),
            null,
            "trap 'echo stopping >&2; exit 0' TERM; echo 'now ready' >&2; while read -r x; do :; done")) {
      assertEquals("now ready", process.awaitLog("ready"));
      assertTrue(process.isAlive());
      process.terminate();
      process.closeInput(); // this shell answers a signal after its read
      assertEquals(0, process.awaitExit());
      assertTrue(process.log().contains("stopping"));
    }
  }

  @Test
  void killedIsKilled() {
    var process = shell(Map.of(), null, "trap '' TERM; echo up; read -r x");
    process.awaitOutput("up");
    process.kill();
    assertFalse(process.isAlive());
    process.close();
  }

  @Test
  void missingLineOfAnEndedProcessFailsAtOnce() {
    try (var process = shell(Map.of(), "", "echo something else")) {
      var failure = assertThrows(AssertionError.class, () -> process.awaitOutput("expected"));
      assertTrue(failure.getMessage().contains("something else"), failure.getMessage());
    }
  }

  private static ProviderProcess shell(Map<String, String> environment, String stdin, String text) {
    return ProviderProcess.start(new File("/bin/sh"), environment, stdin, "-c", text);
  }
}
