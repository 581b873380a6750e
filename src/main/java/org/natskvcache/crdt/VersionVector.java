package org.natskvcache.crdt;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * How many mutations of each origin are included, none missing: the high-water marks. Grows only.
 * Mutable; one owner.
 *
 * <p>Keeps a hash of itself, the sum over all non-zero entries of a mix of origin and sequence,
 * which is equal on every replica with an equal vector and changes in constant time.
 *
 * <p>Marks of origins that are long gone may be <em>forgotten</em>: then all that is left of them
 * is the sum of their terms, and a horizon, an id below which every origin without a mark of its
 * own is taken to be included whole. Forgetting does not change the hash. Because the sum is kept,
 * two replicas can tell whether they forgot the same even though neither remembers what, see {@link
 * #sameForgotten}.
 */
public final class VersionVector {
  private final Origins origins;
  private final Marks marks;
  private long hash;
  private @Nullable Forgotten forgotten;

  public VersionVector(Origins origins) {
    this.origins = origins;
    marks = new Marks();
  }

  private VersionVector(VersionVector from) {
    origins = from.origins;
    marks = from.marks.copy();
    hash = from.hash;
    forgotten = from.forgotten;
  }

  public VersionVector copy() {
    return new VersionVector(this);
  }

  /**
   * A vector of these marks, in any order; of two for one slot the higher one counts. Takes time in
   * proportion to their number but for sorting them, which raising them one by one need not.
   *
   * @param dots becomes the vector's
   */
  public static VersionVector of(Origins origins, long[] dots) {
    sort(dots);
    VersionVector vector = new VersionVector(origins);
    vector.raiseAscending(dots);
    return vector;
  }

  private static void sort(long[] dots) {
    for (int i = 1; i < dots.length; i++) {
      if (Long.compareUnsigned(dots[i - 1], dots[i]) <= 0) continue;
      for (int j = 0; j < dots.length; j++) dots[j] ^= Long.MIN_VALUE;
      Arrays.sort(dots);
      for (int j = 0; j < dots.length; j++) dots[j] ^= Long.MIN_VALUE;
      return;
    }
  }

  /**
   * The mark of the origin in {@code slot}: 0 if nothing of it is included, {@link
   * Dot#SEQUENCE_MAX} if it is forgotten.
   */
  public long get(int slot) {
    long mark = mark(slot);
    if (mark != 0 || forgotten == null || slot >= origins.slots()) return mark;
    return forgotten.includes(origins.id(slot)) ? Dot.SEQUENCE_MAX : 0;
  }

  /** The mark this vector names for the origin in {@code slot}; 0 for none, or forgotten. */
  public long mark(int slot) {
    return marks.get(slot);
  }

  /** Whether the mutation named by {@code dot} is included. */
  public boolean covers(long dot) {
    return Dot.sequence(dot) <= get(Dot.slot(dot));
  }

  /** Whether everything in {@code other} is included. */
  public boolean covers(VersionVector other) {
    for (int slot = other.next(0); slot >= 0; slot = other.next(slot + 1)) {
      if (other.mark(slot) > get(slot)) return false;
    }
    return coversForgotten(other);
  }

  /**
   * Whether what {@code other} has forgotten is included. Where the two cannot be reconciled, it is
   * not for the one that must give way.
   */
  public boolean coversForgotten(VersionVector other) {
    return sameForgotten(other) || !yieldsTo(other);
  }

  /** Raises one mark; a lower one changes nothing, nor does one of a forgotten origin. */
  public void raise(int slot, long sequence) {
    if (sequence == 0 || sequence <= get(slot)) return;
    long old = mark(slot);
    marks.put(slot, sequence);
    hash += term(slot, sequence) - term(slot, old);
  }

  /**
   * Raises every mark to that of {@code other} where it is higher; what {@code other} forgot after
   * this one is taken over.
   */
  public void raiseAll(VersionVector other) {
    raiseMarks(other);
    if (other.isAheadOf(this)) forgetAs(other);
  }

  /** Raises every mark to that of {@code other} where it is higher. */
  public void raiseMarks(VersionVector other) {
    raiseAscending(other.marks.toArray());
  }

  private void raiseAscending(long[] dots) {
    int raised = 0;
    for (int i = 0; i < dots.length; i++) {
      int slot = Dot.slot(dots[i]);
      long sequence = Dot.sequence(dots[i]);
      if (i + 1 < dots.length && Dot.slot(dots[i + 1]) == slot) continue;
      if (sequence == 0 || sequence <= get(slot)) continue;
      hash += term(slot, sequence) - term(slot);
      dots[raised++] = dots[i];
    }
    marks.putAll(dots, raised);
  }

  // ---------------------------------------------------------------- forgetting

  /** What is forgotten; null for nothing. */
  public @Nullable Forgotten forgotten() {
    return forgotten;
  }

  /** Whether an origin without a mark counts as included whole. */
  public boolean forgot(OriginId id) {
    return forgotten != null && forgotten.includes(id);
  }

  private long forgottenHash() {
    return forgotten == null ? 0 : forgotten.hash();
  }

  /** Forgets every origin up to {@code until} that has a mark and is not to be kept. */
  public void forget(OriginId until, IntPredicate kept) {
    long sum = forgottenHash();
    BitSet gone = new BitSet();
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (kept.test(slot) || origins.id(slot).compareTo(until) > 0) continue;
      sum += term(slot);
      gone.set(slot);
    }
    dropAll(gone);
    Forgotten before = forgotten;
    OriginId far = before != null && before.includes(until) ? before.until() : until;
    forgotten(new Forgotten(far, sum));
  }

  /** States what was forgotten, as another vector does. */
  public void forgotten(@Nullable Forgotten stated) {
    hash += (stated == null ? 0 : stated.hash()) - forgottenHash();
    forgotten = stated;
  }

  /** Forgets what {@code other} forgot; marks that both have stay. */
  public void forgetAs(VersionVector other) {
    BitSet gone = new BitSet();
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (isForgottenBy(other, slot)) gone.set(slot);
    }
    dropAll(gone);
    forgotten(other.forgotten);
  }

  /** Of a slot that has a mark. */
  private boolean isForgottenBy(VersionVector other, int slot) {
    return other.mark(slot) == 0 && other.forgot(origins.id(slot));
  }

  /** Whether this one's forgetting reaches further than that of {@code other}. */
  public boolean isAheadOf(VersionVector other) {
    if (forgotten == null) return false;
    return other.forgotten == null || forgotten.compareTo(other.forgotten) > 0;
  }

  /**
   * Of two vectors that cannot be reconciled, whether this one is to give way: the one behind; or,
   * where both forgot the same, the one that takes an origin for forgotten that the other one still
   * has.
   */
  public boolean yieldsTo(VersionVector other) {
    if (!Objects.equals(forgotten, other.forgotten)) return other.isAheadOf(this);
    OriginId ours = firstForgottenBy(other);
    OriginId theirs = other.firstForgottenBy(this);
    return theirs != null && (ours == null || theirs.compareTo(ours) < 0);
  }

  private @Nullable OriginId firstForgottenBy(VersionVector other) {
    OriginId first = null;
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (!isForgottenBy(other, slot)) continue;
      OriginId id = origins.id(slot);
      if (first == null || id.compareTo(first) < 0) first = id;
    }
    return first;
  }

  /**
   * Whether both include the same of all origins that one of them forgot: each one's forgotten sum
   * and the terms of its marks of what the other forgot come to the same.
   */
  public boolean sameForgotten(VersionVector other) {
    if (forgotten == null && other.forgotten == null) return true;
    return forgottenHash() + termsForgottenBy(other)
        == other.forgottenHash() + other.termsForgottenBy(this);
  }

  private long termsForgottenBy(VersionVector other) {
    long sum = 0;
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (isForgottenBy(other, slot)) sum += term(slot);
    }
    return sum;
  }

  /** Whether nothing of what {@code other} forgot is included here. */
  public boolean lacksAllForgottenBy(VersionVector other) {
    return forgotten == null && !marksAnyForgottenBy(other);
  }

  /** Whether there is a mark here of an origin that {@code other} forgot. */
  public boolean marksAnyForgottenBy(VersionVector other) {
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (isForgottenBy(other, slot)) return true;
    }
    return false;
  }

  /** Takes a mark away. */
  public void drop(int slot) {
    if (mark(slot) == 0) return;
    hash -= term(slot);
    marks.remove(slot);
  }

  /** Takes the marks of these slots away, in time in proportion to the marks there are. */
  public void dropAll(BitSet slots) {
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (slots.get(slot)) hash -= term(slot);
    }
    marks.removeAll(slots);
  }

  /** Sets the bits of the slots that have a mark. */
  public void markSlots(BitSet used) {
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) used.set(slot);
  }

  // ---------------------------------------------------------------- looking

  /**
   * The first slot from {@code from} on that has a mark, -1 if there is none: {@code for (int slot
   * = v.next(0); slot >= 0; slot = v.next(slot + 1))} visits all, ascending.
   */
  public int next(int from) {
    return marks.next(from);
  }

  /** How many slots have a mark. */
  public int marks() {
    return marks.count();
  }

  /** Memory the marks take, bytes: in proportion to their number and not to their slots. */
  public long footprint() {
    return marks.footprint();
  }

  /** Equal for equal vectors, on every replica. */
  public long hash() {
    return hash;
  }

  /** What the mark of {@code slot} contributes to {@link #hash()}. */
  public long term(int slot) {
    return term(slot, mark(slot));
  }

  private long term(int slot, long sequence) {
    return sequence == 0 ? 0 : Hash64.chain(origins.hash(slot), sequence);
  }

  /** The marks by origin, without what is forgotten. */
  public SortedMap<OriginId, Long> toMap() {
    SortedMap<OriginId, Long> map = new TreeMap<>();
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      map.put(origins.id(slot), mark(slot));
    }
    return map;
  }

  /** Whether both include the same; the two must share their {@link Origins}. */
  @Override
  public boolean equals(Object other) {
    return other instanceof VersionVector vector
        && hash == vector.hash
        && covers(vector)
        && vector.covers(this);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(hash);
  }

  @Override
  public String toString() {
    return toMap() + (forgotten == null ? "" : " " + forgotten);
  }
}
