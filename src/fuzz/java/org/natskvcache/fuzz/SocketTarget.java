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
import org.natskvcache.nats.DirectDataPort;

/**
 * What a NATS server sends, headers of callers among it. The first byte of the input seeds the
 * sizes of the pieces that come and are asked for. Messages that are answered here, and the bytes
 * that are the client's, are the same whatever the pieces; where nobody answers and nothing has to
 * be spared the client, it gets everything but an end that is not whole. It can read the headers of
 * all that it gets.
 */
public final class SocketTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 256;

  /** The buffers of a session are there before the first byte comes: as if it were so many. */
  private static final int SESSION_BYTES = 4 << 10;

  private static final int SEEDS = 256;

  /** What was answered here and what the client got, in order. */
  private record Heard(List<String> messages, byte[] passed, int spared) {}

  private static final class Client implements DirectSession.Client {
    private int spared;

    @Override
    public boolean reads(byte[] headers) {
      return DirectDataPort.clientReads(headers);
    }

    @Override
    public void spared() {
      spared++;
    }
  }

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
    Heard alone = hear(sent, seed, false);
    byte[] untouched = alone.passed;
    Heard twice = hear(untouched, seed, false);
    Check.same(untouched, twice.passed, "what the client got passes a second time");
    Check.same(0, twice.spared, "what the client got can be read");
    if (alone.spared > 0) return;
    for (int i = 0; i < untouched.length; i++) Check.same(sent[i], untouched[i], "byte " + i);
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
          var client = new Client();
          var session = new DirectSession(line, new Pieces(sent, sizes), client);
          byte[] passed = readAll(session, sizes);
          return new Heard(messages, passed, client.spared);
        });
  }

  private static byte[] readAll(DirectSession session, Random sizes) {
    var passed = new ByteArrayOutputStream();
    byte[] into = new byte[5_000];
    while (true) {
      int length = some(sizes);
      int count;
      try {
        count = session.read(into, 0, length);
      } catch (IOException e) {
        return passed.toByteArray(); // no message, and no place to go on from
      }
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
            "HMSG other 7 %d %d\r\n%sab\r\nPING\r\n".formatted(length, length + 2, headers),
            "HMSG other 7 12 13\r\nNATS/1.0 \r\n\r\na\r\nMSG a\rb 7 1\r\nx\r\nPING\r\n",
            "MSG kv.get 7 900000000\r\nthe rest never comes",
            "MSG kv.get 7 a b c\r\nHMSG kv.get 7 9 3\r\n")
        .map(text -> Input.of(3, text.getBytes(UTF_8)))
        .toList();
  }
}
