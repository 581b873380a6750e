package org.natskvcache.direct;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.nats.DirectDataPort;

class DirectSessionTest {
  /** The seed of an input that comes at once. */
  private static final long WHOLE = -1;

  /** A socket whose input is given in pieces. */
  private static class Pieces implements DirectSession.Wire {
    private final byte[] input;
    private final Random sizes;
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private int at;
    private final boolean whole;
    private boolean broken;
    private boolean closed;

    Pieces(String input, long seed) {
      this.input = input.getBytes(ISO_8859_1);
      sizes = new Random(seed);
      whole = seed == WHOLE;
    }

    @Override
    public int read(byte[] into, int from, int length) {
      if (at == input.length) return -1;
      int largest = whole ? 1 : sizes.nextBoolean() ? 9 : 100_000;
      int some = Math.min(Math.min(length, input.length - at), 1 + sizes.nextInt(largest));
      if (whole) some = input.length;
      System.arraycopy(input, at, into, from, some);
      at += some;
      return some;
    }

    @Override
    public void write(byte[] bytes, int length) throws IOException {
      if (broken) throw new IOException("broken");
      output.write(bytes, 0, length);
    }

    @Override
    public void close() {
      closed = true;
    }

    String written() {
      return output.toString(ISO_8859_1);
    }
  }

  private final DirectSession.Client client =
      new DirectSession.Client() {
        @Override
        public boolean reads(byte[] headers) {
          return DirectDataPort.clientReads(headers);
        }

        @Override
        public void spared() {
          spared++;
        }
      };

  private int spared;
  private final DirectLine line = new DirectLine();
  private final List<String> heard = new ArrayList<>();

  private static String message(String subject, String replyTo, String body) {
    String reply = replyTo.isEmpty() ? "" : replyTo + " ";
    return "MSG " + subject + " 7 " + reply + body.length() + "\r\n" + body + "\r\n";
  }

  private static String message(String subject, String replyTo, String headers, String body) {
    String block = "NATS/1.0\r\n" + headers + "\r\n";
    String reply = replyTo.isEmpty() ? "" : replyTo + " ";
    String sizes = block.length() + " " + (block.length() + body.length());
    return "HMSG " + subject + " 7 " + reply + sizes + "\r\n" + block + body + "\r\n";
  }

  private void hear(Incoming message) {
    String source = message.headers().first("source-id");
    heard.add(
        message.subject()
            + "|"
            + message.replyTo()
            + "|"
            + source
            + "|"
            + new String(message.body(), ISO_8859_1));
  }

  private static String readAll(DirectSession session, Random sizes) throws IOException {
    var passed = new StringBuilder();
    byte[] into = new byte[70_000];
    while (true) {
      int length = 1 + sizes.nextInt(sizes.nextBoolean() ? 7 : into.length);
      int count = session.read(into, 0, length);
      if (count < 0) return passed.toString();
      assertTrue(count > 0 && count <= length);
      passed.append(new String(into, 0, count, ISO_8859_1));
    }
  }

