package org.natskvcache.replication.wire;

import java.util.concurrent.TimeUnit;
import org.natskvcache.crdt.OriginId;
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

/**
 * What does a key cost for each frame, when it is written and when it is read? The sizes are those
 * of a heartbeat, of a frame with a few mutations, and of a full one. Without a key a frame has a
 * checksum. Run with {@code mvn -q -Pbench process-classes exec:exec@core -Djmh=KeyedFrameBench}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgs = {"-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Thread)
public class KeyedFrameBench {
  private static final Channel CHANNEL = Channel.DIRECT;

  @Param({"64", "1024", "65536"})
  int bytes;

  @Param({"false", "true"})
  boolean keyed;

  private final OriginId receiver = OriginId.of(1_750_000_000_000L, 0, 1);
  private FrameSealer sealer;
  private Seal seal;
  private byte[] made;
  private byte[] arrived;

  @Setup
  public void seal() {
    String key = ReplicationKey.of(new byte[ReplicationKey.BYTES]).text();
    sealer = FrameKeys.replication(keyed ? key : "none").sealer();
    seal = sealer.own(FrameKeys.Use.WRITE);
    made = new byte[bytes];
    arrived = new byte[bytes];
    sealer.seal(arrived, seal, CHANNEL, receiver);
  }

  @Benchmark
  public byte[] frameSeal() {
    sealer.seal(made, seal, CHANNEL, receiver);
    return made;
  }

  @Benchmark
  public FrameSealer.Verdict frameCheck() {
    return sealer.check(arrived, arrived.length, CHANNEL, receiver);
  }
}
