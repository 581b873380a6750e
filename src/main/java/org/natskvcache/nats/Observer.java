package org.natskvcache.nats;

import java.security.SecureRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.Diagnosis;
import org.natskvcache.node.Effect;
import org.natskvcache.node.Examination;
import org.natskvcache.node.Time;
import org.natskvcache.node.Transport;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.replication.wire.Channel;

/** Runs an {@link Examination} over NATS, on one connection, on the thread that asks for it. */
public final class Observer implements Transport.Listener {
  /** How long a server may take to answer, milliseconds. */
  public static final long CONNECT_MILLIS_MAX = 5_000;

  private static final int FRAMES_MAX = 10_000;

  private final BlockingQueue<byte[]> frames = new LinkedBlockingQueue<>(FRAMES_MAX);
  private final CountDownLatch connected = new CountDownLatch(1);
  private volatile @Nullable String refusal;

  private Observer() {}

  /**
   * Looks at all instances of a cache that replicates.
   *
   * @param waitMillis how long to look, milliseconds; some more for keys that differ
   * @param keysMax most differing keys to name
   * @param expected how many live instances are to answer at least; 0 for any number
   * @return null when no server could be reached
   * @throws IllegalArgumentException when the credentials cannot be used, or do not allow it,
   *     naming the reason only
   */
  public static @Nullable Diagnosis examine(
      String linkName, CacheSettings settings, long waitMillis, int keysMax, int expected)
      throws InterruptedException {
    var random = new SecureRandom();
    var me = OriginId.of(System.currentTimeMillis(), random.nextLong(), random.nextLong());
    var observer = new Observer();
    try (var transport =
        ReplicationTransport.observing(
            ReplicatedCaches.connection(settings), ReplicatedCaches.subjects(settings), linkName)) {
      return observer.run(
          new Examination(me, settings.frameKeys(), waitMillis, keysMax, expected), transport);
    }
  }

  private @Nullable Diagnosis run(Examination examination, ReplicationTransport transport)
      throws InterruptedException {
    carryOut(examination, transport); // listens before it is connected
    transport.start(this);
    if (!connected.await(CONNECT_MILLIS_MAX, TimeUnit.MILLISECONDS)) return null;
    examination.begin(now());
    while (!examination.done()) {
      carryOut(examination, transport);
      long waitMillis = Math.max(1, examination.nextTick() - now().tickMillis());
      byte[] frame = frames.poll(waitMillis, TimeUnit.MILLISECONDS);
      if (frame != null) examination.receive(frame, now());
      examination.tick(now());
      if (refusal != null) { // names the subject
        throw new IllegalArgumentException("NATS cannot be used: " + refusal);
      }
    }
    return examination.diagnosis();
  }

  private static void carryOut(Examination examination, Transport transport) {
    for (Effect effect : examination.takeEffects()) {
      switch (effect) {
        case Effect.ListenAs(var origin) -> transport.listenAs(origin);
        case Effect.Publish(var channel, var target, var frame) ->
            transport.publish(channel, target, frame);
        default -> throw new IllegalStateException("an examination does not " + effect);
      }
    }
  }

  private static Time now() {
    return new Time(System.currentTimeMillis(), System.nanoTime() / 1_000_000);
  }

  /** What does not fit is lost, and asked for again. */
  @Override
  public void receive(Channel channel, byte[] frame) {
    if (!frames.offer(frame)) Counter.SLOW_CONSUMER_DROPS.increment();
  }

  @Override
  public void connected() {
    connected.countDown();
  }

  @Override
  public void refused(String reason) {
    if (refusal == null) refusal = reason; // those that follow may come of it
    connected.countDown();
  }

  @Override
  public void unsendable(int bytes) {} // questions are small

  @Override
  public void nobodyListens() {} // somebody may come while we look

  @Override
  public void disconnected() {} // what is asked meanwhile is not answered, and asked again
}
