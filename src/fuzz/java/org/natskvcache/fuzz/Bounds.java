package org.natskvcache.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;

/** Holds a decoder to memory in proportion to what it is given. */
public final class Bounds {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** What any decoder may allocate for nothing: buffers, exceptions, a lazy class. */
  private static final long FREE_BYTES = 128 << 10;

  private static final int REPEATS = 5;

  private Bounds() {}

  /**
   * What {@code decoding} answers or throws. Fails when it allocated more than {@code bytesPerByte}
   * for each of {@code inputBytes} every time: the first times may load classes, which a fuzzer
   * instruments.
   */
  public static <T> T allocating(int inputBytes, int bytesPerByte, Callable<T> decoding)
      throws Exception {
    long most = FREE_BYTES + (long) bytesPerByte * inputBytes;
    long before = allocated();
    try {
      return decoding.call();
    } finally {
      if (allocated() - before > most) repeat(inputBytes, most, decoding);
    }
  }

  private static void repeat(int inputBytes, long most, Callable<?> decoding) {
    long spent = Long.MAX_VALUE;
    for (int i = 0; i < REPEATS && spent > most; i++) {
      long before = allocated();
      try {
        decoding.call();
      } catch (Exception refused) {
        // as the first call, which tells
      }
      spent = allocated() - before;
    }
    if (spent > most) {
      throw new AssertionError("allocated " + spent + " bytes for " + inputBytes);
    }
  }

  private static long allocated() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }
}
