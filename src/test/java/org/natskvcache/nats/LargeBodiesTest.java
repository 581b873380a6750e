package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.Thrown;
import org.natskvcache.Waiting;
import org.natskvcache.nats.BodyStoreException.Kind;

class LargeBodiesTest {
  private final LargeBodies bodies = new LargeBodies();
  private final CountDownLatch release = new CountDownLatch(1);
  private final BlockingQueue<Kind> failures = new LinkedBlockingQueue<>();

  @AfterEach
  void close() {
    release.countDown();
    bodies.stop(TimeUnit.SECONDS.toNanos(1));
  }

  private boolean begin(long bytes) {
    return bodies.run(bytes, this::work, failure -> failures.add(failure.kind()));
  }

  private void work() throws BodyStoreException {
    try {
      release.await();
    } catch (InterruptedException e) {
      throw new BodyStoreException(Kind.STOPPING);
    }
  }

  @Test
  void countIsBoundedForSmallBodies() {
    for (int i = 0; i < LargeBodies.COUNT_MAX; i++) assertTrue(begin(1));
    assertFalse(begin(1));
    release.countDown();
    Waiting.until("room again", () -> begin(1));
  }

  @Test
  void bytesAreBoundedForLargeOnes() {
    for (int i = 0; i < 4; i++) assertTrue(begin(16 << 20));
    assertFalse(begin(1));
    release.countDown();
    Waiting.until("room again", () -> begin(16 << 20));
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void whatIsThrownFailsThatBodyOnly(Throwable thrown) throws Exception {
    for (int i = 0; i < 2 * LargeBodies.COUNT_MAX; i++) {
      Waiting.until("room", () -> bodies.run(1, () -> Thrown.raise(thrown), this::failed));
      assertEquals(Kind.INTERNAL, failures.poll(Waiting.PATIENCE.toSeconds(), TimeUnit.SECONDS));
    }
    assertTrue(bodies.run(1, () -> {}, this::failed));
  }

  private void failed(BodyStoreException failure) {
    failures.add(failure.kind());
    throw new IllegalStateException("and the answer fails too");
  }

  @Test
  void stopInterruptsWhatIsNotDoneAndTakesNoMore() throws Exception {
    assertTrue(begin(1));
    bodies.stop(0);
    assertEquals(Kind.STOPPING, failures.poll(Waiting.PATIENCE.toSeconds(), TimeUnit.SECONDS));
    assertTrue(begin(1));
    assertEquals(Kind.STOPPING, failures.poll());
  }
}
