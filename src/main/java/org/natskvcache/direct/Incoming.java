package org.natskvcache.direct;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One message as it lies in the buffer it was read into. Used again for the next one: take out of
 * it what is to be kept. Subjects are strings of bytes, one char each.
 *
 * <pre>
 *   MSG  subject sid [reply-to] size CRLF                   body CRLF
 *   HMSG subject sid [reply-to] size-of-headers size CRLF   headers body CRLF
 * </pre>
 */
public final class Incoming {
  /** Words of a line at most: the operation and five more. */
  private static final int WORDS_MAX = 6;

  /** Longest line that the client reads (jnats 2.26.2, its maximum control line), bytes. */
  private static final int LINE_BYTES_MAX = 4096;

  private static final int DELETE = 0x7f;

  private static final byte[] NOTHING = {};

  private byte[] bytes = NOTHING;
  private final int[] starts = new int[WORDS_MAX + 2];
  private int words;
  private int size;
  private int subjectEnd;
  private boolean answerable;
  private boolean withHeaders;
  private boolean controls;
  private boolean readable;
  private int headersAt;
  private int bodyAt;
  private int end;

  /** For the session. */
  Incoming() {}

  /**
   * Reads a line.
   *
   * @return index of its line feed; {@code limit} when that has not come
   * @throws IOException when it begins like a message but has not its form: nobody knows where the
   *     next message begins
   */
  int line(byte[] buffer, int at, int limit) throws IOException {
    size = 0;
    words = 1;
    starts[0] = at;
    controls = false;
    int i = at;
    for (; i < limit; i++) {
      int letter = buffer[i];
      if (letter > ' ') continue;
      if (letter == '\n') break;
      if (letter == ' ' && words <= WORDS_MAX) starts[words++] = i + 1;
      else if (letter >= 0 && letter < ' ') controls |= i + 1 < limit && buffer[i + 1] != '\n';
    }
    if (i < limit) {
      bytes = buffer;
      withHeaders = (buffer[at] | ' ') == 'h';
      if (isMessage(withHeaders ? at + 1 : at, i) && !message(at, i)) {
        throw new IOException("the server sent a message of unknown form");
      }
    }
    return i;
  }

  /** As the client takes it: small letters and a tab are as good. */
  private boolean isMessage(int at, int lineEnd) {
    return lineEnd - at >= 4
        && (bytes[at] | ' ') == 'm'
        && (bytes[at + 1] | ' ') == 's'
        && (bytes[at + 2] | ' ') == 'g'
        && (bytes[at + 3] == ' ' || bytes[at + 3] == '\t');
  }

  private boolean message(int at, int lineEnd) {
    int least = withHeaders ? 5 : 4;
    if (words < least || words > least + 1 || bytes[lineEnd - 1] != '\r') return false;
    starts[words] = lineEnd; // one beyond its carriage return, as the others are beyond their space
    int total = number(words - 1);
    int headers = withHeaders ? number(words - 2) : 0;
    if (total < 0 || headers < 0 || headers > total) return false;
    subjectEnd = starts[2] - 1;
    answerable = words > least;
    headersAt = lineEnd + 1;
    bodyAt = headersAt + headers;
    end = headersAt + total;
    size = end + 2 - at;
    readable = !controls && lineEnd - at <= LINE_BYTES_MAX;
    return true;
  }

  /** Bytes of the message whose line was read, line and last CRLF included; 0 if it is none. */
  int size() {
    return size;
  }

  private int number(int word) {
    long value = 0;
    int from = starts[word];
    int to = starts[word + 1] - 1;
    if (from == to || to - from > 10) return -1;
    for (int i = from; i < to; i++) {
      int digit = bytes[i] - '0';
      if (digit < 0 || digit > 9) return -1;
      value = 10 * value + digit;
    }
    return value > Integer.MAX_VALUE / 2 ? -1 : (int) value;
  }

  /** Whether its line is one that the client's reader survives. */
  boolean hasReadableLine() {
    return readable;
  }

  /** Bytes from the beginning of its line to the end of its headers; 0 when it has none. */
  int sizeToBody() {
    return size > 0 && withHeaders ? bodyAt - starts[0] : 0;
  }

  /** Its headers as they came. */
  byte[] headerBytes() {
    return Arrays.copyOfRange(bytes, headersAt, bodyAt);
  }

  /** Puts a question mark for each byte of its headers that is not ASCII or ends no line. */
  void replaceInHeaders() {
    for (int i = headersAt; i < bodyAt; i++) {
      boolean ends = bytes[i] == '\r' && i + 1 < bodyAt && bytes[i + 1] == '\n';
      if (ends) i++;
      else if (bytes[i] < ' ' || bytes[i] == DELETE) bytes[i] = '?';
    }
  }

  boolean isOn(byte[] subject) {
    return Arrays.equals(bytes, starts[1], subjectEnd, subject, 0, subject.length);
  }

  boolean isUnder(byte[] prefix) {
    int to = starts[1] + prefix.length;
    return to <= subjectEnd && Arrays.equals(bytes, starts[1], to, prefix, 0, prefix.length);
  }

  /** What it was sent to. */
  public String subject() {
    return text(starts[1], subjectEnd);
  }

  /** Where an answer goes; null when nobody waits for one. */
  public @Nullable String replyTo() {
    return answerable ? text(starts[3], starts[4] - 1) : null;
  }

  /** Its headers. */
  public HeaderBlock headers() {
    return bodyAt == headersAt ? HeaderBlock.NONE : new HeaderBlock(headerBytes());
  }

  /** Its body, to keep. */
  public byte[] body() {
    return bodyAt == end ? NOTHING : Arrays.copyOfRange(bytes, bodyAt, end);
  }

  private String text(int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }
}
