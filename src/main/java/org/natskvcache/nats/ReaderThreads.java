package org.natskvcache.nats;

import java.util.concurrent.Future;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Daemon threads for the reader of the NATS client. A reader that ends with an exception that the
 * client does not expect leaves its connection open and deaf (jnats 2.26.2, NatsConnectionReader),
 * so these tell of it.
 */
final class ReaderThreads extends ThreadPoolExecutor {
  private final Consumer<Throwable> ended;

  /**
   * No thread yet.
   *
   * @param ended is told why a reader ended, on its thread
   */
  ReaderThreads(String name, Consumer<Throwable> ended) {
    super(
        0,
        Integer.MAX_VALUE,
        1,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        Thread.ofPlatform().daemon().name(name + " reader").factory());
    this.ended = ended;
  }

  @Override
  protected void afterExecute(Runnable task, @Nullable Throwable thrown) {
    if (task instanceof Future<?> reader && reader.state() == Future.State.FAILED) {
      ended.accept(reader.exceptionNow());
    }
  }
}
