package org.natskvcache.bench;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.natskvcache.NatsForTests;
import org.natskvcache.TcpProxy;
import org.natskvcache.nats.ConnectionSettings;
import org.natskvcache.nats.ReplicationSubjects;
import org.natskvcache.nats.ReplicationTransport;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * Two whole replicas in this process, connected by a real nats-server on loopback: how long until a
 * joiner of 1,000,000 entries of 16 + 64 bytes is in step, and until two are that wrote 100,000
 * each while one was cut off for 30 s; and the longest a caller of either waited meanwhile. A
 * prober for each reads a key every 0.2 ms and counts everything: the lock, other threads, other
 * programs, and garbage collections, which are told apart in the last column. Both share one heap
 * here, so a collection stops both.
 */
final class JoinBench {
  private static final int ENTRIES = Smoke.or(1_000_000, 5_000);
  private static final int APART = Smoke.or(100_000, 500);
  private static final int TURNS = Smoke.or(5, 1);
  private static final long APART_MILLIS = Long.getLong("apart.millis", Smoke.or(30_000, 200));

  /** The longest collection since it was last asked. */
  private static final AtomicLong LONGEST_GC_MILLIS = new AtomicLong();

  private final Map<String, List<Double>> figures = new TreeMap<>();

  private JoinBench() {}

  public static void main(String[] args) throws Exception {
    watchCollections();
    JoinBench bench = new JoinBench();
    for (int turn = 0; turn < TURNS; turn++) {
      try (NatsForTests nats = NatsForTests.start();
          TcpProxy proxy = TcpProxy.to(nats.port())) {
        bench.turn(nats, proxy);
      }
    }
    System.out.println("medians (greatest) of " + TURNS);
    bench.figures.forEach((name, values) -> {
      Collections.sort(values);
      System.out.printf(
          "%-40s %8.0f (%.0f)%n", name, values.get(values.size() / 2), values.getLast());
    });
  }

  private static void watchCollections() {
    for (var collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      ((NotificationEmitter) collector)
          .addNotificationListener(
              (notification, handback) -> {
                var info =
                    GarbageCollectionNotificationInfo.from(
                        (CompositeData) notification.getUserData());
                LONGEST_GC_MILLIS.accumulateAndGet(info.getGcInfo().getDuration(), Math::max);
              },
              null,
              null);
    }
  }

  private void turn(NatsForTests nats, TcpProxy proxy) {
    var first = new Instance("first", nats.url());
    first.awaitLive();
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < ENTRIES; i++) first.write(i, i);
    System.gc();
    first.settle();

    LONGEST_GC_MILLIS.set(0);
    first.probe();
    long begin = System.nanoTime();
    var second = new Instance("second", proxy.url());
    second.probe();
    while (!inStep(first, second)) {
      first.write(random.nextInt(ENTRIES), random.nextLong());
      LockSupport.parkNanos(200_000);
    }
    report("joiner", first, second, begin);

    proxy.refuse();
    proxy.closeConnections();
    while (second.replica.status().connected()) LockSupport.parkNanos(1_000_000);
    sleep(APART_MILLIS / 10);
    for (int i = 0; i < APART; i++) {
      first.write(random.nextInt(ENTRIES), random.nextLong());
      second.write(random.nextInt(ENTRIES), random.nextLong());
    }
    sleep(APART_MILLIS - APART_MILLIS / 10);
    LONGEST_GC_MILLIS.set(0);
    first.longestNanos = 0;
    second.longestNanos = 0;
    proxy.heal();
    while (!second.replica.status().connected()) LockSupport.parkNanos(1_000_000);
    begin = System.nanoTime();
    while (!inStep(first, second)) LockSupport.parkNanos(1_000_000);
    report("apart, from reconnected on", first, second, begin);
    second.close();
    first.close();
  }

  private void report(String what, Instance first, Instance second, long begin) {
    add(what + ": in step, ms", (System.nanoTime() - begin) / 1e6);
    add(what + ": longest wait at the first, ms", first.longestNanos / 1e6);
    add(what + ": longest wait at the second, ms", second.longestNanos / 1e6);
    add(what + ": longest collection, ms", LONGEST_GC_MILLIS.get());
  }

  private void add(String name, double value) {
    figures.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
  }

  private static boolean inStep(Instance a, Instance b) {
    ReplicaStatus one = a.replica.status();
    ReplicaStatus other = b.replica.status();
    return other.state() == ReplicaStatus.State.LIVE
        && other.entries() >= ENTRIES
        && one.versionVector().equals(other.versionVector());
  }

  private static void sleep(long millis) {
    long until = System.nanoTime() + millis * 1_000_000;
    while (System.nanoTime() < until) LockSupport.parkNanos(until - System.nanoTime());
  }

  private static final class Instance {
    final LockedReplica replica;
    volatile long longestNanos;
    private final ReplicationTransport transport;
    private volatile boolean open = true;

    Instance(String name, String url) {
      var subjects = new ReplicationSubjects("join.events", "join.replay");
      transport = new ReplicationTransport(ConnectionSettings.of(url), subjects, name);
      var settings = NodeSettings.replicated(Limits.DEFAULTS, 60_000);
      replica = new LockedReplica(name, settings, transport);
      transport.start(replica);
    }

    void awaitLive() {
      while (replica.status().state() != ReplicaStatus.State.LIVE) LockSupport.parkNanos(1_000_000);
    }

    void write(long number, long content) {
      byte[] key = ByteBuffer.allocate(16).putLong(7).putLong(number).array();
      byte[] value = ByteBuffer.allocate(64).putLong(content).array();
      replica.call(new Command.Set(new Key(new Bytes(key)), new Bytes(value), 0), reply -> {});
    }

    /** Waits until the last beacons of the writes are out. */
    void settle() {
      sleep(Smoke.or(6_000, 100));
    }

    /**
     * Reads a key every 0.2 ms and notes the longest time from one answer to the next; a call that
     * is held because the replica joins counts as answered.
     */
    void probe() {
      Thread.ofPlatform()
          .daemon()
          .start(() -> {
            long before = System.nanoTime();
            while (open) {
              replica.call(new Command.Get(Key.of("probe")), reply -> {});
              long now = System.nanoTime();
              longestNanos = Math.max(longestNanos, now - before);
              before = now;
              LockSupport.parkNanos(200_000);
            }
          });
    }

    void close() {
      open = false;
      replica.close();
      transport.close();
    }
  }
}
