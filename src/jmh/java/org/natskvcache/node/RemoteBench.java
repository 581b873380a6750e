package org.natskvcache.node;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Command;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * How long does a peer's mutation take from frame to applied, on one thread? Strings and counters
 * are at random from all there are; members and items are new to one collection that holds as many
 * at first.
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgs = {Material.SERIAL, Material.COMPACT, Material.HEAP, Material.HEAP_MAX})
@Warmup(iterations = 20)
@Measurement(iterations = 20)
@State(Scope.Thread)
public class RemoteBench {
  private static final int MUTATIONS = 50_000;

  /** What a mutation does. */
  public enum Kind {
    SET,
    INCREMENT,
    SET_ADD,
    LIST_APPEND
  }

  @Param({"1000", "1000000"})
  int keys;

  @Param Kind kind;

  /** One: nobody waits to add to a frame. Hundreds: a busy author. */
  @Param({"1", "300"})
  int perFrame;

  private final Node author = Material.replicated(1);
  private final Node reader = Material.replicated(2);
  private final Material.Dice dice = new Material.Dice();
  private final Deque<List<byte[]>> batches = new ArrayDeque<>();
  private long number;

  /** All at once, so that writing is not part of what is measured. */
  @Setup
  public void fill(BenchmarkParams params) throws MalformedFrameException {
    while (number < keys) read(write(300));
    int iterations = params.getWarmup().getCount() + params.getMeasurement().getCount();
    for (int i = 0; i < iterations; i++) batches.add(write(perFrame));
  }

  private List<byte[]> write(int perFrame) {
    List<byte[]> written = new ArrayList<>();
    for (int i = 1; i <= MUTATIONS; i++) {
      author.call(command(), Material.NOW);
      if (i % perFrame != 0 && i != MUTATIONS) continue;
      author.flush();
      for (Effect effect : author.takeEffects()) {
        if (effect instanceof Effect.Publish publish) written.add(publish.frame());
      }
    }
    return written;
  }

  private Command command() {
    long next = number++;
    long some = next < keys ? next : dice.below(keys);
    return switch (kind) {
      case SET -> Material.set(some);
      case INCREMENT -> new Command.Increment(Material.key(some), 1);
      case SET_ADD -> new Command.SetAdd(Material.ONE, Material.bytes(64, next));
      case LIST_APPEND -> new Command.ListAdd(Material.ONE, Material.bytes(64, next));
    };
  }

  private void read(List<byte[]> frames) throws MalformedFrameException {
    for (byte[] frame : frames) {
      reader.receive(Channel.MUTATIONS, frame, Material.NOW);
      if (reader.hasEffects()) reader.takeEffects();
    }
  }

  @Benchmark
  @OperationsPerInvocation(MUTATIONS)
  public Node apply() throws MalformedFrameException {
    read(batches.remove());
    return reader;
  }

  @TearDown
  public void compare() throws MalformedFrameException {
    while (!batches.isEmpty()) read(batches.remove());
    if (reader.keyspace().digest() != author.keyspace().digest()) {
      throw new IllegalStateException("not everything was applied");
    }
  }
}
