package org.natskvcache.wrpc;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads values of the component model, one after the other, from bytes that may not have arrived
 * whole. Lengths are checked before anything is allocated. Not for several threads.
 *
 * <pre>
 *   bool            00 | 01                     u8            one byte
 *   u32, u64        unsigned LEB128             s64           signed LEB128
 *   string, list&lt;u8&gt;  length, bytes           list&lt;T&gt;  count, elements
 *   option&lt;T&gt;     00 | 01 T                  variant       case, payload; result: 00 T | 01 E
 *   tuple, record   the fields, nothing else
 * </pre>
 */
public final class ValueReader {
  private final byte[] bytes;
  private final int end;
  private final WrpcLimits limits;
  private int position;
  private int elements;

  /** Reads all of {@code bytes}, which must not change meanwhile. */
  public ValueReader(byte[] bytes, WrpcLimits limits) {
    this(bytes, bytes.length, limits);
  }

  /** Reads the first {@code length} of {@code bytes}. */
  ValueReader(byte[] bytes, int length, WrpcLimits limits) {
    this.bytes = bytes;
    this.end = length;
    this.limits = limits;
  }

  /** How many bytes were read. */
  public int position() {
    return position;
  }

  /** Reads {@code bool}. */
  public boolean bool() throws ValueException {
    return tag("bool");
  }

  /** Reads the tag of an option: whether a value follows. */
  public boolean option() throws ValueException {
    return tag("option");
  }

  private boolean tag(String type) throws ValueException {
    int tag = u8();
    if (tag > 1) throw new ValueException.Malformed("the tag of a " + type + " is neither 0 nor 1");
    return tag == 1;
  }

  /** Reads {@code u8}, 0 to 255. */
  public int u8() throws ValueException {
    if (position == end) throw new ValueException.Incomplete(1);
    return bytes[position++] & 0xff;
  }

  /** Reads {@code u32}, 0 to 2^32-1. */
  public long u32() throws ValueException {
    return unsigned(5, 0x0f);
  }

  /** Reads {@code u64}; above 2^63-1 it is negative here. */
  public long u64() throws ValueException {
    return unsigned(10, 0x01);
  }

  private long unsigned(int bytesMax, int lastMax) throws ValueException {
    long value = 0;
    for (int i = 0; i < bytesMax; i++) {
      int b = u8();
      if (i == bytesMax - 1 && b > lastMax) break;
      value |= (long) (b & 0x7f) << 7 * i;
      if (b < 0x80) return value;
    }
    throw new ValueException.Malformed("an integer is too long");
  }

  /** Reads {@code s64}. */
  public long s64() throws ValueException {
    long value = 0;
    for (int i = 0; i < 10; i++) {
      int b = u8();
      if (i == 9 && b != 0x00 && b != 0x7f) break;
      value |= (long) (b & 0x7f) << 7 * i;
      if (b < 0x80) return i < 9 && (b & 0x40) != 0 ? value | -1L << 7 * (i + 1) : value;
    }
    throw new ValueException.Malformed("an integer is too long");
  }

  /** Reads {@code list<u8>}, or the UTF-8 of a {@code string} without looking whether it is. */
  public byte[] bytes() throws ValueException {
    int length = length();
    byte[] value = Arrays.copyOfRange(bytes, position, position + length);
    position += length;
    return value;
  }

  /** Reads {@code string}. */
  public String string() throws ValueException {
    int length = length();
    ByteBuffer text = ByteBuffer.wrap(bytes, position, length);
    position += length;
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw new ValueException.Malformed("a string is not UTF-8");
    }
  }

  private int length() throws ValueException {
    long length = u32();
    if (length > limits.valueBytesMax() - position) {
      throw new ValueException.Malformed(
          "a value announces more than " + limits.valueBytesMax() + " bytes");
    }
    if (length > end - position) throw new ValueException.Incomplete(length - (end - position));
    return (int) length;
  }

  /** Reads the count of a list whose elements take a byte at least. */
  public int list() throws ValueException {
    long count = u32();
    if (count > limits.elementsMax() - elements || count > limits.valueBytesMax() - position) {
      throw new ValueException.Malformed(
          "a list announces more than " + limits.elementsMax() + " elements");
    }
    elements += (int) count;
    if (count > end - position) throw new ValueException.Incomplete(count - (end - position));
    return (int) count;
  }

  /**
   * Reads the case of a variant, an enum or a result (0 ok, 1 error).
   *
   * @param cases how many there are
   */
  public int variant(int cases) throws ValueException {
    long index = u32();
    if (index >= cases) throw new ValueException.Malformed("a variant has no such case");
    return (int) index;
  }
}
