package org.natskvcache.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Effect;
import org.natskvcache.node.Node;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Time;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * The longest step of a node at size. A step is what runs while a replica's lock is held, so nobody
 * else is served for as long. Two nodes on one thread, their frames carried by hand, 1,000,000
 * entries of 16 + 64 bytes, with and without a list and a set of 1,000,000 elements each under two
 * further keys; while a snapshot is under way both sides write. Times are of the thread's processor
 * use, so other programs on the machine do not count, and neither do garbage collections ({@link
 * JoinBench} has both).
 */
final class StepBench {
  private static final int ENTRIES = Smoke.or(1_000_000, 5_000);
  private static final int APART = Smoke.or(100_000, 500);
  private static final int TURNS = Smoke.or(5, 1);
  private static final Key LIST = Key.of("the list");
  private static final Key SET = Key.of("the set");
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** A ring that {@link #APART} mutations overflow, so that a snapshot is needed. */
  private static final Limits SHORT_RING = ring(Limits.DEFAULTS, APART / 2);

  private static Limits ring(Limits from, int mutations) {
    return new Limits(
        from.keyBytesMax(),
        from.entryBytesMax(),
        from.ringBytesMax(),
        mutations,
        from.heldBackBytesMax(),
        from.heldBackMutationsMax(),
        from.heldCallsMax(),
        from.frameBytes(),
        from.replayBytes(),
        from.chunkBytes(),
        from.cutsMax(),
        from.digestBucketBits(),
        from.pageKeysMax(),
        from.silentOriginsMax());
  }

  /** A node whose steps are timed. */
  private static final class Timed {
    final Node node;
    final Queue<byte[]> inbox = new ArrayDeque<>();
    final Map<String, Long> longest = new TreeMap<>();
    private Timed peer;

    Timed(int name, Limits limits) {
      var settings = NodeSettings.replicated(limits, 60_000);
      OriginId id = OriginId.of(System.currentTimeMillis(), name, name);
      node = new Node(settings, id, new SplittableRandom(name), now());
      node.takeEffects();
    }

    static Time now() {
      return new Time(System.currentTimeMillis(), System.nanoTime() / 1_000_000);
    }

    void step(String kind, Runnable what) {
      long begin = THREADS.getCurrentThreadCpuTime();
      what.run();
      longest.merge(kind, THREADS.getCurrentThreadCpuTime() - begin, Math::max);
    }

    void call(Command command) {
      step("call", () -> node.call(command, now()));
    }

    void receiveAll() {
      for (byte[] frame = inbox.poll(); frame != null; frame = inbox.poll()) {
        byte[] bytes = frame;
        step(
            "receive",
            () -> {
              try {
                node.receive(Frames.channel(bytes), bytes, now());
              } catch (MalformedFrameException malformed) {
                throw new IllegalStateException(malformed);
              }
            });
        carry();
      }
      if (node.nextTick() <= now().tickMillis()) step("tick", () -> node.tick(now()));
      carry();
    }

    void carry() {
      for (Effect effect : node.takeEffects()) {
        if (effect instanceof Effect.Publish(var channel, var target, var frame) && peer != null) {
          peer.inbox.add(frame);
        }
        if (effect instanceof Effect.Event(var kind, var of, var detail)
            && kind == Effect.Event.Kind.ALARM) {
          throw new IllegalStateException(detail);
        }
      }
    }

    void alone() {
      node.flush();
      node.takeEffects();
    }

    double longestMillis(String kind) {
      return longest.getOrDefault(kind, 0L) / 1e6;
    }
  }

  private StepBench() {}

  public static void main(String[] args) {
    collections();
    snapshots("joiner, 1 M entries", StepBench::joiner);
    snapshots("joiner, 1 M entries that expire", StepBench::expiring);
    snapshots("joiner, list and set of 1 M besides", StepBench::collectionsJoiner);
    snapshots("apart by 100,000 on both sides, replayed", () -> parted(Limits.DEFAULTS, false));
    snapshots("apart by 100,000 on both sides, snapshots", () -> parted(SHORT_RING, false));
    snapshots("the same, list and set of 1 M besides", () -> parted(SHORT_RING, true));
  }

  private static Key key(long number) {
    return new Key(new Bytes(ByteBuffer.allocate(16).putLong(7).putLong(number).array()));
  }

  private static Bytes value(int size, long number) {
    return new Bytes(ByteBuffer.allocate(size).putLong(number).array());
  }

  private static void fill(Timed timed, long ttlMillis) {
    for (int i = 0; i < ENTRIES; i++) {
      timed.node.call(
          new Command.Set(key(i), value(64, i), ttlMillis == 0 ? 0 : ttlMillis + i), Timed.now());
      if (i % 1_000 == 0) timed.alone();
    }
    timed.alone();
  }

  private static void fillCollections(Timed timed) {
    for (int i = 0; i < ENTRIES; i++) {
      timed.node.call(new Command.ListAdd(LIST, value(16, i)), Timed.now());
      timed.node.call(new Command.SetAdd(SET, value(16, i)), Timed.now());
      if (i % 1_000 == 0) timed.alone();
    }
    timed.alone();
  }

  private static Timed live(int name, Limits limits) {
    Timed timed = new Timed(name, limits);
    timed.node.connected(Timed.now());
    timed.node.tick(new Time(0, Timed.now().tickMillis() + 1_000));
    timed.alone();
    return timed;
  }

  private record Pair(Timed sender, Timed receiver) {}

  private static Pair joiner() {
    Timed sender = live(1, Limits.DEFAULTS);
    fill(sender, 0);
    return new Pair(sender, new Timed(2, Limits.DEFAULTS));
  }

  private static Pair expiring() {
    Timed sender = live(1, Limits.DEFAULTS);
    fill(sender, 3_600_000);
    return new Pair(sender, new Timed(2, Limits.DEFAULTS));
  }

  private static Pair collectionsJoiner() {
    Pair pair = joiner();
    fillCollections(pair.sender);
    return pair;
  }

  /** Two that were in step, then wrote 100,000 each without hearing of the other. */
  private static Pair parted(Limits limits, boolean collections) {
    Timed a = live(1, limits);
    fill(a, 0);
    if (collections) fillCollections(a);
    Timed b = new Timed(2, limits);
    converse(a, b, false);
    SplittableRandom random = new SplittableRandom(5);
    for (Timed each : List.of(a, b)) {
      for (int i = 0; i < APART; i++) {
        Bytes written = value(64, random.nextLong());
        each.node.call(new Command.Set(key(random.nextInt(ENTRIES)), written, 0), Timed.now());
        if (collections && i % 100 == 0) writeCollections(each, random);
        if (i % 1_000 == 0) each.alone();
      }
      each.alone();
    }
    return new Pair(a, b);
  }

  private static void writeCollections(Timed timed, SplittableRandom random) {
    timed.call(new Command.ListAdd(LIST, value(16, random.nextInt())));
    timed.call(new Command.SetAdd(SET, value(16, random.nextInt(2 * ENTRIES))));
    timed.call(new Command.SetRemove(SET, value(16, random.nextInt(2 * ENTRIES))));
  }

  private static boolean inStep(Timed a, Timed b) {
    return a.node.applied().toMap().equals(b.node.applied().toMap());
  }

  /** Carries frames until both have the same; both write meanwhile if {@code writing}. */
  private static void converse(Timed a, Timed b, boolean writing) {
    a.peer = b;
    b.peer = a;
    SplittableRandom random = new SplittableRandom(9);
    b.step("tick", () -> b.node.connected(Timed.now()));
    a.step("tick", () -> a.node.connected(Timed.now()));
    b.carry();
    a.carry();
    boolean installed = false;
    while (!inStep(a, b)) {
      long before = b.node.applied().hash();
      if (writing && !installed) { // both go on until a snapshot is installed
        for (Timed each : List.of(a, b)) {
          for (int i = 0; i < 20; i++) {
            each.call(new Command.Set(key(random.nextInt(ENTRIES)), value(64, i), 0));
          }
          if (a.node.keyspace().size() > ENTRIES + 1) writeCollections(each, random);
          each.step("call", each.node::flush);
          each.carry();
        }
      }
      a.receiveAll();
      b.receiveAll();
      installed |= b.node.applied().hash() != before && b.node.keyspace().size() >= ENTRIES;
    }
    a.peer = null;
    b.peer = null;
    if (a.node.keyspace().digest() != b.node.keyspace().digest()) {
      throw new IllegalStateException("unequal digests");
    }
  }

  private static void snapshots(String what, Supplier<Pair> scenario) {
    Map<String, List<Double>> figures = new TreeMap<>();
    for (int turn = 0; turn < TURNS; turn++) {
      Pair pair = scenario.get();
      long begin = THREADS.getCurrentThreadCpuTime();
      pair.sender.longest.clear();
      pair.receiver.longest.clear();
      converse(pair.sender, pair.receiver, true);
      add(figures, "0 both, CPU s", (THREADS.getCurrentThreadCpuTime() - begin) / 1e9);
      for (String kind : List.of("call", "receive", "tick")) {
        add(figures, "1 sender " + kind + " ms", pair.sender.longestMillis(kind));
        add(figures, "2 receiver " + kind + " ms", pair.receiver.longestMillis(kind));
      }
    }
    System.out.println(what + ": longest steps, median (greatest) of " + TURNS);
    figures.forEach((name, values) -> {
      Collections.sort(values);
      System.out.printf(
          "  %-24s %7.1f (%.1f)%n",
          name.substring(2), values.get(values.size() / 2), values.getLast());
    });
  }

  private static void add(Map<String, List<Double>> figures, String name, double value) {
    figures.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
  }

  /** What one write costs in a list and a set of a million, at the author and at a peer. */
  private static void collections() {
    Timed author = live(1, Limits.DEFAULTS);
    Timed peer = live(2, Limits.DEFAULTS);
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < ENTRIES; i++) {
      author.node.call(new Command.ListAdd(LIST, value(16, i)), Timed.now());
      author.node.call(new Command.SetAdd(SET, value(16, i)), Timed.now());
      if (i % 100 == 0) drain(author, frames);
    }
    drain(author, frames);
    apply(peer, frames);
    int writes = ENTRIES / 10;
    for (int turn = 0; turn < TURNS; turn++) {
      int from = ENTRIES + turn * writes;
      for (boolean list : new boolean[] {false, true}) {
        long begin = THREADS.getCurrentThreadCpuTime();
        for (int i = from; i < from + writes; i++) {
          Bytes value = value(16, i);
          author.node.call(
              list ? new Command.ListAdd(LIST, value) : new Command.SetAdd(SET, value),
              Timed.now());
          if (i % 100 == 0) author.node.flush();
        }
        long authored = THREADS.getCurrentThreadCpuTime() - begin;
        drain(author, frames);
        begin = THREADS.getCurrentThreadCpuTime();
        apply(peer, frames);
        long applied = THREADS.getCurrentThreadCpuTime() - begin;
        System.out.printf(
            "%s of 1 M, add: author %d ns, peer's apply with decoding %d ns%n",
            list ? "list" : "set", authored / writes, applied / writes);
      }
    }
    longest("list of 1 M, remove the first", author, new Command.ListRemove(LIST, value(16, 0)));
    longest(
        "list of 1 M, remove the last",
        author,
        new Command.ListRemove(LIST, value(16, ENTRIES + TURNS * writes - 1)));
    longest("list of 1 M, range of the last 10", author, new Command.ListRange(LIST, -10, -1));
    longest("list of 1 M, the whole range", author, new Command.ListRange(LIST, 0, -1));
    longest("set of 1 M, all members", author, new Command.SetMembers(SET));
    longest("set of 1 M, cleared", author, new Command.SetClear(SET));
    longest("list of 1 M, cleared", author, new Command.ListClear(LIST));
    drain(author, frames);
    peer.longest.clear();
    apply(peer, frames);
    System.out.printf("the peer's longest of these: %.1f ms%n", peer.longestMillis("receive"));
  }

  private static void longest(String what, Timed timed, Command command) {
    timed.longest.clear();
    timed.call(command);
    System.out.printf("%s: %.2f ms%n", what, timed.longestMillis("call"));
  }

  private static void drain(Timed author, List<byte[]> frames) {
    author.node.flush();
    for (Effect effect : author.node.takeEffects()) {
      if (effect instanceof Effect.Publish(var channel, var target, var frame)) frames.add(frame);
    }
  }

  private static void apply(Timed peer, List<byte[]> frames) {
    peer.inbox.addAll(frames);
    frames.clear();
    peer.receiveAll();
  }
}
