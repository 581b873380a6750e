package org.natskvcache.nats;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Failures;

/**
 * Work of which the first part is costly and may be done at once with that of others, while the
 * second has to be done one by one in the order in which it came.
 *
 * <pre>
 *   accept ──► unchecked ──► check, on the accepting thread and some helpers
 *         └──► order ──────► carry out from its head, as far as it is checked, by whoever comes first
 * </pre>
 *
 * <p>What comes alone is done on the accepting thread, without a hand-off. When {@link
 * #WAITING_MAX} wait, the accepting thread works and waits until there is room.
 */
final class InOrder {
  /** Work that is not carried out. */
  static final int WAITING_MAX = 1_024;

  private static final class Task {
    final Supplier<Runnable> check;
    @Nullable Runnable rest;

    Task(Supplier<Runnable> check) {
      this.check = check;
    }
  }

  private final int helpers;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition progress = lock.newCondition();

  // all below: under the lock
  private final Queue<Task> order = new ArrayDeque<>();
  private final Queue<Task> unchecked = new ArrayDeque<>();
  private boolean carrying;
  private boolean stopped;

  /**
   * Starts the helpers.
   *
   * @param helpers how many; 0: everything is done on the accepting thread
   */
  InOrder(int helpers) {
    this.helpers = helpers;
    for (int i = 0; i < helpers; i++) {
      Thread.ofPlatform().daemon().name("check-" + i).start(this::help);
    }
  }

  /** As many helpers as there are processors besides the accepting thread's, seven at most. */
  static int helpers() {
    return Math.min(7, Runtime.getRuntime().availableProcessors() - 1);
  }

  /**
   * Takes work; from one thread at a time.
   *
   * @param check the first part; gives the second
   * @param moreFollows whether the caller comes again at once: then it only leaves the work here
   */
  void accept(Supplier<Runnable> check, boolean moreFollows) {
    var task = new Task(check);
    boolean leave;
    lock.lock();
    try {
      order.add(task);
      unchecked.add(task);
      leave = moreFollows && helpers > 0 && order.size() < WAITING_MAX && !stopped;
      if (leave) work.signal();
    } finally {
      lock.unlock();
    }
    if (leave) return;
    for (Task next = unchecked(false); next != null; next = unchecked(false)) check(next);
    awaitRoom();
  }

  private void help() {
    boolean over = false;
    while (!over) {
      over =
          Guarded.run(
              "checks of calls",
              () -> {
                for (Task next = unchecked(true); next != null; next = unchecked(true)) check(next);
              });
    }
  }

  /** The oldest work nobody checks yet; null without any, for one who waits only at the end. */
  private @Nullable Task unchecked(boolean wait) {
    lock.lock();
    try {
      while (wait && unchecked.isEmpty() && !stopped) work.awaitUninterruptibly();
      return unchecked.poll();
    } finally {
      lock.unlock();
    }
  }

  private void check(Task task) {
    Runnable rest;
    try {
      rest = task.check.get();
    } catch (Throwable failure) {
      Failures.caught("check of a call", failure);
      rest = () -> {};
    }
    lock.lock();
    try {
      task.rest = rest;
    } finally {
      lock.unlock();
    }
    carryOut();
  }

  private void carryOut() {
    for (Runnable rest = first(true); rest != null; rest = first(false)) {
      var _ = Guarded.run("call", rest);
    }
  }

  /** What is to be carried out now; null when that is not checked, or another thread is at it. */
  private @Nullable Runnable first(boolean begin) {
    lock.lock();
    try {
      if (begin && carrying) return null; // that thread looks again when it is done
      if (!begin) {
        order.remove();
        progress.signalAll();
      }
      Task head = order.peek();
      carrying = head != null && head.rest != null;
      return carrying ? head.rest : null;
    } finally {
      lock.unlock();
    }
  }

  private void awaitRoom() {
    lock.lock();
    try {
      while (order.size() >= WAITING_MAX && !stopped) progress.awaitUninterruptibly();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until all is carried out, so many nanoseconds at most, and ends the helpers when they
   * have checked what is there. What is accepted later is done on the accepting thread.
   *
   * @return whether all was carried out
   */
  boolean stop(long nanosMax) {
    lock.lock();
    try {
      long left = nanosMax;
      while (!order.isEmpty() && left > 0) left = progress.awaitNanos(left);
      stopped = true;
      work.signalAll();
      progress.signalAll();
      return order.isEmpty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }
}