  /** Whatever the pieces are in which bytes come and are asked for. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void keepsItsMessagesAndPassesTheRest(long seed) throws Exception {
    line.answer(this, "kv.get", this::hear);
    line.answerUnder(this, "_INBOX.a.", this::hear);
    var random = new Random(seed);
    var input = new StringBuilder("INFO {\"max_payload\":1048576}\r\n");
    var others = new StringBuilder(input);
    List<String> ours = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      // a body may look like anything
      String body =
          random.nextInt(4) == 0 ? "" : "MSG kv.get 1 3\r\nabc\r\n".repeat(random.nextInt(5));
      if (random.nextInt(40) == 0) body = "x".repeat(random.nextInt(200_000));
      String reply = random.nextBoolean() ? "" : "_INBOX.caller." + i;
      String replied = reply.isEmpty() ? "null" : reply;
      String subject =
          List.of("kv.get", "_INBOX.a.7.params", "kv.getmany", "kv.ge", "_INBOX.a", "kv.set")
              .get(random.nextInt(6));
      boolean withHeaders = random.nextBoolean();
      String wire =
          withHeaders
              ? message(subject, reply, "x: y\r\nSource-Id:  c1 \r\n", body)
              : message(subject, reply, body);
      input.append(wire);
      if (subject.equals("kv.get") || subject.startsWith("_INBOX.a.")) {
        ours.add(subject + "|" + replied + "|" + (withHeaders ? "c1" : null) + "|" + body);
      } else {
        others.append(wire);
      }
      if (random.nextInt(10) == 0) {
        String word = List.of("PING\r\n", "PONG\r\n", "+OK\r\n", "-ERR 'no'\r\n").get(i % 4);
        input.append(word);
        others.append(word);
      }
    }
    var session = new DirectSession(line, new Pieces(input.toString(), seed), client);
    assertEquals(others.toString(), readAll(session, random));
    assertEquals(ours, heard);
    assertFalse(session.holdsBytes());
  }

  @ParameterizedTest
  @ValueSource(strings = {"MSGkv.get 7 1\r\n", "MSG\r\n", "Hello\r\n", "M\n", "\n"})
  void lineThatIsNoMessageIsTheClientsToJudge(String malformed) throws Exception {
    line.answer(this, "kv.get", this::hear);
    var wire = new Pieces(malformed + message("kv.get", "r", "a"), 1);
    assertEquals(malformed, readAll(new DirectSession(line, wire, client), new Random(1)));
    assertEquals(List.of("kv.get|r|null|a"), heard);
  }

  /**
   * The client would end its reader at some of these, and none of them has an end to go on from.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "MSG kv.get 7\r\n",
        "MSG kv.get 7 -1\r\n",
        "MSG kv.get 7 99999999999\r\n",
        "MSG kv.get 7 4294967295\r\n",
        "MSG kv.get 7 a b c\r\n",
        "MSG kv.get 7 r s 1\r\n",
        "MSG kv.get 7 1\n",
        "MSG\tkv.get 7 1\r\n",
        "HMSG kv.get 7 9 3\r\n",
        "HMSG kv.get 7 3\r\n",
        "hmsg kv.get 7 9 3\r\n"
      })
  void messageOfUnknownFormEndsTheConnection(String malformed) throws Exception {
    line.answer(this, "kv.get", this::hear);
    var wire = new Pieces("PING\r\n" + malformed + message("kv.get", "r", "a"), WHOLE);
    var session = new DirectSession(line, wire, client);
    byte[] into = new byte[100];
    assertEquals(6, session.read(into, 0, 100));
    assertThrows(IOException.class, () -> session.read(into, 0, 100));
    assertEquals(List.of(), heard);
  }

  @Test
  void lineWithoutAnEndEndsTheConnection() {
    var wire = new Pieces("INFO " + "x".repeat(2 << 20), 1);
    var session = new DirectSession(null, wire, client);
    assertThrows(IOException.class, () -> readAll(session, new Random(1)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void headersAreMadeReadableInTheirPlace(long seed) throws Exception {
    line.answer(this, "kv.get", this::hear);
    String strange = "Key: caf\u00c3\u00a9\r\nB: a\u0000b\rc\u007f\r\n";
    String plain = "Key: caf??\r\nB: a?b?c?\r\n";
    String body = "caf\u00c3\u00a9".repeat(20_000);
    var wire = new Pieces(message("other", "r", strange, body) + "PONG\r\n", seed);
    var session = new DirectSession(line, wire, client);
    assertEquals(
        message("other", "r", plain, body) + "PONG\r\n", readAll(session, new Random(seed)));
    assertEquals(1, spared);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no colon\r\n",
        ": no name\r\n",
        "a name: v\r\n",
        "a: v\n",
        "\u00c3: v\r\nno colon\r\n"
      })
  void messageWithHeadersThatCannotBeReadIsDropped(String headers) throws Exception {
    String input = message("a", "", headers, "x".repeat(70_000)) + message("b", "r", "body");
    for (long seed = 1; seed <= 3; seed++) {
      var session = new DirectSession(null, new Pieces(input, seed), client);
      assertEquals(message("b", "r", "body"), readAll(session, new Random(1)));
    }
    assertEquals(3, spared);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HMSG a 7 0 2\r\nab\r\n",
        "HMSG a 7 8 10\r\nNATS/1.0ab\r\n",
        "HMSG a 7 14 14\r\nNATS/1.0 x\r\n\r\n\r\n",
        "HMSG a 7 10 10\r\nNATS/2.0\r\n\r\n",
        "MSG a\rb 7 1\r\nx\r\n",
        "MSG a 7 r\u0001 1\r\nx\r\n"
      })
  void messageThatTheClientCannotReadIsDropped(String unreadable) throws Exception {
    line.answerUnder(this, "a", this::hear);
    var wire = new Pieces(unreadable.replace(" a", " b") + unreadable + "PING\r\n", 1);
    boolean headers = unreadable.startsWith("H");
    assertEquals("PING\r\n", readAll(new DirectSession(line, wire, client), new Random(1)));
    assertEquals(headers ? 1 : 2, spared);
    assertEquals(headers ? 1 : 0, heard.size());
  }

  @Test
  void messageWithALineThatIsTooLongForTheClientIsDropped() throws Exception {
    String input = message("a", "r".repeat(4096), "x") + message("a", "r".repeat(4000), "x");
    var session = new DirectSession(null, new Pieces(input, 1), client);
    assertEquals(message("a", "r".repeat(4000), "x"), readAll(session, new Random(1)));
    assertEquals(1, spared);
  }

  @Test
  void answersLeaveTogetherBeforeTheNextRead() throws Exception {
    line.answer(
        this,
        "kv.get",
        message -> {
          assertTrue(line.publish(String.valueOf(message.replyTo()), "in.1", new byte[0]));
          assertTrue(line.publish(message.replyTo() + ".results", null, message.body()));
          heard.add("answered");
        });
    var wire =
        new Pieces(message("kv.get", "r1", "one") + message("kv.get", "r2", "two"), WHOLE) {
          @Override
          public void write(byte[] bytes, int length) throws IOException {
            heard.add("written");
            super.write(bytes, length);
          }
        };
    line.whenHandled(this, () -> heard.add("handled"));
    var session = new DirectSession(line, wire, client);
    assertEquals(-1, session.read(new byte[100], 0, 100));
    assertEquals(List.of("answered", "answered", "handled", "written"), heard);
    assertEquals(
        "PUB r1 in.1 0\r\n\r\nPUB r1.results 3\r\none\r\n"
            + "PUB r2 in.1 0\r\n\r\nPUB r2.results 3\r\ntwo\r\n",
        wire.written());
  }

  /** While the rest is handled, the server is to have something to do. */
  @ParameterizedTest
  @CsvSource({"1, 50, 1", "1, 96, 1", "1, 200, 3", "1000, 200, 1"})
  void manySmallAnswersLeaveInParts(int bytes, int calls, int writes) throws Exception {
    line.answer(this, "kv.get", message -> line.publish("r" + heard.size(), null, message.body()));
    String body = "v".repeat(bytes);
    var wire =
        new Pieces(message("kv.get", "", body).repeat(calls), WHOLE) {
          @Override
          public void write(byte[] part, int length) throws IOException {
            heard.add("written");
            super.write(part, length);
            assertTrue(written().endsWith(body + "\r\n"), "a whole message ends each part");
          }
        };
    assertEquals(-1, new DirectSession(line, wire, client).read(new byte[100], 0, 100));
    assertEquals(writes, heard.size());
    int answers = wire.written().split("PUB ").length - 1;
    assertEquals(calls, answers);
  }

