package org.natskvcache.bench;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.HdrHistogram.Histogram;
import org.natskvcache.NatsForTests;
import org.natskvcache.nats.ConnectionSettings;
import org.natskvcache.nats.ReplicationSubjects;
import org.natskvcache.nats.ReplicationTransport;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.ReplicationKey;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/**
 * How far a peer lags: from the moment a caller was to ask one instance for an increment to the
 * moment a second instance has applied it, both in this process and connected by a real nats-server
 * on loopback. Ten seconds of increments, 10,000 a second unless {@code bench.rate} says otherwise,
 * after two to warm up; then as many as one caller can make, to see how many a second the other one
 * applies. Without and with a replication key, in turn.
 */
final class LagBench {
  private static final int RATE = Integer.getInteger("bench.rate", 10_000);
  private static final int INCREMENTS = Smoke.ON ? RATE / 20 : 10 * RATE;
  private static final int WARM_UP = Smoke.ON ? RATE / 20 : 2 * RATE;

  private static final int BURST = Smoke.or(500_000, 1_000);
  private static final int TURNS = Smoke.or(3, 1);

  private LagBench() {}

  public static void main(String[] args) {
    byte[] bytes = new byte[ReplicationKey.BYTES];
    new SecureRandom().nextBytes(bytes);
    FrameKeys keyed = FrameKeys.replication(ReplicationKey.of(bytes).text());
    for (int turn = 0; turn < TURNS; turn++) {
      run("without a key", FrameKeys.NONE);
      run("with a key", keyed);
    }
  }

  private static void run(String what, FrameKeys keys) {
    ReplicationSubjects subjects = new ReplicationSubjects("lag.events", "lag.replay");
    var replicated = NodeSettings.replicated(Limits.DEFAULTS, 60_000, ClockLimits.DEFAULTS, keys);
    try (NatsForTests nats = NatsForTests.start()) {
      var settings = ConnectionSettings.of(nats.url());
      var there = new ReplicationTransport(settings, subjects, "there");
      var second = new LockedReplica("there", replicated, there);
      var appliedAt = new AtomicLongArray(WARM_UP + INCREMENTS + BURST + 1);
      there.start(watching(second, appliedAt));
      awaitLive(second);
      var here = new ReplicationTransport(settings, subjects, "here");
      var first = new LockedReplica("here", replicated, here);
      here.start(first);
      awaitLive(first);
      Histogram lag = measure(first, appliedAt);
      double perSecond = burst(first, appliedAt);
      System.out.printf(
          "%s: peer lag over %d increments at %d/s, us: p50 %.0f p99 %.0f p99.9 %.0f max %.0f;"
              + " %.0f a second at most%n",
          what,
          lag.getTotalCount(),
          RATE,
          lag.getValueAtPercentile(50) / 1e3,
          lag.getValueAtPercentile(99) / 1e3,
          lag.getValueAtPercentile(99.9) / 1e3,
          lag.getMaxValue() / 1e3,
          perSecond);
      first.close();
      second.close();
      here.close();
      there.close();
    }
  }

  /** Increments as fast as one caller can; how many a second the other instance has applied. */
  private static double burst(Replica first, AtomicLongArray appliedAt) {
    long start = System.nanoTime();
    for (int i = 0; i < BURST; i++) {
      first.call(new Command.Increment(Key.of("n"), 1), reply -> {});
    }
    int last = appliedAt.length() - 1;
    awaitApplied(appliedAt, last);
    return BURST / ((appliedAt.get(last) - start) / 1e9);
  }

  private static void awaitApplied(AtomicLongArray appliedAt, int value) {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (appliedAt.get(value) == 0) {
      if (System.nanoTime() > deadline) throw new IllegalStateException(value + " never came");
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static Histogram measure(Replica first, AtomicLongArray appliedAt) {
    long[] askedAt = new long[appliedAt.length()];
    long start = System.nanoTime();
    int last = appliedAt.length() - 1 - BURST;
    for (int i = 1; i <= last; i++) {
      long due = start + i * 1_000_000_000L / RATE;
      while (System.nanoTime() < due) LockSupport.parkNanos(due - System.nanoTime());
      askedAt[i] = due; // not now: who comes late must not hide that it waited
      first.call(new Command.Increment(Key.of("n"), 1), reply -> {});
    }
    awaitApplied(appliedAt, last);
    Histogram lag = new Histogram(60_000_000_000L, 3);
    for (int i = WARM_UP + 1; i <= last; i++) {
      lag.recordValue(appliedAt.get(i) - askedAt[i]);
    }
    return lag;
  }

  private static void awaitLive(Replica replica) {
    while (replica.status().state() != ReplicaStatus.State.LIVE) LockSupport.parkNanos(1_000_000);
  }

  /** The replica, noting when the counter reached each value. */
  private static Replica watching(LockedReplica replica, AtomicLongArray appliedAt) {
    return new Replica() {
      private int reached;

      @Override
      public void watch(KeyWatcher watcher) {
        replica.watch(watcher);
      }

      @Override
      public void call(Command command, Object cause, Consumer<Reply> answer) {
        replica.call(command, cause, answer);
      }

      @Override
      public void receive(Channel channel, byte[] frame) {
        replica.receive(channel, frame);
        replica.call(
            new Command.Get(Key.of("n")),
            reply -> {
              if (!(reply instanceof Reply.Value(var bytes))) return;
              int value = Integer.parseInt(bytes.utf8());
              long now = System.nanoTime();
              while (reached < value) appliedAt.set(++reached, now);
            });
      }

      @Override
      public void connected() {
        replica.connected();
      }

      @Override
      public void disconnected() {
        replica.disconnected();
      }

      @Override
      public void unsendable(int bytes) {}

      @Override
      public void nobodyListens() {
        replica.nobodyListens();
      }

      @Override
      public boolean handOver(Duration patience) {
        return replica.handOver(patience);
      }

      @Override
      public ReplicaStatus status() {
        return replica.status();
      }

      @Override
      public void close() {
        replica.close();
      }
    };
  }
}
