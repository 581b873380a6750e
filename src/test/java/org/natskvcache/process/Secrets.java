package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Texts that must not come out of a process, and the shapes they would have if they did: as they
 * are, in base64 wherever they begin in it, in hexadecimal, and as a list of numbers.
 */
final class Secrets {
  /** Of a longer text its first and its last characters are looked for, since logs cut texts. */
  private static final int PIECE = 20;

  private static final SecureRandom RANDOM = new SecureRandom();

  /** Shape to name; what a failure shows is the name. */
  private final Map<String, String> shapes = new LinkedHashMap<>();

  /** A new text of 20 letters and digits that is found nowhere else. */
  String make(String name) {
    byte[] random = new byte[PIECE / 2];
    RANDOM.nextBytes(random);
    return add(name, HexFormat.of().formatHex(random));
  }

  /** Looks for this text from now on. */
  String add(String name, String text) {
    addPiece(name, text.substring(0, Math.min(PIECE, text.length())));
    addPiece(name, text.substring(Math.max(0, text.length() - PIECE)));
    return text;
  }

  private void addPiece(String name, String piece) {
    byte[] bytes = piece.getBytes(ISO_8859_1);
    shapes.put(piece, name);
    shapes.put(HexFormat.of().formatHex(bytes), name + " in hexadecimal");
    shapes.put(HexFormat.of().withUpperCase().formatHex(bytes), name + " in hexadecimal");
    String numbers = Arrays.toString(bytes);
    shapes.put(numbers.substring(1, numbers.length() - 1), name + " as numbers");
    shapes.put(numbers.substring(1, numbers.length() - 1).replace(" ", ""), name + " as numbers");
    for (int before = 0; before < 3; before++) {
      // The characters that share bits with what stands before or behind are left out.
      byte[] shifted = new byte[before + bytes.length];
      System.arraycopy(bytes, 0, shifted, before, bytes.length);
      int whole = shifted.length * 8 / 6;
      int first = (before * 8 + 5) / 6;
      shapes.put(
          Base64.getEncoder().encodeToString(shifted).substring(first, whole), name + " in base64");
      shapes.put(
          Base64.getUrlEncoder().encodeToString(shifted).substring(first, whole),
          name + " in base64");
    }
  }

  /** The name of a secret that is in this text, in whatever shape. */
  Optional<String> in(String text) {
    return shapes.entrySet().stream()
        .filter(shape -> text.contains(shape.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }
}
