package org.natskvcache.rpc.wasmbus;

import java.util.Arrays;
import org.natskvcache.store.Bytes;

/**
 * Writes MessagePack values one after the other, each in its shortest form, as the reference
 * provider does. The caller keeps the count of what it announced in a header. Not for use by
 * several threads.
 */
public final class MessagePackWriter {
  private byte[] bytes;
  private int size;

  /** A writer that starts with room for {@code bytesExpected}. */
  public MessagePackWriter(int bytesExpected) {
    this.bytes = new byte[Math.max(16, bytesExpected)];
  }

  /** What was written; the writer must not be used any more. */
  public byte[] toByteArray() {
    return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
  }

  public MessagePackWriter nil() {
    return put(0xc0);
  }

  public MessagePackWriter flag(boolean value) {
    return put(value ? 0xc3 : 0xc2);
  }

  /** A signed integer; positive ones use the unsigned forms. */
  public MessagePackWriter integer(long value) {
    if (value >= 0) {
      return positive(value);
    }
    if (value >= -32) {
      return put((int) value);
    }
    if (value >= Byte.MIN_VALUE) {
      return put(0xd0).big(value, 1);
    }
    if (value >= Short.MIN_VALUE) {
      return put(0xd1).big(value, 2);
    }
    return value >= Integer.MIN_VALUE ? put(0xd2).big(value, 4) : put(0xd3).big(value, 8);
  }

  private MessagePackWriter positive(long value) {
    if (value < 0x80) {
      return put((int) value);
    }
    if (value < 0x100) {
      return put(0xcc).big(value, 1);
    }
    if (value < 0x10000) {
      return put(0xcd).big(value, 2);
    }
    return value < 0x100000000L ? put(0xce).big(value, 4) : put(0xcf).big(value, 8);
  }

  /** A str. */
  public MessagePackWriter text(String value) {
    return text(Bytes.utf8(value));
  }

  /** A str; the caller knows that it is UTF-8. */
  public MessagePackWriter text(Bytes value) {
    return value.to(this::text);
  }

  private MessagePackWriter text(byte[] array, int from, int length) {
    if (length < 32) {
      put(0xa0 | length);
    } else {
      header(length, 0xd9);
    }
    return raw(array, from, length);
  }

  /** A bin. */
  public MessagePackWriter blob(byte[] value) {
    header(value.length, 0xc4);
    return raw(value, 0, value.length);
  }

  /** Announces {@code count} values. */
  public MessagePackWriter arrayHeader(int count) {
    return collection(count, 0x90, 0xdc);
  }

  /** Announces {@code count} pairs of key and value. */
  public MessagePackWriter mapHeader(int count) {
    return collection(count, 0x80, 0xde);
  }

  private MessagePackWriter collection(int count, int fix, int head16) {
    if (count < 16) {
      return put(fix | count);
    }
    return count < 0x10000 ? put(head16).big(count, 2) : put(head16 + 1).big(count, 4);
  }

  /** Head and length of a str or bin, whose three widths follow each other from {@code head8}. */
  private void header(int length, int head8) {
    if (length < 0x100) {
      put(head8).big(length, 1);
    } else if (length < 0x10000) {
      put(head8 + 1).big(length, 2);
    } else {
      put(head8 + 2).big(length, 4);
    }
  }

  private MessagePackWriter raw(byte[] array, int from, int length) {
    room(length);
    System.arraycopy(array, from, bytes, size, length);
    size += length;
    return this;
  }

  private MessagePackWriter big(long value, int width) {
    room(width);
    for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) {
      bytes[size++] = (byte) (value >> shift);
    }
    return this;
  }

  private MessagePackWriter put(int value) {
    room(1);
    bytes[size++] = (byte) value;
    return this;
  }

  private void room(int more) {
    if (more > bytes.length - size) {
      bytes = Arrays.copyOf(bytes, Math.max(size + more, bytes.length * 2));
    }
  }
}
