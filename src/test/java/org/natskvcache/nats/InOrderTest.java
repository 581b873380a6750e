package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.Thrown;
import org.natskvcache.Waiting;
import org.natskvcache.metrics.Counter;

class InOrderTest {
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);

  private final List<Integer> done = new CopyOnWriteArrayList<>();

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 7})
  void carriesOutInTheOrderOfAcceptance(int helpers) {
    var inOrder = new InOrder(helpers);
    var random = new Random(helpers);
    var carriers = new AtomicInteger();
    int count = 5_000;
    for (int i = 0; i < count; i++) {
      int number = i;
      int spins = random.nextInt(2_000);
      inOrder.accept(
          () -> {
            for (int spin = 0; spin < spins; spin++) Thread.onSpinWait();
            return () -> {
              assertEquals(1, carriers.incrementAndGet());
              done.add(number);
              carriers.decrementAndGet();
            };
          },
          i + 1 < count && random.nextInt(20) > 0);
    }
    assertTrue(inOrder.stop(PATIENCE));
    assertEquals(IntStream.range(0, count).boxed().toList(), done);
  }

  @Test
  void whatComesAloneIsDoneByWhoBringsIt() {
    var inOrder = new InOrder(3);
    List<Thread> threads = new CopyOnWriteArrayList<>();
    inOrder.accept(
        () -> {
          threads.add(Thread.currentThread());
          return () -> threads.add(Thread.currentThread());
        },
        false);
    assertEquals(List.of(Thread.currentThread(), Thread.currentThread()), threads);
    assertTrue(inOrder.stop(PATIENCE));
  }

  @Test
  void othersAreCheckedMeanwhileButWait() throws Exception {
    var inOrder = new InOrder(1);
    var begun = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    List<Thread> checkers = new CopyOnWriteArrayList<>();
    inOrder.accept(
        () -> {
          checkers.add(Thread.currentThread());
          begun.countDown();
          await(release);
          return () -> done.add(1);
        },
        true);
    assertTrue(begun.await(10, TimeUnit.SECONDS));
    inOrder.accept(
        () -> {
          checkers.add(Thread.currentThread());
          return () -> done.add(2);
        },
        false);
    assertEquals(List.of(), done);
    assertFalse(inOrder.stop(1), "it is not carried out");
    release.countDown();
    Waiting.until("both", () -> done.size() == 2);
    assertEquals(List.of(1, 2), done);
    assertNotEquals(checkers.get(0), checkers.get(1));
  }

  @Test
  void whoBringsTooMuchWaits() throws Exception {
    var inOrder = new InOrder(1);
    var begun = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    inOrder.accept(
        () -> {
          begun.countDown();
          await(release);
          return () -> done.add(0);
        },
        true);
    assertTrue(begun.await(10, TimeUnit.SECONDS));
    var accepted = new AtomicInteger();
    var bringer =
        Thread.ofPlatform()
            .start(() -> {
              for (int i = 1; i <= 2 * InOrder.WAITING_MAX; i++) {
                int number = i;
                inOrder.accept(() -> () -> done.add(number), true);
                accepted.incrementAndGet();
              }
            });
    Waiting.until("it waits", () -> bringer.getState() == Thread.State.WAITING);
    assertEquals(InOrder.WAITING_MAX - 2, accepted.get());
    release.countDown();
    bringer.join();
    assertTrue(inOrder.stop(PATIENCE));
    assertEquals(IntStream.rangeClosed(0, 2 * InOrder.WAITING_MAX).boxed().toList(), done);
  }

  @Test
  void whatIsAcceptedAfterTheStopIsDone() {
    var inOrder = new InOrder(1);
    assertTrue(inOrder.stop(PATIENCE));
    inOrder.accept(() -> () -> done.add(1), true);
    assertEquals(List.of(1), done);
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void whatIsThrownEndsThatWorkOnly(Throwable thrown) {
    for (int helpers = 0; helpers < 2; helpers++) {
      done.clear();
      var inOrder = new InOrder(helpers);
      long before = Counter.FAILURES.value();
      inOrder.accept(() -> Thrown.raise(thrown), true);
      inOrder.accept(() -> () -> Thrown.raise(thrown), true);
      inOrder.accept(() -> () -> done.add(1), false);
      assertTrue(inOrder.stop(PATIENCE));
      assertEquals(List.of(1), done);
      assertTrue(Counter.FAILURES.value() >= before + 2);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(10, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
