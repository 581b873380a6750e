package org.natskvcache.direct;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The headers of a message as they came, looked through when one is asked for: calls have two or
 * three. Lines that are none are passed over.
 *
 * <pre>
 *   NATS/1.0 CRLF
 *   name: value CRLF   any number
 *   CRLF
 * </pre>
 */
public final class HeaderBlock {
  /** No headers. */
  public static final HeaderBlock NONE = new HeaderBlock(new byte[0]);

  private final byte[] bytes;

  /** Keeps the array. */
  HeaderBlock(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * The first value of a header, without white space around it; null without it.
   *
   * @param name in lower case and preferred so; else found in any
   */
  public @Nullable String first(String name) {
    String inAnotherCase = null;
    for (int at = nextLine(0); at < bytes.length; at = nextLine(at)) {
      int colon = at + name.length();
      if (colon >= bytes.length || bytes[colon] != ':') continue;
      boolean exact = is(name, at, false);
      if (!exact && (inAnotherCase != null || !is(name, at, true))) continue;
      String value = value(colon + 1);
      if (exact) return value;
      inAnotherCase = value;
    }
    return inAnotherCase;
  }

  private int nextLine(int at) {
    int i = at;
    while (i < bytes.length && bytes[i] != '\n') i++;
    return i + 1;
  }

  private boolean is(String name, int at, boolean anyCase) {
    for (int i = 0; i < name.length(); i++) {
      int letter = bytes[at + i];
      if (anyCase && letter >= 'A' && letter <= 'Z') letter += 'a' - 'A';
      if (letter != name.charAt(i)) return false;
    }
    return true;
  }

  private String value(int from) {
    int to = nextLine(from) - 1;
    int start = from;
    while (start < to && bytes[start] <= ' ' && bytes[start] >= 0) start++;
    while (to > start && bytes[to - 1] <= ' ' && bytes[to - 1] >= 0) to--;
    return new String(bytes, start, to - start, StandardCharsets.UTF_8);
  }
}
