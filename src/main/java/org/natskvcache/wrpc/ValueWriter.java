package org.natskvcache.wrpc;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes values of the component model, one after the other; see {@link ValueReader}. */
public final class ValueWriter {
  private byte[] bytes;
  private int size;

  /**
   * Begins without values.
   *
   * @param expected how many bytes will be written, about
   */
  public ValueWriter(int expected) {
    bytes = new byte[Math.max(8, expected)];
  }

  private void room(int more) {
    if (bytes.length - size >= more) return;
    bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(size, more), 2 * bytes.length));
  }

  /** Writes {@code bool}. */
  public ValueWriter bool(boolean value) {
    return u8(value ? 1 : 0);
  }

  /** Writes the tag of an option; the value follows if there is one. */
  public ValueWriter option(boolean present) {
    return u8(present ? 1 : 0);
  }

  /** Writes {@code u8}, 0 to 255. */
  public ValueWriter u8(int value) {
    room(1);
    bytes[size++] = (byte) value;
    return this;
  }

  /** Writes {@code u32}, 0 to 2^32-1. */
  public ValueWriter u32(long value) {
    return u64(value);
  }

  /** Writes {@code u64}, unsigned. */
  public ValueWriter u64(long value) {
    room(10);
    long rest = value;
    for (; (rest & ~0x7fL) != 0; rest >>>= 7) bytes[size++] = (byte) (rest | 0x80);
    bytes[size++] = (byte) rest;
    return this;
  }

  /** Writes {@code s64}. */
  public ValueWriter s64(long value) {
    room(10);
    long rest = value;
    for (; rest != (rest << 57 >> 57); rest >>= 7) bytes[size++] = (byte) (rest | 0x80);
    bytes[size++] = (byte) (rest & 0x7f);
    return this;
  }

  /** Writes {@code list<u8>}, or a {@code string} given in UTF-8. */
  public ValueWriter bytes(byte[] value) {
    return bytes(value, 0, value.length);
  }

  /** Writes {@code length} bytes of an array, from one position on, as {@link #bytes(byte[])}. */
  public ValueWriter bytes(byte[] array, int from, int length) {
    u32(length);
    room(length);
    System.arraycopy(array, from, bytes, size, length);
    size += length;
    return this;
  }

  /** Writes {@code string}; a surrogate without its other half becomes a question mark. */
  public ValueWriter string(String value) {
    return bytes(value.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes the count of a list; the elements follow. */
  public ValueWriter list(int count) {
    return u32(count);
  }

  /** Writes the case of a variant, an enum or a result (0 ok, 1 error); its payload follows. */
  public ValueWriter variant(int index) {
    return u32(index);
  }

  /** How many bytes were written. */
  public int size() {
    return size;
  }

  /** What was written. */
  public byte[] toByteArray() {
    return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
  }
}
