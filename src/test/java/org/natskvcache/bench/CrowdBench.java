package org.natskvcache.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.natskvcache.NatsForTests;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.nats.ConnectionSettings;
import org.natskvcache.nats.ReplicationSubjects;
import org.natskvcache.nats.ReplicationTransport;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.node.Transport;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * Fifty instances in this process, each with its two connections to one real nats-server on
 * loopback: they start together, write together, and end with equal digests. Tells how long each
 * phase took, how many frames of which type were sent in it, and the memory at its end.
 */
final class CrowdBench {
  private static final int INSTANCES = Smoke.or(50, 5);
  private static final int WRITES = Smoke.or(1_000, 20);
  private static final int IDLE_MILLIS = Smoke.or(5_000, 100);

  /** Indexed by the type byte of a frame. */
  private static final String[] TYPES = {
    "",
    "mutations",
    "beacon",
    "heartbeat",
    "leave",
    "offer-request",
    "offer",
    "replay-request",
    "replay-end",
    "snapshot-request",
    "snapshot-chunk",
    "snapshot-refused",
    "vector-request",
    "vector",
    "digest-request",
    "digest-response",
    "16",
    "17",
    "18",
    "19",
    "replayed"
  };

  private final AtomicLongArray sent = new AtomicLongArray(TYPES.length);
  private final List<LockedReplica> replicas = new ArrayList<>();
  private final List<ReplicationTransport> transports = new ArrayList<>();

  private CrowdBench() {}

  public static void main(String[] args) {
    try (NatsForTests nats = NatsForTests.start()) {
      new CrowdBench().run(nats);
    }
  }

  private void run(NatsForTests nats) {
    phase("start together, until all know all", () -> startAll(nats), this::allKnowAll);
    phase("idle", () -> pause(IDLE_MILLIS), () -> true);
    phase("each writes " + WRITES + " as fast as it can", this::writeAll, this::agreed);
    phase("each writes " + WRITES + " slowly", this::writeSlowly, this::agreed);
    phase("idle", () -> pause(IDLE_MILLIS), () -> true);
    phase("one more joins", () -> start(nats), () -> allKnowAll() && agreed());
    phase("all leave", () -> replicas.parallelStream().forEach(LockedReplica::close), () -> true);
    transports.forEach(ReplicationTransport::close);
  }

  private void startAll(NatsForTests nats) {
    for (int i = 0; i < INSTANCES; i++) start(nats);
  }

  private void start(NatsForTests nats) {
    String name = "c" + replicas.size();
    var subjects = new ReplicationSubjects("crowd.events", "crowd.replay");
    var transport = new ReplicationTransport(ConnectionSettings.of(nats.url()), subjects, name);
    var settings = NodeSettings.replicated(Limits.DEFAULTS, 60_000);
    var replica = new LockedReplica(name, settings, new Counting(transport));
    replicas.add(replica);
    transports.add(transport);
    transport.start(replica);
  }

  private final class Counting implements Transport {
    private final Transport to;

    Counting(Transport to) {
      this.to = to;
    }

    @Override
    public void publish(Channel channel, @Nullable OriginId target, byte[] frame) {
      sent.incrementAndGet(frame[3]);
      to.publish(channel, target, frame);
    }

    @Override
    public int maxPayload() {
      return to.maxPayload();
    }

    @Override
    public void listenAs(OriginId origin) {
      to.listenAs(origin);
    }

    @Override
    public void answerReplays(boolean member) {
      to.answerReplays(member);
    }
  }

  private boolean allKnowAll() {
    for (LockedReplica replica : replicas) {
      ReplicaStatus status = replica.status();
      if (status.state() != ReplicaStatus.State.LIVE) return false;
      if (status.peers().size() < replicas.size() - 1) return false;
    }
    return true;
  }

  private boolean agreed() {
    ReplicaStatus first = replicas.getFirst().status();
    for (LockedReplica replica : replicas) {
      ReplicaStatus status = replica.status();
      if (status.alarm() != null) throw new IllegalStateException(status.alarm());
      if (!status.versionVector().equals(first.versionVector())) return false;
      if (status.digest() != first.digest()) throw new IllegalStateException("unequal digests");
    }
    return true;
  }

  private void writeAll() {
    replicas.parallelStream()
        .forEach(replica -> {
          for (int i = 0; i < WRITES; i++) write(replica, i);
        });
  }

  private void writeSlowly() {
    for (int i = 0; i < WRITES; i++) {
      for (LockedReplica replica : replicas) write(replica, i);
      pause(IDLE_MILLIS / WRITES);
    }
  }

  private void write(LockedReplica replica, int i) {
    int number = replicas.indexOf(replica) * WRITES + i;
    Command command =
        switch (i % 4) {
          case 0 -> new Command.Set(Key.of("k" + number), new Bytes(new byte[64]), 0);
          case 1 -> new Command.Increment(Key.of("n" + i), 1);
          case 2 -> new Command.SetAdd(Key.of("set"), Bytes.utf8("m" + number));
          default -> new Command.ListAdd(Key.of("list"), Bytes.utf8("i" + number));
        };
    replica.call(command, reply -> {});
  }

  private void phase(String what, Runnable action, java.util.function.BooleanSupplier done) {
    for (int i = 0; i < TYPES.length; i++) sent.set(i, 0);
    long begin = System.nanoTime();
    action.run();
    double acted = (System.nanoTime() - begin) / 1e9;
    while (!done.getAsBoolean()) {
      pause(20);
      if (System.nanoTime() - begin > 300e9) throw new IllegalStateException("never done: " + what);
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    StringBuilder counts = new StringBuilder();
    for (int i = 0; i < TYPES.length; i++) {
      if (sent.get(i) > 0) counts.append(' ').append(TYPES[i]).append('=').append(sent.get(i));
    }
    System.out.printf(
        Locale.ROOT,
        "%-36s %6.2f s, in step %6.2f s later; heap %d MiB; sent:%s%n",
        what,
        acted,
        seconds - acted,
        (runtime.totalMemory() - runtime.freeMemory()) >> 20,
        counts);
  }

  private static void pause(long millis) {
    LockSupport.parkNanos(millis * 1_000_000);
  }
}
