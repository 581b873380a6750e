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

  /** The first byte; all before it belong to others. */
  private final int from;

  public Bytes(byte[] array) {
    this(array, 0);
  }

  /** The end of a larger array, shared and not copied. */
  Bytes(byte[] array, int from) {
    this.array = array;
    this.from = from;
  }

  public static Bytes utf8(String text) {
    return new Bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The bytes, which the caller must not change: the array itself, or a copy if they are the end of
   * a larger one.
   */
  public byte[] array() {
    return from == 0 ? array : Arrays.copyOfRange(array, from, array.length);
  }

  public int size() {
    return array.length - from;
  }

  /** Takes bytes where they are. */
  public interface Taker<T> {
    /**
     * @param array holds them, and is not to be changed
     * @param from the first of them
     * @param length how many there are
     */
    T take(byte[] array, int from, int length);
  }

  /** Hands the bytes over without a copy. */
  public <T> T to(Taker<T> taker) {
    return taker.take(array, from, size());
  }

  /** The bytes read as UTF-8; malformed input becomes replacement characters. */
  public String utf8() {
    return new String(array, from, size(), StandardCharsets.UTF_8);
  }

  public boolean startsWith(Bytes prefix) {
    return size() >= prefix.size()
        && Arrays.equals(
            array, from, from + prefix.size(), prefix.array, prefix.from, prefix.array.length);
  }

  /** Unsigned lexicographic order. */
  @Override
  public int compareTo(Bytes other) {
    return Arrays.compareUnsigned(
        array, from, array.length, other.array, other.from, other.array.length);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes bytes
        && Arrays.equals(array, from, array.length, bytes.array, bytes.from, bytes.array.length);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(array());
  }

  @Override
  public String toString() {
    return size() + " bytes";
  }
}
