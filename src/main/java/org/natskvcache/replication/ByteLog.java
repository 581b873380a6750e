package org.natskvcache.replication;

import org.jspecify.annotations.Nullable;

/**
 * A queue of bytes: appended at one end, dropped at the other, read anywhere in between. An address
 * counts the bytes ever appended before it. Kept in segments that are used again, so that what
 * passes through is nothing for the garbage collector to move.
 */
final class ByteLog {
  private static final int SEGMENT_BITS = 16;
  private static final int SEGMENT = 1 << SEGMENT_BITS;

  /** The segment of an address is at its number modulo the length, a power of two. */
  private byte[] @Nullable [] segments = new byte[4][];

  private byte @Nullable [] spare;
  private long start;
  private long end;

  /** Address of the next byte to be appended. */
  long end() {
    return end;
  }

  void append(byte[] from, int length) {
    for (int done = 0; done < length; ) {
      int at = (int) end & SEGMENT - 1;
      if (at == 0) open();
      int some = Math.min(length - done, SEGMENT - at);
      System.arraycopy(from, done, segment(end), at, some);
      done += some;
      end += some;
    }
  }

  private byte[] segment(long address) {
    byte[] segment = segments[index(address)];
    if (segment == null) throw new IllegalStateException("read outside of the log");
    return segment;
  }

  private int index(long address) {
    return (int) (address >>> SEGMENT_BITS) & segments.length - 1;
  }

  private void open() {
    if (segments[index(end)] != null) grow();
    segments[index(end)] = spare == null ? new byte[SEGMENT] : spare;
    spare = null;
  }

  private void grow() {
    byte[] @Nullable [] before = segments;
    segments = new byte[2 * before.length][];
    long address = end;
    for (int i = 0; i < before.length; i++) {
      address -= SEGMENT;
      segments[index(address)] = before[(int) (address >>> SEGMENT_BITS) & before.length - 1];
    }
  }

  byte[] read(long from, int length) {
    byte[] bytes = new byte[length];
    for (int done = 0; done < length; ) {
      int at = (int) (from + done) & SEGMENT - 1;
      int some = Math.min(length - done, SEGMENT - at);
      System.arraycopy(segment(from + done), at, bytes, done, some);
      done += some;
    }
    return bytes;
  }

  /** Nothing before this address is read again. */
  void dropTo(long address) {
    for (; address - start >= SEGMENT; start += SEGMENT) {
      spare = segments[index(start)];
      segments[index(start)] = null;
    }
  }
}
