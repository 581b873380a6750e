package org.natskvcache.cli.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.DumbTerminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.Test;
import org.natskvcache.Waiting;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

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
    assertTrue(screen.contains("(error) ERR unknown command 'NONSENSE'; HELP lists"), screen);
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

  /** A terminal under a test's fingers: keys go in one by one, and what it shows can be held up. */
  private final class Typist implements AutoCloseable {
    private final PipedOutputStream keys = new PipedOutputStream();
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
    private final CountDownLatch go = new CountDownLatch(1);
    private final Terminal terminal;
    private final Prompt prompt;
    private final FutureTask<Integer> session;
    private final Thread thread;

    /** Bytes the prompt shows before it stands still until {@link #go}. */
    private final int shownAtFirst;

    Typist(int shownAtFirst) throws IOException {
      this.shownAtFirst = shownAtFirst;
      terminal =
          new ExternalTerminal(
              "test",
              "ansi",
              new PipedInputStream(keys, 64 << 10),
              new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                  show((byte) b);
                }
              },
              StandardCharsets.UTF_8);
      prompt = new Prompt(PromptTest.this.session, terminal);
      session = new FutureTask<>(prompt::run);
      thread = Thread.ofPlatform().daemon().unstarted(session);
      thread.start();
    }

    private void show(byte b) throws IOException {
      int shown;
      synchronized (screen) {
        screen.write(b);
        shown = screen.size();
      }
      if (shown < shownAtFirst || Thread.currentThread() != thread) return; // echoes go on
      try {
        go.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }

    String screen() {
      synchronized (screen) {
        return screen.toString(StandardCharsets.UTF_8);
      }
    }

    void type(String text) throws IOException {
      keys.write(text.getBytes(StandardCharsets.UTF_8));
      keys.flush();
    }

    void awaitScreen(String text) {
      Waiting.until(() -> text + " on " + screen(), () -> screen().contains(text));
    }

    int quit() throws Exception {
      type("QUIT\n");
      return session.get(Waiting.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void close() throws IOException {
      go.countDown();
      keys.close();
      terminal.close();
    }
  }

  @Test
  void controlCCancelsACommandThatWaits() throws Exception {
    session.cache("default").silent = true;
    try (var typist = new Typist(Integer.MAX_VALUE)) {
      typist.type("GET a\n");
      Waiting.until("the call", () -> !session.cache("default").commands.isEmpty());
      typist.type("\u0003");
      typist.awaitScreen("(cancelled: what it changes may be changed)");
      session.cache("default").silent = false;
      typist.type("GET b\n");
      typist.awaitScreen("(nil)");
      assertEquals(0, typist.quit());
    }
  }

  @Test
  void controlCCancelsWhatIsPrinted() throws Exception {
    for (int i = 0; i < 20_000; i++) {
      session.cache("default").call(new Command.ListAdd(Key.of("l"), Bytes.utf8("item")), r -> {});
    }
    try (var typist = new Typist(10_000)) {
      typist.type("LRANGE l 0 -1\n");
      Waiting.until("a full screen", () -> typist.screen().length() >= 10_000);
      var heard = new CountDownLatch(1);
      Terminal.SignalHandler handler = typist.terminal.handle(Terminal.Signal.INT, s -> {});
      typist.terminal.handle(
          Terminal.Signal.INT,
          signal -> {
            handler.handle(signal);
            heard.countDown();
          });
      typist.type("\u0003");
      assertTrue(heard.await(Waiting.PATIENCE.toSeconds(), TimeUnit.SECONDS));
      typist.go.countDown();
      typist.awaitScreen("(cancelled)");
      assertFalse(typist.screen().contains("20000) "), "it went on to the end");
      typist.type("LLEN l\n");
      typist.awaitScreen("(integer) 20000");
      assertEquals(0, typist.quit());
    }
  }

  @Test
  void logLinesAreShownAboveTheLineBeingEdited() throws Exception {
    try (var typist = new Typist(Integer.MAX_VALUE)) {
      typist.awaitScreen("default> ");
      typist.type("GET abc");
      typist.awaitScreen("GET abc");
      typist.prompt.printAbove("a line of the log\n");
      typist.awaitScreen("a line of the log");
      String screen = typist.screen();
      String after = screen.substring(screen.indexOf("a line of the log"));
      assertTrue(after.contains("default> GET abc"), screen);
      typist.type("\n");
      typist.awaitScreen("(nil)");
      assertEquals(0, typist.quit());
    }
  }
}
