package org.natskvcache.replication.wire;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.natskvcache.crdt.OriginId;

/** Reads what {@link ByteWriter} wrote, believing nothing. */
public final class ByteReader {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final byte[] bytes;
  private int at;
  private final int end;

  public ByteReader(byte[] bytes, int from, int end) {
    this.bytes = bytes;
    at = from;
    this.end = end;
  }

  /** Where the next byte is read. */
  int position() {
    return at;
  }

  public int remaining() {
    return end - at;
  }

  private void need(int count) throws MalformedFrameException {
    if (end - at < count) throw MalformedFrameException.cutOff(count - (end - at));
  }

  public int u8() throws MalformedFrameException {
    need(1);
    return bytes[at++] & 0xff;
  }

  public int u16() throws MalformedFrameException {
    return u8() << 8 | u8();
  }

  public int u32() throws MalformedFrameException {
    need(4);
    at += 4;
    return (int) INTS.get(bytes, at - 4);
  }

  public long u64() throws MalformedFrameException {
    need(8);
    at += 8;
    return (long) LONGS.get(bytes, at - 8);
  }

  /** An unsigned number of up to 64 bits. */
  public long varint() throws MalformedFrameException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int b = u8();
      value |= (long) (b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    throw new MalformedFrameException("a varint of more than 64 bits");
  }

  /** An unsigned number between 0 and {@code most}. */
  public long varint(long most) throws MalformedFrameException {
    long value = varint();
    if (value < 0 || value > most) throw new MalformedFrameException("a number over its bound");
    return value;
  }

  public long zigzag() throws MalformedFrameException {
    long value = varint();
    return (value >>> 1) ^ -(value & 1);
  }

  /**
   * A count of things that take at least {@code bytesEach} bytes each, so it cannot exceed what is
   * left.
   */
  public int count(int bytesEach) throws MalformedFrameException {
    return (int) varint(remaining() / bytesEach);
  }

  public OriginId origin() throws MalformedFrameException {
    return new OriginId(u64(), u64());
  }

  public byte[] bytes() throws MalformedFrameException {
    return raw(count(1));
  }

  public byte[] raw(int length) throws MalformedFrameException {
    need(length);
    at += length;
    return Arrays.copyOfRange(bytes, at - length, at);
  }

  public void end() throws MalformedFrameException {
    if (at != end) throw new MalformedFrameException("bytes after the end");
  }
}
