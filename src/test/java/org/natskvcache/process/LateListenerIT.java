package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nats.client.impl.Headers;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.wrpc.WrpcServer;

/**
 * Parallel calls of a host that begins to listen late. {@code -Dcalls=10000} makes so many and
 * prints how many were lost.
 */
class LateListenerIT {
  private static final int CALLS = Integer.getInteger("calls", 3_000);
  private static final int IN_FLIGHT = 64;
  private static final long SEED = Long.getLong("seed", 1);

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void noCallIsLost() throws Exception {
    WrpcProvider provider = fixture.startOne(HostDataLine.ofOne(fixture.nats));
    WrpcComponent counter = provider.component("counter", "default");
    assertEquals(
        0, counter.call(KeyValueFunction.SET, WrpcVectors.call("store.set/params/basic"))[0]);
    KeyValueFunction get = KeyValueFunction.GET;
    byte[] params = WrpcVectors.call("store.get/params/basic");
    String subject = WrpcServer.subject("default." + provider.id(), get.instance(), get.function());
    var headers = new Headers().add("source-id", "counter").add("link-name", "default");
    var room = new Semaphore(IN_FLIGHT);
    var lost = new AtomicInteger();
    var over = new CountDownLatch(CALLS);
    try (var host = new LateListener(fixture.host, subject, headers, SEED)) {
      for (int i = 0; i < CALLS; i++) {
        room.acquire();
        host.call(params)
            .completeOnTimeout(false, Waiting.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
            .thenAccept(answered -> {
              if (!answered) lost.incrementAndGet();
              room.release();
              over.countDown();
            });
      }
      over.await();
    }
    System.out.println("lost " + lost + " of " + CALLS + " calls, " + IN_FLIGHT + " in flight");
    assertEquals(0, lost.get(), "seed=" + SEED);
  }
}
