package org.natskvcache.cli.shell;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.node.PosingReplica;
import org.natskvcache.node.ReplicaStatus;

class ScriptTest {
  private final FakeSession session = new FakeSession("default", "other");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private boolean alone;

  private int run(InputStream script) {
    return new Script(session, new PrintWriter(out), new PrintWriter(err), 50, alone).run(script);
  }

  private int run(String script) {
    return run(new ByteArrayInputStream(script.getBytes(StandardCharsets.UTF_8)));
  }

  private void assertPrinted(int code, int actual, String expectedOut, String expectedErr) {
    assertEquals(expectedErr, err.toString());
    assertEquals(expectedOut, out.toString());
    assertEquals(code, actual);
  }

  @Test
  void runsToItsEnd() {
    assertPrinted(0, run("SET a 1\nGET a\n"), "OK\n\"1\"\n", "");
  }

  @Test
  void lastLineNeedsNoEnd() {
    assertPrinted(0, run("SET a 1\r\nGET a"), "OK\n\"1\"\n", "");
  }

  @Test
  void emptyScriptIsFine() {
    assertPrinted(0, run(""), "", "");
  }

  @Test
  void blankLinesAndCommentsAreSkipped() {
    assertPrinted(0, run("\n# SET a 1\n \t # 'unbalanced\n   \nGET a\n"), "(nil)\n", "");
  }

  @Test
  void stopsAtTheFirstErrorAndNamesItsLine() {
    assertPrinted(
        1,
        run("# one\nRPUSH l x\n\nGET l\nSET never 1\n"),
        "(integer) 1\n",
        "nats-kvcache: line 4: WRONGTYPE the key holds a list, the operation needs a string or counter\n");
    assertNull(session.cache("default").value("never"));
  }

  @Test
  void syntaxErrorsAreErrorsToo() {
    assertPrinted(
        1, run("SET a \"x\n"), "", "nats-kvcache: line 1: ERR a double quote is not closed\n");
  }

  @Test
  void unknownCommandIsAnErrorThatQuotesNothing() {
    assertPrinted(
        1,
        run("PASSWORD hunter2\n"),
        "",
        "nats-kvcache: line 1: ERR unknown command; HELP lists the commands\n");
  }

  @Test
  void listWithAnErrorIsPrintedAndFails() {
    assertPrinted(
        1,
        run("RPUSH l x\nMGET a l\n"),
        "(integer) 1\n1) (nil)\n2) (error) WRONGTYPE the key holds a list, the operation needs a string or counter\n",
        "nats-kvcache: line 2: WRONGTYPE the key holds a list, the operation needs a string or counter\n");
  }

  @Test
  void quitEndsEarlyAndWell() {
    assertPrinted(0, run("SET a 1\nQUIT\nNONSENSE\n"), "OK\n", "");
  }

  @Test
  void bytesThatAreNotTextArriveUnchanged() {
    byte[] script = "SET a ???\n".getBytes(StandardCharsets.US_ASCII);
    script[6] = (byte) 0xff;
    script[7] = (byte) 0x80;
    script[8] = 0;
    assertEquals(0, run(new ByteArrayInputStream(script)));
    assertArrayEquals(
        new byte[] {(byte) 0xff, (byte) 0x80, 0}, session.cache("default").value("a").array());
  }

  @Test
  void endlessLineIsRefusedNotCollected() {
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 'x';
          }

          @Override
          public int read(byte[] into, int from, int length) {
            java.util.Arrays.fill(into, from, from + length, (byte) 'x');
            return length;
          }
        };
    assertPrinted(1, run(endless), "", "nats-kvcache: line 1: ERR the line is over 16 MiB\n");
  }

  @Test
  void unreadableScriptFails() {
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("gone");
          }
        };
    assertPrinted(
        1, run(broken), "", "nats-kvcache: line 1: ERR the script cannot be read: gone\n");
  }

  @Test
  void answersAreFlushedBeforeTheNextLineIsWaitedFor() {
    String[] seen = new String[1];
    InputStream dialogue =
        new InputStream() {
          private final byte[] first = "SET a 1\n".getBytes(StandardCharsets.US_ASCII);
          private int reads;

          @Override
          public int read() {
            throw new AssertionError("read in blocks");
          }

          @Override
          public int read(byte[] into, int from, int length) {
            if (reads++ > 0) {
              seen[0] = out.toString();
              return -1;
            }
            System.arraycopy(first, 0, into, from, first.length);
            return first.length;
          }
        };
    PrintWriter buffered = new PrintWriter(new java.io.BufferedWriter(out));
    assertEquals(0, new Script(session, buffered, new PrintWriter(err), 50, alone).run(dialogue));
    assertEquals("OK\n", seen[0]);
  }

  @Test
  void scriptWaitsUntilEveryCacheIsLive() {
    session.cache("other").status =
        PosingReplica.status(ReplicaStatus.State.JOINING, List.of(), null);
    Thread joins =
        Thread.ofPlatform()
            .start(() ->
                session.cache("other").status =
                    PosingReplica.status(ReplicaStatus.State.LIVE, List.of(), null));
    assertEquals(
        0,
        new Script(session, new PrintWriter(out), new PrintWriter(err), 60_000, false)
            .run(new ByteArrayInputStream("LINKS".getBytes(StandardCharsets.US_ASCII))));
    assertTrue(joins.getState() != Thread.State.NEW);
    assertEquals("* default\n  other\n", out.toString());
  }

  @Test
  void cacheThatDoesNotGetLiveIsSaidAndNothingIsRun() {
    session.cache("other").status =
        PosingReplica.status(ReplicaStatus.State.JOINING, List.of(), null);
    assertPrinted(
        1,
        run("SET a 1\n"),
        "",
        "nats-kvcache: the cache of link other is not live after 50 ms (state JOINING, connection down): the script was not run\n");
    assertTrue(session.cache("default").commands.isEmpty());
  }

  @Test
  void writesThatNobodyHeardAreSaidAndFailUnlessItMayBeAlone() {
    session.cache("other").unheard = true;
    assertPrinted(
        1,
        run("SET a 1\n"),
        "OK\n",
        "nats-kvcache: nobody heard these writes: no other instance answered on link other; they may"
            + " be lost. Start an instance, give the REPLICATION_KEY of those that run, or say --alone\n");
    alone = true;
    assertEquals(0, run("SET a 1\n"));
  }
}
