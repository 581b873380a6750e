package org.natskvcache.crdt;

import java.util.HashMap;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One origin's increments of one counter, since it last had no entry there: running sums with a
 * reset base. A counter is the sum of the live contributions of its chains, one chain for each
 * origin.
 *
 * <p>A reset (SET, DEL, clear, a write on an expired key) names, for each live chain it saw, the
 * last increment and the sum at it; those become the base. Increments it had not seen stay, with
 * exactly their own delta. A chain whose every increment was reset is dead. It is removed when its
 * owner is known to have seen the reset, because until then the owner may extend it; kept for that
 * reason only, it is a <em>residual</em>.
 *
 * <p>All sums are modulo 2^64, on every replica alike. Mutable; owned by its entry.
 */
public final class Chain {
  /** Up to so many chains are looked through one by one. */
  private static final int FEW = 8;

  /** The owner's slot. */
  public final int slot;

  /** Sequence of the first increment. */
  public final long start;

  /** Sequence of the last increment. */
  public long last;

  /** Sum of all increments since {@code start}. */
  public long sum;

  /**
   * Up to which sequence increments were reset; 0 for none. That of an increment, but where the
   * author of a reset lied.
   */
  public long base;

  /** The sum at {@code base}, by the word of the reset's author. */
  public long baseSum;

  /** The dot of the reset that set {@code base}; {@link Dot#NONE} for none. */
  public long resetDot = Dot.NONE;

  /** The chain of another origin on the same counter. */
  public @Nullable Chain next;

  public Chain(int slot, long start) {
    this.slot = slot;
    this.start = start;
  }

  /** The chains as they are now. */
  public static @Nullable Chain frozen(@Nullable Chain chains) {
    Chain first = null;
    Chain before = null;
    for (Chain c = chains; c != null; c = c.next) {
      Chain copy = c.copy();
      if (before == null) first = copy;
      else before.next = copy;
      before = copy;
    }
    return first;
  }

  private Chain copy() {
    Chain copy = new Chain(slot, start);
    copy.last = last;
    copy.sum = sum;
    copy.rebase(base, baseSum, resetDot);
    return copy;
  }

  private void rebase(long newBase, long newBaseSum, long byDot) {
    base = newBase;
    baseSum = newBaseSum;
    resetDot = byDot;
  }

  /** Whether every increment was reset. */
  public boolean dead() {
    return base >= last;
  }

  /** What this chain adds to the counter. */
  public long contribution() {
    return dead() ? 0 : sum - baseSum;
  }

  /**
   * This chain's share of the digest; residuals have none, because they go at different times on
   * different replicas.
   */
  public long hash(DigestSum digest) {
    return dead() ? 0 : digest.counter(slot, last, contribution());
  }

  /** The chain of the origin in {@code slot}. */
  public static @Nullable Chain find(@Nullable Chain chains, int slot) {
    for (Chain c = chains; c != null; c = c.next) if (c.slot == slot) return c;
    return null;
  }

  /** Finds one chain among these by its slot; null for none. Many are found fast. */
  public static IntFunction<@Nullable Chain> finder(@Nullable Chain chains) {
    int few = FEW;
    for (Chain c = chains; c != null && few > 0; c = c.next) few--;
    if (few > 0) return slot -> find(chains, slot);
    Map<Integer, Chain> bySlot = new HashMap<>();
    for (Chain c = chains; c != null; c = c.next) bySlot.put(c.slot, c);
    return bySlot::get;
  }

  /** {@code chains} without {@code gone}. */
  public static @Nullable Chain without(@Nullable Chain chains, Chain gone, DigestSum digest) {
    digest.subtract(gone.hash(digest));
    if (chains == gone) return gone.next;
    for (Chain c = chains; c != null; c = c.next) if (c.next == gone) c.next = gone.next;
    return chains;
  }

  /** Whether any chain contributes. */
  public static boolean anyLive(@Nullable Chain chains) {
    for (Chain c = chains; c != null; c = c.next) if (!c.dead()) return true;
    return false;
  }

  /** What the live ones take, see {@link Footprint}. */
  public static long footprint(@Nullable Chain chains) {
    long bytes = 0;
    for (Chain c = chains; c != null; c = c.next) if (!c.dead()) bytes += Footprint.CHAIN;
    return bytes;
  }

  /** The sum over all chains. */
  public static long total(@Nullable Chain chains) {
    long total = 0;
    for (Chain c = chains; c != null; c = c.next) total += c.contribution();
    return total;
  }

  /** Adds one increment by the owner. */
  public void extend(long sequence, long delta, DigestSum digest) {
    digest.subtract(hash(digest));
    last = sequence;
    sum += delta;
    digest.add(hash(digest));
  }

  /**
   * Moves the base to what a reset saw; false if that is not later than the present one, and
   * nothing changed. Nobody can tell whether the sum is true once the owner has gone on. So all
   * believe it, and the greatest of several for one increment.
   */
  public boolean reset(long seenLast, long seenSum, long byDot, Defect defect, DigestSum digest) {
    if (defect == Defect.CONCURRENT_RESETS_BOTH_SUBTRACT) {
      digest.subtract(hash(digest));
      baseSum += seenSum;
      base = Math.max(base, Math.min(last, seenLast));
      digest.add(hash(digest));
      return true;
    }
    if (defect == Defect.RESET_STOPS_AT_LAST_INCREMENT) seenLast = Math.min(last, seenLast);
    boolean first = defect == Defect.FIRST_OF_EQUAL_RESETS_COUNTS;
    if (start > seenLast || !isLater(seenLast, first ? baseSum : seenSum)) return false;
    digest.subtract(hash(digest));
    rebase(seenLast, seenSum, byDot);
    digest.add(hash(digest));
    return true;
  }

  /** Whether a reset comes after the one that set the base, in an order that all share. */
  private boolean isLater(long otherBase, long otherSum) {
    return otherBase != base ? otherBase > base : otherSum > baseSum;
  }

  /** Joins two states of one owner's chain; either may be absent. Null if nothing of it remains. */
  public static @Nullable Chain join(@Nullable Chain mine, @Nullable Chain theirs, Join join) {
    if (mine == null) return theirs == null ? null : alone(theirs, join.mineSeen(), join);
    if (theirs == null) return alone(mine, join.theirsSeen(), join);
    if (join.defect() == Defect.COUNTER_NEWEST_DOT_WINS || mine.start != theirs.start) {
      return (mine.start != theirs.start ? mine.start > theirs.start : mine.last >= theirs.last)
          ? mine
          : theirs;
    }
    Chain longer = mine.last >= theirs.last ? mine : theirs;
    Chain later = mine.isLater(theirs.base, theirs.baseSum) ? theirs : mine;
    if (join.defect() == Defect.JOIN_IGNORES_RESET_BASE) later = mine;
    Chain joined = longer.copy();
    joined.rebase(later.base, later.baseSum, later.resetDot);
    return joined;
  }

  /** A chain that one side has and the other, with {@code otherSeen} included, has not. */
  private static @Nullable Chain alone(Chain chain, VersionVector otherSeen, Join join) {
    long seen = otherSeen.get(chain.slot);
    if (chain.last <= seen) return null;
    // residuals are kept so that this never happens: the owner would have gone on with a chain it
    // knows to be reset
    if (chain.start <= seen) join.contradictions().accept("a counter chain is half known");
    return chain;
  }
}
