package org.natskvcache.node;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.natskvcache.store.Command;
import org.natskvcache.store.Reply;
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
 * How long does a call take from decoded command to reply, on one thread? Keys of 16 bytes, values
 * and members of 64, at random from all there are, each made anew as from a message.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgs = {Material.SERIAL, Material.COMPACT, Material.HEAP, Material.HEAP_MAX})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CallBench {
  @State(Scope.Thread)
  public static class Strings {
    @Param({"1000", "1000000"})
    int keys;

    Node node;
    final Material.Dice dice = new Material.Dice();

    Node make() {
      return Material.standalone();
    }

    @Setup
    public void fill() {
      node = make();
      for (int i = 0; i < keys; i++) node.call(Material.set(i), Material.NOW);
      node.flush();
      node.takeEffects();
    }
  }

  /** With mutations kept for replay and written down as frames. */
  @State(Scope.Thread)
  public static class PublishedStrings extends Strings {
    @Override
    Node make() {
      return Material.replicated(1);
    }
  }

  @State(Scope.Thread)
  public static class Counters {
    @Param({"1000", "1000000"})
    int keys;

    final Node node = Material.standalone();
    final Material.Dice dice = new Material.Dice();

    @Setup
    public void fill() {
      for (int i = 0; i < keys; i++) increment(i);
    }

    Reply increment(long number) {
      return node.call(new Command.Increment(Material.key(number), 1), Material.NOW);
    }
  }

  @State(Scope.Thread)
  public static class OneSet {
    @Param({"1000", "1000000"})
    int keys;

    final Node node = Material.standalone();
    final Material.Dice dice = new Material.Dice();

    @Setup
    public void fill() {
      for (int i = 0; i < keys; i++) add(i);
    }

    Reply add(long number) {
      return node.call(new Command.SetAdd(Material.ONE, Material.bytes(64, number)), Material.NOW);
    }
  }

  @State(Scope.Thread)
  public static class OneList {
    @Param({"1000", "1000000"})
    int keys;

    private Node node;
    private long next;

    /** Not for each trial: it grows. */
    @Setup(Level.Iteration)
    public void fill() {
      node = Material.standalone();
      for (int i = 0; i < keys; i++) append();
    }

    Reply append() {
      return node.call(new Command.ListAdd(Material.ONE, Material.bytes(64, next++)), Material.NOW);
    }
  }

  @Benchmark
  public Reply get(Strings s) {
    return s.node.call(new Command.Get(Material.key(s.dice.below(s.keys))), Material.NOW);
  }

  @Benchmark
  public Reply set(Strings s) {
    return s.node.call(Material.set(s.dice.below(s.keys)), Material.NOW);
  }

  /** A frame for each call, as when nobody waits to add to it. */
  @Benchmark
  public List<Effect> setPublished(PublishedStrings s) {
    s.node.call(Material.set(s.dice.below(s.keys)), Material.NOW);
    s.node.flush();
    return s.node.takeEffects();
  }

  @Benchmark
  public Reply increment(Counters c) {
    return c.increment(c.dice.below(c.keys));
  }

  /** Of a member that is there: its dot changes. */
  @Benchmark
  public Reply setAdd(OneSet s) {
    return s.add(s.dice.below(s.keys));
  }

  @Benchmark
  public Reply listAppend(OneList l) {
    return l.append();
  }
}
