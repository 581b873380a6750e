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
  private long[] sequences;
  private long hash;
  private @Nullable Forgotten forgotten;

  public VersionVector(Origins origins) {
    this.origins = origins;
    this.sequences = new long[4];
  }

  private VersionVector(VersionVector from) {
    origins = from.origins;
    sequences = from.sequences.clone();
    hash = from.hash;
    forgotten = from.forgotten;
  }

  public VersionVector copy() {
    return new VersionVector(this);
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
    return slot < sequences.length ? sequences[slot] : 0;
  }

  /** Whether the mutation named by {@code dot} is included. */
  public boolean covers(long dot) {
    return Dot.sequence(dot) <= get(Dot.slot(dot));
  }

  /** Whether everything in {@code other} is included. */
  public boolean covers(VersionVector other) {
    for (int slot = 0; slot < other.sequences.length; slot++) {
      if (other.sequences[slot] != 0 && other.sequences[slot] > get(slot)) return false;
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
    if (slot >= sequences.length) {
      sequences = Arrays.copyOf(sequences, Math.max(slot + 1, sequences.length * 2));
    }
    sequences[slot] = sequence;
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
    for (int slot = 0; slot < other.sequences.length; slot++) raise(slot, other.sequences[slot]);
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
    for (int slot = 0; slot < sequences.length; slot++) {
      if (sequences[slot] == 0 || kept.test(slot)) continue;
      if (origins.id(slot).compareTo(until) > 0) continue;
      sum += term(slot);
      sequences[slot] = 0;
    }
    Forgotten before = forgotten;
    OriginId far = before != null && before.includes(until) ? before.until() : until;
    forgotten = new Forgotten(far, sum);
  }

  /** States what was forgotten, as another vector does. */
  public void forgotten(@Nullable Forgotten stated) {
    hash += (stated == null ? 0 : stated.hash()) - forgottenHash();
    forgotten = stated;
  }

  /** Forgets what {@code other} forgot; marks that both have stay. */
  public void forgetAs(VersionVector other) {
    for (int slot = 0; slot < sequences.length; slot++) {
      if (isForgottenBy(other, slot)) drop(slot);
    }
    forgotten(other.forgotten);
  }

  private boolean isForgottenBy(VersionVector other, int slot) {
    return sequences[slot] != 0 && other.mark(slot) == 0 && other.forgot(origins.id(slot));
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
    for (int slot = 0; slot < sequences.length; slot++) {
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
    for (int slot = 0; slot < sequences.length; slot++) {
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
    for (int slot = 0; slot < sequences.length; slot++) {
      if (isForgottenBy(other, slot)) return true;
    }
    return false;
  }

  /** Takes a mark away. */
  public void drop(int slot) {
    if (mark(slot) == 0) return;
    hash -= term(slot);
    sequences[slot] = 0;
  }

  /** Sets the bits of the slots that have a mark. */
  public void markSlots(BitSet used) {
    for (int slot = 0; slot < sequences.length; slot++) if (sequences[slot] != 0) used.set(slot);
  }

  // ---------------------------------------------------------------- looking

  /** One past the highest slot that may have a mark. */
  public int slots() {
    return sequences.length;
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
    for (int slot = 0; slot < sequences.length; slot++) {
      if (sequences[slot] > 0) map.put(origins.id(slot), sequences[slot]);
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
