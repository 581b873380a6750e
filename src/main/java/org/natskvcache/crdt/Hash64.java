package org.natskvcache.crdt;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The 64-bit hash of keys, digests and vectors. It is part of the replication protocol: every
 * replica must compute the same. Built on the finaliser of SplitMix64 (Steele et al., OOPSLA 2014;
 * Stafford's variant 13).
 */
public final class Hash64 {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;

  /** One word for each lane, bytes. */
  private static final int BLOCK = 32;

  private Hash64() {}

  /** Mixes 64 bits so that every input bit reaches every output bit. */
  public static long mix(long x) {
    x = (x ^ (x >>> 30)) * 0xbf58476d1ce4e5b9L;
    x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
    return x ^ (x >>> 31);
  }

  /** Extends the running hash {@code h} by one word. */
  public static long chain(long h, long word) {
    return mix((h ^ word) + GOLDEN);
  }

  /** Of two lanes one; not the same the other way round. */
  private static long join(long first, long second) {
    return chain(first, Long.rotateLeft(second, 32));
  }

  /**
   * The hash of a byte string: its length, then blocks of four little-endian 8-byte words, each
   * word in a lane of its own so that the processor does the four at once, then what words are
   * left, the last one padded with zeros.
   */
  public static long of(byte[] bytes) {
    return of(bytes, 0, bytes.length);
  }

  /** The same of the bytes from one position to before another. */
  public static long of(byte[] bytes, int from, int to) {
    long h = mix(to - from + GOLDEN);
    int i = from;
    if (to - from >= BLOCK) {
      long a = h;
      long b = h + GOLDEN;
      long c = b + GOLDEN;
      long d = c + GOLDEN;
      for (; i + BLOCK <= to; i += BLOCK) {
        a = chain(a, (long) LONGS.get(bytes, i));
        b = chain(b, (long) LONGS.get(bytes, i + 8));
        c = chain(c, (long) LONGS.get(bytes, i + 16));
        d = chain(d, (long) LONGS.get(bytes, i + 24));
      }
      h = join(join(a, b), join(c, d));
    }
    for (; i + 8 <= to; i += 8) h = chain(h, (long) LONGS.get(bytes, i));
    if (i < to) {
      long tail = 0;
      for (int shift = 0; i < to; i++, shift += 8) tail |= (bytes[i] & 0xffL) << shift;
      h = chain(h, tail);
    }
    return h;
  }
}