  @Test
  void othersPublishAtOnceAndAfterWhatWaits() throws Exception {
    line.answer(
        this,
        "kv.get",
        message -> {
          line.publish("first", null, new byte[0]);
          var other = Thread.ofPlatform().start(() -> line.publish("second", null, new byte[0]));
          joined(other);
          heard.add("both");
        });
    var wire = new Pieces(message("kv.get", "", "") + "PING\r\n", 1);
    var session = new DirectSession(line, wire, client);
    assertEquals("PING\r\n", readAll(session, new Random(1)));
    session.write("PONG\r\n".getBytes(ISO_8859_1), 6);
    assertEquals("PUB first 0\r\n\r\nPUB second 0\r\n\r\nPONG\r\n", wire.written());
  }

  private static void joined(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void bodyLargerThanTheBufferIsPublishedWhole() throws Exception {
    String body = "v".repeat(300_000);
    line.answer(this, "kv.get", message -> line.publish("r", null, message.body()));
    var wire = new Pieces(message("kv.get", "", body).repeat(2), 1);
    readAll(new DirectSession(line, wire, client), new Random(1));
    assertEquals(("PUB r 300000\r\n" + body + "\r\n").repeat(2), wire.written());
  }

  @Test
  void sizeThatIsOnlyToldTakesNoMemory() throws Exception {
    line.answer(this, "kv.get", this::hear);
    var wire =
        new Pieces("MSG kv.get 7 900000000\r\nand no more", 1) {
          @Override
          public int read(byte[] into, int from, int length) {
            assertTrue(into.length < 1 << 20, () -> "a buffer of " + into.length);
            return super.read(into, from, length);
          }
        };
    assertEquals("", readAll(new DirectSession(line, wire, client), new Random(1)));
    assertEquals(List.of(), heard);
  }

  @Test
  void withoutASocketTheClientPublishes() throws Exception {
    assertFalse(line.publish("r", null, new byte[0]), "nothing was read yet");
    line.answer(this, "kv.get", this::hear);
    readAll(
        new DirectSession(line, new Pieces(message("kv.get", "", ""), 1), client), new Random(1));
    assertEquals(1, heard.size());
    assertFalse(line.publish("r", null, new byte[0]), "the socket ended");
  }

  @Test
  void lostSocketIsClosedAndTold() throws Exception {
    var wire = new Pieces(message("kv.get", "", ""), 1);
    line.answer(
        this,
        "kv.get",
        message -> {
          wire.broken = true;
          line.publish("r", null, new byte[0]);
        });
    var session = new DirectSession(line, wire, client);
    assertThrows(IOException.class, () -> session.read(new byte[100], 0, 100));
    assertTrue(wire.closed);
    assertFalse(line.publish("r", null, new byte[0]));
  }

  @Test
  void forgottenSubjectsAreTheClientsAgain() throws Exception {
    line.answer(this, "kv.get", this::hear);
    line.answer("another", "kv.set", this::hear);
    line.whenHandled(this, () -> heard.add("handled"));
    line.forget(this);
    readAll(
        new DirectSession(line, new Pieces(message("kv.set", "", ""), 1), client), new Random(1));
    assertEquals(1, heard.size());
    heard.clear();
    String input = message("kv.get", "", "a");
    assertEquals(
        input, readAll(new DirectSession(line, new Pieces(input, 1), client), new Random(1)));
    assertEquals(List.of(), heard);
  }

  @Test
  void tellsOfBytesNobodyHas() throws Exception {
    var session = new DirectSession(line, new Pieces("INFO {}\r\nMSG kv", 3), client);
    byte[] into = new byte[100];
    int passed = 0;
    while (passed < 9) passed += session.read(into, passed, 100 - passed);
    while (!session.holdsBytes()) assertEquals(-1, session.read(into, 0, 100));
    assertTrue(session.holdsBytes());
  }

  @Test
  void headerIsFoundInAnyCaseButBestInItsOwn() {
    var block =
        new HeaderBlock(
            "NATS/1.0\r\nLink-Name: other\r\nlink-name:own\r\nlink-name: third\r\nno line\r\nempty:\r\nX\u00c3\u00a9: \u00c3\u00a9\r\n\r\n"
                .getBytes(ISO_8859_1));
    assertEquals("own", block.first("link-name"));
    assertEquals("", block.first("empty"));
    assertNull(block.first("no line"));
    assertNull(block.first("link"));
    assertNull(HeaderBlock.NONE.first("link-name"));
    assertEquals(
        "a", new HeaderBlock("NATS/1.0\r\nSource-ID: a".getBytes(ISO_8859_1)).first("source-id"));
  }
}
