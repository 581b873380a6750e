package org.natskvcache.sim;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/**
 * Somebody outside the group who may publish. In some schedules it says that live instances left.
 * In some it writes under names of its own: with a clock that is years ahead, or to remove what it
 * has not seen. Draws from a generator of its own, so that it does not change what else is drawn.
 */
final class Forger {
  /**
   * What it publishes.
   *
   * @param mutation what the frame writes; null for nothing
   * @param liesAbout whose counter chain it resets by what nobody can have seen, and who is not
   *     told at once; null for nobody
   */
  record Forged(
      Channel channel, byte[] frame, @Nullable Mutation mutation, @Nullable OriginId liesAbout) {}

  private static final long YEARS_MILLIS = 10L * 365 * 24 * 3_600_000;
  private static final int STEPS_BETWEEN = 100;
  private static final int DELAY_MILLIS_MAX = 300;

  private final SplittableRandom random;
  private final Origins origins;
  private final FrameCodec codec;
  private final Knobs knobs;
  private final boolean leaves;
  private final boolean ahead;
  private final boolean unseen;

  /** The last ones that instances wrote. */
  private @Nullable Mutation append;

  private @Nullable Mutation increment;

  /** The one before that in its chain. */
  private @Nullable Mutation earlier;

  private final Map<OriginId, Map<Key, Mutation>> lastIncrements = new HashMap<>();

  /** The last sequence of each slot that wrote. */
  private final Map<Integer, Long> lastWritten = new HashMap<>();

  /** Which increment the last lie was about, and how many are still to come about it. */
  private @Nullable Mutation lied;

  private int liesLeft;
  private int written;

  Forger(long seed, Origins origins, FrameCodec codec, Knobs knobs) {
    random = new SplittableRandom(seed * 31 + 7);
    this.origins = origins;
    this.codec = codec;
    this.knobs = knobs;
    leaves = random.nextInt(4) == 0;
    ahead = random.nextInt(4) == 0;
    unseen = random.nextInt(4) == 0;
  }

  /** What an instance writes. */
  void hear(Mutation mutation) {
    int slot = Dot.slot(mutation.dot());
    if (mutation.op() instanceof Op.Append) append = mutation;
    if (mutation.op() instanceof Op.Increment of) {
      increment = mutation;
      Mutation before = lastIncrements(origins.id(slot)).put(of.key(), mutation);
      earlier = of.fresh() ? null : before;
    }
    lastWritten.put(slot, Dot.sequence(mutation.dot()));
  }

  private Map<Key, Mutation> lastIncrements(OriginId author) {
    return lastIncrements.computeIfAbsent(author, a -> new LinkedHashMap<>());
  }

  /** Whether alarms about it are to be expected. */
  boolean saysThatOthersLeft() {
    return leaves;
  }

  /** About which of so many instances it lies next. */
  int victim(int instances) {
    return leaves || ahead || unseen ? random.nextInt(instances) : 0;
  }

  /** A delay of what it publishes, milliseconds. */
  int delayMillis() {
    return random.nextInt(DELAY_MILLIS_MAX);
  }

  /** Whether what it publishes does not arrive somewhere. */
  boolean isLost() {
    return random.nextInt(4) == 0;
  }

  /**
   * What it publishes now; null for nothing.
   *
   * @param name of an instance
   * @param sequence the last one written under it
   * @param wallMillis true time
   */
  @Nullable Forged next(OriginId name, long sequence, long wallMillis) {
    if (liesLeft > 0 && lied != null) return lie(wallMillis, lied);
    if (!leaves && !ahead && !unseen || random.nextInt(STEPS_BETWEEN) > 0) return null;
    if (unseen && random.nextBoolean()) {
      List<Mutation> increments = List.copyOf(lastIncrements(name).values());
      if (!increments.isEmpty()) {
        return lie(wallMillis, increments.get(random.nextInt(increments.size())));
      }
    }
    if (unseen && (!leaves && !ahead || random.nextBoolean())) return removal(wallMillis);
    return leaves && (!ahead || random.nextBoolean())
        ? leave(name, sequence, wallMillis)
        : mutation(wallMillis);
  }

