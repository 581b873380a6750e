package org.natskvcache.direct;

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

  private static final byte[] NOTHING = {};

  private byte[] bytes = NOTHING;
  private final int[] starts = new int[WORDS_MAX + 2];
  private int words;
  private int size;
  private int subjectEnd;
  private boolean answerable;
  private int headersAt;
  private int bodyAt;
  private int end;

  /** For the session. */
  Incoming() {}

  /**
   * Reads a line.
   *
   * @return index of its line feed; {@code limit} when that has not come
   */
  int line(byte[] buffer, int at, int limit) {
    size = 0;
    words = 1;
    starts[0] = at;
    int i = at;
    for (; i < limit; i++) {
      int letter = buffer[i];
      if (letter > ' ') continue;
      if (letter == '\n') break;
      if (letter == ' ' && words <= WORDS_MAX) starts[words++] = i + 1;
    }
    if (i < limit) {
      bytes = buffer;
      message(at, i);
    }
    return i;
  }

  private void message(int at, int lineEnd) {
    boolean withHeaders = bytes[at] == 'H';
    int operation = withHeaders ? at + 1 : at;
    if (lineEnd - operation < 5
        || bytes[operation] != 'M'
        || bytes[operation + 1] != 'S'
        || bytes[operation + 2] != 'G'
        || bytes[operation + 3] != ' ') {
      return;
    }
    int least = withHeaders ? 5 : 4;
    if (words < least || words > least + 1) return;
    starts[words] = lineEnd; // one beyond its carriage return, as the others are beyond their space
    int total = number(words - 1);
    int headers = withHeaders ? number(words - 2) : 0;
    if (total < 0 || headers < 0 || headers > total) return;
    subjectEnd = starts[2] - 1;
    answerable = words > least;
    headersAt = lineEnd + 1;
    bodyAt = headersAt + headers;
    end = headersAt + total;
    size = end + 2 - at;
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
    return bodyAt == headersAt
        ? HeaderBlock.NONE
        : new HeaderBlock(Arrays.copyOfRange(bytes, headersAt, bodyAt));
  }

  /** Its body, to keep. */
  public byte[] body() {
    return bodyAt == end ? NOTHING : Arrays.copyOfRange(bytes, bodyAt, end);
  }

  private String text(int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }
}
