package org.natskvcache.nats;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Makes answers that take long, such as large sets, one after the other on a thread of its own, so
 * that other calls are answered meanwhile. An answer waits as an unchanging view of the data, and
 * takes memory for its bytes only while it is made. For any thread.
 */
final class LongAnswers {
  /** Answers that wait. */
  static final int COUNT_MAX = 256;

  /** What all of them would take together, bytes; one alone may take more. */
  static final int BYTES_MAX = 256 << 20;

  private static final long IDLE_SECONDS = 10;

  private final class Task implements Runnable {
    final int bytes;
    final Runnable make;
    final Runnable refuse;

    Task(int bytes, Runnable make, Runnable refuse) {
      this.bytes = bytes;
      this.make = make;
      this.refuse = refuse;
    }

    @Override
    public void run() {
      try {
        if (!Guarded.run("long answer", make)) Guarded.run("long answer", refuse);
      } finally {
        bytesFree.release(bytes);
      }
    }
  }

  private final Semaphore bytesFree = new Semaphore(BYTES_MAX);
  private final ThreadPoolExecutor thread =
      new ThreadPoolExecutor(
          1,
          1,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(COUNT_MAX),
          Thread.ofPlatform().daemon().name("long-answers").factory());

  LongAnswers() {
    thread.allowCoreThreadTimeOut(true);
  }

  /**
   * Takes an answer; false when there is too much already.
   *
   * @param bytesExpected what it takes, about
   * @param make makes and sends it; on the thread of this object
   * @param refuse answers that it is not made: on the thread of this object after a failure, on the
   *     thread that stops if that comes first
   */
  boolean run(long bytesExpected, Runnable make, Runnable refuse) {
    int bytes = Math.clamp(bytesExpected, 1, BYTES_MAX);
    if (!bytesFree.tryAcquire(bytes)) return false;
    try {
      thread.execute(new Task(bytes, make, refuse));
      return true;
    } catch (RejectedExecutionException full) {
      bytesFree.release(bytes);
      return false;
    }
  }

  /** Takes no more, and refuses what has not begun after so many nanoseconds. */
  void stop(long nanosMax) {
    thread.shutdown();
    try {
      if (thread.awaitTermination(nanosMax, TimeUnit.NANOSECONDS)) return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    for (Runnable waiting : thread.shutdownNow()) {
      Guarded.run("long answer", ((Task) waiting).refuse);
    }
  }
}
