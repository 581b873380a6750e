package org.natskvcache.cli.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.DumbTerminal;
import org.junit.jupiter.api.Test;
import org.natskvcache.store.Bytes;

class PromptTest {
  private final FakeSession session = new FakeSession("default", "other");

  /** What a terminal that can do nothing shows for these keys. */
  private String talk(String keys) throws Exception {
    ByteArrayOutputStream screen = new ByteArrayOutputStream();
    try (Terminal terminal =
        new DumbTerminal(
            "test",
            "dumb",
            new ByteArrayInputStream(keys.getBytes(StandardCharsets.UTF_8)),
            screen,
            StandardCharsets.UTF_8)) {
      assertEquals(0, new Prompt(session, terminal).run());
    }
    return screen.toString(StandardCharsets.UTF_8).replace("\r", "");
  }

  @Test
  void errorsDoNotEndTheSession() throws Exception {
    String screen = talk("NONSENSE\nSET a \"é !x\\\\\"\nGET a\n");
    assertTrue(screen.contains("(error) ERR unknown command"), screen);
    assertTrue(screen.contains("\"é !x\\\\\"\n"), screen);
    assertEquals(Bytes.utf8("é !x\\"), session.cache("default").value("a"));
  }

  @Test
  void promptNamesTheLinkInUse() throws Exception {
    String screen = talk("USE other\n");
    assertTrue(screen.contains("default> "), screen);
    assertTrue(screen.contains("other> "), screen);
  }

  @Test
  void unbalancedQuoteIsAnErrorNotAContinuation() throws Exception {
    String screen = talk("SET a \"x\nGET a\n");
    assertTrue(screen.contains("(error) ERR a double quote is not closed"), screen);
    assertTrue(screen.contains("(nil)"), screen);
  }

  @Test
  void controlDAndQuitEndWell() throws Exception {
    assertFalse(talk("\u0004SET a 1\n").contains("OK"));
    assertFalse(talk("QUIT\nSET a 1\n").contains("OK"));
    assertTrue(session.cache("default").commands.isEmpty());
  }
}
