package org.natskvcache.nats;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.natskvcache.metrics.Failures;

/**
 * Carries out what waits for the object store, each on a virtual thread, and bounds how many bytes
 * of bodies are in work: {@link #BYTES_MAX}, so {@link #COUNT_MAX} at most. For any thread.
 */
final class LargeBodies {
  /** All bodies in work together, bytes. */
  static final int BYTES_MAX = 64 << 20;

  /** Even a small body counts as so many bytes. */
  private static final int BODY_BYTES_MIN = 1 << 20;

  /** Bodies in work. */
  static final int COUNT_MAX = BYTES_MAX / BODY_BYTES_MIN;

  /** How long work that was interrupted may take to say so. */
  private static final long LAST_WORDS_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** Something that waits. */
  interface Work {
    void run() throws BodyStoreException;
  }

  private final Semaphore bytesFree = new Semaphore(BYTES_MAX);
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("large-body-", 0).factory());

  /**
   * Begins some work; false when there is too much already.
   *
   * @param bodyBytes size of the body it is about
   * @param failed hears why the work failed, also when no more is taken
   */
  boolean run(long bodyBytes, Work work, Consumer<BodyStoreException> failed) {
    int bytes = Math.clamp(bodyBytes, BODY_BYTES_MIN, BYTES_MAX);
    if (!bytesFree.tryAcquire(bytes)) {
      return false;
    }
    try {
      threads.execute(() -> {
        try {
          carryOut(work, failed);
        } finally {
          bytesFree.release(bytes);
        }
      });
    } catch (RejectedExecutionException stopped) {
      bytesFree.release(bytes);
      failed.accept(new BodyStoreException(BodyStoreException.Kind.STOPPING));
    } catch (Throwable noThread) {
      bytesFree.release(bytes);
      throw noThread;
    }
    return true;
  }

  private static void carryOut(Work work, Consumer<BodyStoreException> failed) {
    try {
      work.run();
    } catch (BodyStoreException e) {
      var _ = Guarded.run("large body", () -> failed.accept(e));
    } catch (Throwable failure) {
      Failures.caught("large body", failure);
      var _ =
          Guarded.run(
              "large body",
              () -> failed.accept(new BodyStoreException(BodyStoreException.Kind.INTERNAL)));
    }
  }

  /** Takes no more work, and interrupts what is not done after so many nanoseconds. */
  void stop(long nanosMax) {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(nanosMax, TimeUnit.NANOSECONDS)) {
        threads.shutdownNow();
        var _ = threads.awaitTermination(LAST_WORDS_NANOS, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