  /** At, below or above what was written; at a time that is believed. */
  private Forged leave(OriginId name, long sequence, long wallMillis) {
    long last = Math.max(0, sequence + random.nextInt(-3, 4));
    long max = Math.max(1, knobs.clocks().maxMillis() - knobs.skewMillisMax());
    Frame leave = new Frame.Leave(name, last, wallMillis + random.nextLong(-max, max));
    return new Forged(
        Channel.HEARTBEATS, codec.encode(leave, Channel.HEARTBEATS, null), null, null);
  }

  /** Removes what was written last, unseen or by what it claims to have seen of it. */
  private @Nullable Forged removal(long wallMillis) {
    boolean item = random.nextBoolean();
    Mutation of = item ? append : increment;
    if (of == null) return null;
    return switch (of.op()) {
      case Op.Append(var key, var position, _, _) ->
          published(wallMillis, wallMillis, new Op.RemoveItem(key, position, of.dot()));
      case Op.Increment(var key, _, var sum, _, _) ->
          random.nextBoolean()
              ? published(
                  wallMillis,
                  wallMillis,
                  new Op.Delete(key, observed(of.dot(), Dot.sequence(of.dot()), sum), false))
              : lie(wallMillis, earlier != null && random.nextBoolean() ? earlier : of);
      default -> null;
    };
  }

  /**
   * Resets of one counter by several names that contradict each other: of increments beyond the
   * last one of that counter, or with a sum that is not true.
   */
  private Forged lie(long wallMillis, Mutation of) {
    Op.Increment increment = (Op.Increment) of.op();
    long dot = of.dot();
    lied = of;
    liesLeft = liesLeft == 0 ? random.nextInt(2, 5) : liesLeft - 1;
    int owner = Dot.slot(dot);
    long seen = lastWritten.getOrDefault(owner, Dot.sequence(dot));
    long last =
        random.nextBoolean() ? Dot.sequence(dot) : random.nextLong(Dot.sequence(dot), seen + 1);
    Observed seenThere = observed(dot, last, increment.sum() + random.nextInt(-2, 3));
    Op reset = new Op.Delete(increment.key(), seenThere, false);
    return published(
        wallMillis, wallMillis, reset, new int[] {owner}, new long[] {seen}, origins.id(owner));
  }

  private static Observed observed(long dot, long last, long sum) {
    return new Observed(new int[] {Dot.slot(dot)}, new long[] {last}, new long[] {sum});
  }

  /** The only mutation of a new name, which may say that it was born years ahead too. */
  private Forged mutation(long wallMillis) {
    long future = wallMillis + YEARS_MILLIS;
    long birth = random.nextBoolean() ? wallMillis : future;
    Key key = Key.of("k" + random.nextInt(knobs.keys()));
    Bytes value = Bytes.utf8("ahead" + written);
    Op op =
        random.nextBoolean()
            ? new Op.Put(key, value, 0, Observed.NOTHING)
            : new Op.Append(key, future << 16, value, null);
    return published(birth, future, op);
  }

  /** By a name that has seen nothing. */
  private Forged published(long birth, long clockMillis, Op op) {
    return published(birth, clockMillis, op, new int[0], new long[0], null);
  }

  private Forged published(
      long birth,
      long clockMillis,
      Op op,
      int[] contextSlots,
      long[] context,
      @Nullable OriginId liesAbout) {
    OriginId author = OriginId.of(birth, 0xffff, ++written);
    long dot = Dot.of(origins.slot(author), 1);
    long clock = clockMillis << 16;
    Mutation mutation = new Mutation(dot, clock, contextSlots, context, null, 0, op);
    Frame frame = new Frame.Mutations(author, List.of(mutation));
    byte[] bytes = codec.encode(frame, Channel.MUTATIONS, null);
    return new Forged(Channel.MUTATIONS, bytes, mutation, liesAbout);
  }
}
