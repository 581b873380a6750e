package org.natskvcache.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Bytes with value equality. The array is given away on construction and must not change
 * afterwards. Prints as its size only, so that a value cannot reach a log by accident.
 */
public final class Bytes implements Comparable<Bytes> {
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] array;

  public Bytes(byte[] array) {
    this.array = array;
  }

  public static Bytes utf8(String text) {
    return new Bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The array itself, not a copy; the caller must not change it. */
  public byte[] array() {
    return array;
  }

  public int size() {
    return array.length;
  }

  /** The bytes read as UTF-8; malformed input becomes replacement characters. */
  public String utf8() {
    return new String(array, StandardCharsets.UTF_8);
  }

  public boolean startsWith(Bytes prefix) {
    return array.length >= prefix.array.length
        && Arrays.mismatch(array, 0, prefix.array.length, prefix.array, 0, prefix.array.length) < 0;
  }

  /** Unsigned lexicographic order. */
  @Override
  public int compareTo(Bytes other) {
    return Arrays.compareUnsigned(array, other.array);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes bytes && Arrays.equals(array, bytes.array);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(array);
  }

  @Override
  public String toString() {
    return array.length + " bytes";
  }
}
