package org.natskvcache.rpc;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Tells text from other bytes, for the doors whose contract knows only text. */
public final class Utf8 {
  private Utf8() {}

  /**
   * Whether the {@code length} bytes from {@code from} are well-formed UTF-8 (no surrogates, no
   * overlong forms).
   */
  public static boolean isValid(byte[] bytes, int from, int length) {
    return isAscii(bytes, from, length) || decodes(bytes, from, length);
  }

  /** Whether all of {@code bytes} is well-formed UTF-8. */
  public static boolean isValid(byte[] bytes) {
    return isValid(bytes, 0, bytes.length);
  }

  /** Most keys and values are ASCII, and this loop needs no decoder for them. */
  private static boolean isAscii(byte[] bytes, int from, int length) {
    int seen = 0; // negative once a byte with its high bit set was met
    for (int i = from; i < from + length; i++) {
      seen |= bytes[i];
    }
    return seen >= 0;
  }

  private static boolean decodes(byte[] bytes, int from, int length) {
    try {
      var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, length));
      return text.hasRemaining(); // not ASCII, so not empty
    } catch (CharacterCodingException notUtf8) {
      return false; // the answer, not a fault
    }
  }
}
