package org.natskvcache.fuzz;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How inputs are laid out where a target wants more than one run of bytes. */
public final class Input {
  private Input() {}

  /** The first byte, 0 to {@code choices - 1}; 0 of an empty input. */
  public static int choice(byte[] input, int choices) {
    return input.length == 0 ? 0 : (input[0] & 0xff) % choices;
  }

  /** All but the first byte. */
  public static byte[] rest(byte[] input) {
    return input.length == 0 ? input : Arrays.copyOfRange(input, 1, input.length);
  }

  /** The inverse of the two. */
  public static byte[] of(int choice, byte[] rest) {
    byte[] input = new byte[1 + rest.length];
    input[0] = (byte) choice;
    System.arraycopy(rest, 0, input, 1, rest.length);
    return input;
  }

  /** Parts that follow a length of 16 bits each; the last may be cut off. */
  public static List<byte[]> parts(byte[] input) {
    List<byte[]> parts = new ArrayList<>();
    for (int at = 0; at + 2 <= input.length; ) {
      int length = (input[at] & 0xff) << 8 | input[at + 1] & 0xff;
      int end = Math.min(input.length, at + 2 + length);
      parts.add(Arrays.copyOfRange(input, at + 2, end));
      at = end;
    }
    return parts;
  }

  /** The inverse of {@link #parts}. */
  public static byte[] ofParts(List<byte[]> parts) {
    var input = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      input.write(part.length >> 8);
      input.write(part.length);
      input.writeBytes(part);
    }
    return input.toByteArray();
  }
}
