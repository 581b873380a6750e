package org.natskvcache.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

class LoggingTest {
  /** What a logger of its own context writes to stderr. */
  private static String logged(LogLevel level, boolean structured, Consumer<Logger> work) {
    PrintStream before = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    LoggerContext context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      Logging.install(context, level, structured);
      work.accept(context.getLogger("org.example.Thing"));
    } finally {
      System.setErr(before);
      context.stop();
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void textLineHasTimeLevelLoggerMessageAndPairs() {
    String line =
        logged(
            LogLevel.INFO,
            false,
            log ->
                log.atInfo()
                    .addKeyValue("link", "default")
                    .addKeyValue("peers", 2)
                    .log("caught up"));
    assertTrue(
        line.matches(
            "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z INFO  Thing caught up link=default peers=2\n"),
        line);
  }

  @Test
  void timestampAlwaysHasThreeDecimals() {
    for (String expected :
        List.of(
            "2026-01-01T00:00:00.000Z", "2026-11-22T23:59:59.070Z", "1969-12-31T23:59:59.999Z")) {
      StringBuilder line = new StringBuilder();
      TextLineEncoder.timestamp(line, java.time.Instant.parse(expected).toEpochMilli());
      assertEquals(expected, line.toString());
    }
  }

  @Test
  void oneEventStaysOneLineWhateverItHolds() {
    String text =
        logged(
            LogLevel.INFO,
            false,
            log ->
                log.atWarn()
                    .addKeyValue("peer", "a b\"\\\n=")
                    .addKeyValue("none", "")
                    .setCause(new RuntimeException("x\ny"))
                    .log("one\r\n2026 two\u2028\u0085"));
    assertEquals(1, text.lines().count(), text);
    assertTrue(
        text.contains(
            "Thing one\\r\\n2026 two\\u2028\\u0085 peer=\"a b\\\"\\\\\\n=\" none=\"\" trace=\""),
        text);
    assertTrue(text.contains("RuntimeException"), text);
  }

  @Test
  void structuredLinesAreJsonObjects() throws Exception {
    String text =
        logged(
            LogLevel.INFO,
            true,
            log -> {
              log.atInfo()
                  .addKeyValue("link", "é\n")
                  .addKeyValue("peers", 2)
                  .addKeyValue("up", true)
                  .log("caught up");
              log.error("gave up", new IllegalStateException("x"));
            });
    String[] lines = text.split("\n");
    assertEquals(2, lines.length, text);
    JsonNode first = new ObjectMapper().readTree(lines[0]);
    assertTrue(first.get("timestamp").asText().matches("\\d{4}-.*\\.\\d{3}Z"));
    assertEquals("INFO", first.get("level").asText());
    assertEquals("org.example.Thing", first.get("logger").asText());
    assertEquals("caught up", first.get("message").asText());
    assertEquals("{\"link\":\"é\\n\",\"peers\":2,\"up\":true}", first.get("fields").toString());
    assertFalse(first.has("trace"));
    JsonNode second = new ObjectMapper().readTree(lines[1]);
    assertFalse(second.has("fields"));
    assertTrue(second.get("trace").asText().startsWith("java.lang.IllegalStateException: x"));
  }

  @Test
  void levelIsObeyed() {
    assertEquals("", logged(LogLevel.WARN, false, log -> log.info("quiet")));
    assertEquals("", logged(LogLevel.OFF, false, log -> log.error("quiet")));
    assertTrue(
        logged(LogLevel.TRACE, false, log -> log.trace("loud")).contains(" TRACE Thing loud\n"));
  }

  @Test
  void configuringAgainReplacesAndPrintsNothingOfItsOwn() {
    assertEquals(
        1,
        logged(
                LogLevel.INFO,
                false,
                log -> {
                  Logging.install(
                      ((ch.qos.logback.classic.Logger) log).getLoggerContext(),
                      LogLevel.INFO,
                      true);
                  log.info("once");
                })
            .lines()
            .count());
  }
}
