package org.natskvcache.cli.shell;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.natskvcache.store.Bytes;

/** Bytes as text that is safe on a terminal and can be typed in again. */
public final class Quoted {
  private Quoted() {}

  /**
   * The bytes in double quotes, printable UTF-8 as it is, the rest in the {@link Tokenizer}'s
   * escapes.
   */
  public static String of(Bytes bytes) {
    byte[] from = bytes.array();
    StringBuilder text = new StringBuilder(from.length + 2).append('"');
    for (int i = 0; i < from.length; ) {
      int length = printable(from, i);
      if (length == 0) {
        escape(text, from[i++]);
      } else {
        text.append(new String(from, i, length, StandardCharsets.UTF_8));
        i += length;
      }
    }
    return text.append('"').toString();
  }

  private static void escape(StringBuilder text, byte b) {
    switch (b) {
      case '"' -> text.append("\\\"");
      case '\\' -> text.append("\\\\");
      case '\n' -> text.append("\\n");
      case '\r' -> text.append("\\r");
      case '\t' -> text.append("\\t");
      default -> text.append("\\x").append(Integer.toHexString(0x100 | b & 0xff).substring(1));
    }
  }

  /**
   * Length of the printable character at {@code at}, bytes; 0 if there is none, or it needs an
   * escape.
   */
  private static int printable(byte[] from, int at) {
    int lead = from[at] & 0xff;
    if (lead < 0x80) return lead >= ' ' && lead != 0x7f && lead != '"' && lead != '\\' ? 1 : 0;
    int length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (at + length > from.length) return 0;
    String character = new String(from, at, length, StandardCharsets.UTF_8);
    // malformed input reads as replacement characters, whose own bytes differ from it
    byte[] again = character.getBytes(StandardCharsets.UTF_8);
    if (again.length != length || Arrays.mismatch(again, 0, length, from, at, at + length) >= 0)
      return 0;
    int point = character.codePointAt(0);
    boolean one = character.codePointCount(0, character.length()) == 1;
    return one && isVisible(point) ? length : 0;
  }

  private static boolean isVisible(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
