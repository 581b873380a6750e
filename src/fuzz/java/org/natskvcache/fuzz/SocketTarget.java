package org.natskvcache.fuzz;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.natskvcache.direct.DirectLine;
import org.natskvcache.direct.DirectSession;
import org.natskvcache.direct.Incoming;

/**
 * What a NATS server sends, headers of callers among it. The first byte of the input seeds the
 * sizes of the pieces that come and are asked for. Messages that are answered here, and the bytes
 * that are the client's, are the same whatever the pieces; where nobody answers, the client gets
 * everything but a line that has not ended.
 */
public final class SocketTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 256;

  /** The buffers of a session are there before the first byte comes: as if it were so many. */
  private static final int SESSION_BYTES = 4 << 10;

  private static final int SEEDS = 256;

  /** What was answered here and what the client got, in order. */
  private record Heard(List<String> messages, byte[] passed) {}

  /** Gives the input in pieces, takes what is written. */
  private static final class Pieces implements DirectSession.Wire {
    private final byte[] input;
    private final Random sizes;
    private int at;

    Pieces(byte[] input, Random sizes) {
      this.input = input;
      this.sizes = sizes;
    }

    @Override
    public int read(byte[] into, int from, int length) {
      if (at == input.length) return -1;
      int some = Math.min(Math.min(length, input.length - at), some(sizes));
      System.arraycopy(input, at, into, from, some);
      at += some;
      return some;
    }

    @Override
    public void write(byte[] bytes, int length) {}

    @Override
    public void close() {}
  }

  private static int some(Random sizes) {
    return 1 + sizes.nextInt(sizes.nextBoolean() ? 9 : 5_000);
  }

  @Override
  public void run(byte[] input) throws Exception {
    byte[] sent = Input.rest(input);
    int seed = Input.choice(input, SEEDS);
    Heard heard = hear(sent, seed, true);
    Heard again = hear(sent, seed + SEEDS, true);
    Check.same(heard.messages, again.messages, "messages");
    Check.same(heard.passed, again.passed, "what the client got");
    byte[] untouched = hear(sent, seed, false).passed;
    for (int i = 0; i < sent.length; i++) {
      if (i < untouched.length) Check.same(sent[i], untouched[i], "byte " + i);
      else Check.that(sent[i] != '\n', "a whole line is kept from the client at byte " + i);
    }
  }

  private static Heard hear(byte[] sent, int seed, boolean answered) throws Exception {
    return Bounds.allocating(
        SESSION_BYTES + sent.length,
        BYTES_PER_BYTE,
        () -> {
          List<String> messages = new ArrayList<>();
          var sizes = new Random(seed);
          var line = new DirectLine();
          if (answered) line.answerUnder(line, "kv.", message -> messages.add(text(message)));
          var session = new DirectSession(line, new Pieces(sent, sizes));
          return new Heard(messages, readAll(session, sizes));
        });
  }

  private static byte[] readAll(DirectSession session, Random sizes) throws IOException {
    var passed = new ByteArrayOutputStream();
    byte[] into = new byte[5_000];
    while (true) {
      int length = some(sizes);
      int count = session.read(into, 0, length);
      if (count < 0) return passed.toByteArray();
      Check.that(count > 0 && count <= length, "what was asked for");
      passed.write(into, 0, count);
    }
  }

  private static String text(Incoming message) {
    var headers = message.headers();
    return String.join(
        "|",
        message.subject(),
        message.replyTo(),
        headers.first("source-id"),
        headers.first("link-name"),
        new String(message.body(), ISO_8859_1));
  }

  @Override
  public List<byte[]> seeds() {
    String headers = "NATS/1.0\r\nSource-Id:  c1 \r\nlink-name:\r\nother: \u00e9\r\n\r\n";
    int length = headers.getBytes(UTF_8).length;
    return Stream.of(
            "INFO {\"max_payload\":1048576}\r\nPING\r\n",
            "MSG kv.get 7 5\r\nhello\r\nPONG\r\n",
            "MSG kv.get 7 _INBOX.a 0\r\n\r\nMSG other 8 3\r\nM\r\n\r\n",
            "HMSG kv.set 7 r %d %d\r\n%sab\r\n".formatted(length, length + 2, headers),
            "HMSG kv.set 7 %d %d\r\n%s\r\n+OK\r\n".formatted(length, length, headers),
            "MSG kv.get 7 900000000\r\nthe rest never comes",
            "MSG kv.get 7 a b c\r\nHMSG kv.get 7 9 3\r\n")
        .map(text -> Input.of(3, text.getBytes(UTF_8)))
        .toList();
  }
}
