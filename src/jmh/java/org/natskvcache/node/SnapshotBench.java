package org.natskvcache.node;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Limits;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long does it take to compute the digest of everything anew, to write everything down for a
 * peer that joins, and to install it there? Strings of 64 bytes under keys of 16.
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgs = {Material.SERIAL, Material.COMPACT, Material.HEAP, Material.HEAP_MAX})
@Warmup(iterations = 3)
@Measurement(iterations = 5)
@State(Scope.Thread)
public class SnapshotBench {
  private static final NodeSettings SETTINGS = NodeSettings.replicated(Limits.DEFAULTS, 1_000);

  @Param({"1000000"})
  int keys;

  private ReplicatedState full;

  private static ReplicatedState state(int number) {
    OriginId id = OriginId.of(Material.NOW.wallMillis(), 0, number);
    return new ReplicatedState(SETTINGS, id, new Unheard());
  }

  @Setup
  public void fill() {
    full = state(1);
    for (int i = 0; i < keys; i++) {
      long stamp = full.stamp(Material.NOW.wallMillis());
      full.author(full.decide(Material.set(i), Material.NOW.wallMillis(), stamp).op(), stamp);
    }
  }

  /** A joiner that holds nothing, and everything it was sent. */
  @State(Scope.Thread)
  public static class Joiner {
    ReplicatedState empty;
    List<Frame.SnapshotChunk> chunks;

    @Setup
    public void fetch(SnapshotBench bench) {
      chunks = bench.written();
    }

    @Setup(Level.Invocation)
    public void start() {
      empty = state(2);
    }
  }

  private List<Frame.SnapshotChunk> written() {
    List<Frame.SnapshotChunk> chunks = new ArrayList<>();
    Cut cut = full.newCut();
    int section = 0;
    int offset = 0;
    while (true) {
      Cut.Part part = cut.part(section, offset, Limits.DEFAULTS.chunkBytes());
      chunks.add(
          new Frame.SnapshotChunk(full.id(), 1, 1, section, offset, part.last(), part.pieces()));
      if (part.last()) return chunks;
      section = Cut.nextSection(part);
      offset = Cut.nextOffset(part);
      cut.release(section, offset);
    }
  }

  @Benchmark
  public boolean digest() {
    boolean right = true;
    for (int b = 0; b < full.buckets().size(); b++) right &= full.keyspace().verify(b);
    if (!right) throw new IllegalStateException("the digest kept was wrong");
    return right;
  }

  @Benchmark
  public List<Frame.SnapshotChunk> snapshotEncode() {
    return written();
  }

  @Benchmark
  public ReplicatedState snapshotInstall(Joiner joiner) {
    Staging staging = joiner.empty.newStaging();
    for (Frame.SnapshotChunk chunk : joiner.chunks) staging.add(chunk);
    ReplicatedState.Installed installed = joiner.empty.install(staging, Long.MAX_VALUE);
    if (joiner.empty.keyspace().digest() != full.keyspace().digest()) {
      throw new IllegalStateException("installed: " + installed);
    }
    return joiner.empty;
  }

  private static final class Unheard implements ReplicatedState.Listener {
    @Override
    public void beforeChange(int bucket) {}

    @Override
    public void settled(int slot) {}

    @Override
    public void forgot(SortedMap<OriginId, Long> gone) {}

    @Override
    public void contradiction(String text) {
      throw new IllegalStateException(text);
    }
  }
}
