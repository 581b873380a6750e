package org.natskvcache.replication.wire;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.natskvcache.crdt.OriginId;

/**
 * A growing array of bytes. Fixed-width integers are big-endian, varints are LEB128, signed ones
 * zigzag.
 */
public final class ByteWriter {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private byte[] bytes;
  private int size;

  public ByteWriter(int capacity) {
    bytes = new byte[capacity];
  }

  private void room(int more) {
    if (size + more > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
    }
  }

  public int size() {
    return size;
  }

  public byte[] array() {
    return bytes;
  }

  /** Forgets all, to be used again; keeps an array of up to so many bytes. */
  public void clear(int capacityMax) {
    size = 0;
    if (bytes.length > capacityMax) bytes = new byte[capacityMax];
  }

  /** Forgets the first {@code count} bytes. */
  public void dropFirst(int count) {
    System.arraycopy(bytes, count, bytes, 0, size - count);
    size -= count;
  }

  public byte[] toBytes() {
    return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
  }

  public void u8(int value) {
    room(1);
    bytes[size++] = (byte) value;
  }

  public void u16(int value) {
    u8(value >>> 8);
    u8(value);
  }

  public void u32(int value) {
    u16(value >>> 16);
    u16(value);
  }

  public void u64(long value) {
    room(8);
    LONGS.set(bytes, size, value);
    size += 8;
  }

  /** An unsigned number, 1 to 10 bytes. */
  public void varint(long value) {
    room(10);
    while ((value & ~0x7fL) != 0) {
      bytes[size++] = (byte) (value | 0x80);
      value >>>= 7;
    }
    bytes[size++] = (byte) value;
  }

  /** A signed number of small magnitude. */
  public void zigzag(long value) {
    varint((value << 1) ^ (value >> 63));
  }

  public void origin(OriginId id) {
    u64(id.high());
    u64(id.low());
  }

  /** A length and that many bytes. */
  public void bytes(byte[] value) {
    varint(value.length);
    raw(value, 0, value.length);
  }

  public void raw(byte[] from, int offset, int length) {
    room(length);
    System.arraycopy(from, offset, bytes, size, length);
    size += length;
  }
}
