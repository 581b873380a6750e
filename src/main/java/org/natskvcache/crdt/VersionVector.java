package org.natskvcache.crdt;

import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How many mutations of each origin are included, none missing: the high-water marks. Grows only.
 * Mutable; one owner.
 *
 * <p>Keeps a hash of itself, the sum over all non-zero entries of a mix of origin and sequence,
 * which is equal on every replica with an equal vector and changes in constant time.
 */
public final class VersionVector {
  private final Origins origins;
  private long[] sequences;
  private long hash;

  public VersionVector(Origins origins) {
    this.origins = origins;
    this.sequences = new long[Math.max(4, origins.size())];
  }

  private VersionVector(VersionVector from) {
    origins = from.origins;
    sequences = from.sequences.clone();
    hash = from.hash;
  }

  public VersionVector copy() {
    return new VersionVector(this);
  }

  /** The mark of the origin in {@code slot}; 0 if nothing of it is included. */
  public long get(int slot) {
    return slot < sequences.length ? sequences[slot] : 0;
  }

  /** Whether the mutation named by {@code dot} is included. */
  public boolean covers(long dot) {
    return Dot.sequence(dot) <= get(Dot.slot(dot));
  }

  /** Whether everything in {@code other} is included. */
  public boolean covers(VersionVector other) {
    for (int slot = 0; slot < other.sequences.length; slot++) {
      if (other.sequences[slot] > get(slot)) return false;
    }
    return true;
  }

  /** Raises one mark; a lower one changes nothing. */
  public void raise(int slot, long sequence) {
    long old = get(slot);
    if (sequence <= old) return;
    if (slot >= sequences.length) {
      sequences = Arrays.copyOf(sequences, Math.max(slot + 1, sequences.length * 2));
    }
    sequences[slot] = sequence;
    hash += term(slot, sequence) - term(slot, old);
  }

  /** Raises every mark to that of {@code other} where it is higher. */
  public void raiseAll(VersionVector other) {
    for (int slot = 0; slot < other.sequences.length; slot++) raise(slot, other.sequences[slot]);
  }

  /** One past the highest slot that may have an entry. */
  public int slots() {
    return sequences.length;
  }

  /** Equal for equal vectors, on every replica. */
  public long hash() {
    return hash;
  }

  /** What the entry of {@code slot} contributes to {@link #hash()}. */
  public long term(int slot) {
    return term(slot, get(slot));
  }

  private long term(int slot, long sequence) {
    return sequence == 0 ? 0 : Hash64.chain(origins.hash(slot), sequence);
  }

  /** The non-zero entries by origin. */
  public SortedMap<OriginId, Long> toMap() {
    SortedMap<OriginId, Long> map = new TreeMap<>();
    for (int slot = 0; slot < sequences.length; slot++) {
      if (sequences[slot] > 0) map.put(origins.id(slot), sequences[slot]);
    }
    return map;
  }

  /** Whether both hold the same marks; the two must share their {@link Origins}. */
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
    return toMap().toString();
  }
}
