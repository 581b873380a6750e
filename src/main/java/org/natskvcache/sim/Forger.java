package org.natskvcache.sim;

import java.util.List;
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
   */
  record Forged(Channel channel, byte[] frame, @Nullable Mutation mutation) {}

  private static final long YEARS_MILLIS = 10L * 365 * 24 * 3_600_000;
  private static final int STEPS_BETWEEN = 100;
  private static final int DELAY_MILLIS_MAX = 50;

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
    if (mutation.op() instanceof Op.Append) append = mutation;
    if (mutation.op() instanceof Op.Increment) increment = mutation;
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
    if (!leaves && !ahead && !unseen || random.nextInt(STEPS_BETWEEN) > 0) return null;
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
    return new Forged(Channel.HEARTBEATS, codec.encode(leave, Channel.HEARTBEATS, null), null);
  }

  /** Removes what was written last, by a name that has seen nothing. */
  private @Nullable Forged removal(long wallMillis) {
    boolean item = random.nextBoolean();
    Mutation of = item ? append : increment;
    if (of == null) return null;
    return switch (of.op()) {
      case Op.Append(var key, var position, _, _) ->
          published(wallMillis, wallMillis, new Op.RemoveItem(key, position, of.dot()));
      case Op.Increment(var key, _, var sum, _, _) -> {
        int[] slots = {Dot.slot(of.dot())};
        long[] lasts = {Dot.sequence(of.dot())};
        var seen = new Observed(slots, lasts, new long[] {sum});
        yield published(wallMillis, wallMillis, new Op.Delete(key, seen, false));
      }
      default -> null;
    };
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

  private Forged published(long birth, long clockMillis, Op op) {
    OriginId author = OriginId.of(birth, 0xffff, ++written);
    long dot = Dot.of(origins.slot(author), 1);
    long clock = clockMillis << 16;
    Mutation mutation = new Mutation(dot, clock, new int[0], new long[0], null, 0, op);
    Frame frame = new Frame.Mutations(author, List.of(mutation));
    byte[] bytes = codec.encode(frame, Channel.MUTATIONS, null);
    return new Forged(Channel.MUTATIONS, bytes, mutation);
  }
}
