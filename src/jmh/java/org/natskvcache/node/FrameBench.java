package org.natskvcache.node;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** How long does it take to write and to read a frame of mutations that set strings? */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgs = {Material.SERIAL, Material.COMPACT, Material.HEAP, Material.HEAP_MAX})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Thread)
public class FrameBench {
  @Param({"1", "300"})
  int perFrame;

  private final OriginId author = OriginId.of(Material.NOW.wallMillis(), 0, 1);
  private final Origins origins = new Origins();
  private final FrameCodec codec = new FrameCodec(origins);
  private Frame frame;
  private byte[] bytes;

  @Setup
  public void write() {
    int me = origins.slot(author);
    List<Mutation> mutations = new ArrayList<>();
    for (int i = 1; i <= perFrame; i++) {
      Op op = new Op.Put(Material.key(i), Material.bytes(64, i), 0, Observed.NOTHING);
      long hlc = (Material.NOW.wallMillis() << 16) + i;
      mutations.add(new Mutation(Dot.of(me, i), hlc, new int[0], new long[0], null, 1, op));
    }
    frame = new Frame.Mutations(author, mutations);
    bytes = codec.encode(frame, Channel.MUTATIONS, null);
  }

  @Benchmark
  public byte[] frameEncode() {
    return codec.encode(frame, Channel.MUTATIONS, null);
  }

  @Benchmark
  public Frame frameDecode() throws MalformedFrameException {
    return codec.decode(bytes, Channel.MUTATIONS, frame.from());
  }
}
