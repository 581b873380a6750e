package org.natskvcache.replication;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;

/**
 * The recent mutations of all origins in the order they were applied here, which is a causal order,
 * bounded by count and bytes. Only an optimisation: whoever asks for more than it holds gets a
 * snapshot. Mutable; owned by the node.
 */
public final class ReplayRing {
  private final int countMax;
  private final long bytesMax;
  private @Nullable Mutation[] ring = new Mutation[16];

  /** Absolute positions: the oldest held and one past the newest. */
  private long first;

  private long next;
  private long bytes;

  /** For each slot, the positions of its mutations from {@code floor + 1} on. */
  private Positions[] positions = new Positions[0];

  private static final class Positions {
    long floor;
    long[] at = new long[8];
    int head;
    int size;

    void add(long position) {
      if (size == at.length) {
        long[] larger = new long[size * 2];
        for (int i = 0; i < size; i++) larger[i] = at[(head + i) & (at.length - 1)];
        at = larger;
        head = 0;
      }
      at[(head + size++) & (at.length - 1)] = position;
    }

    long get(long sequence) {
      return at[(head + (int) (sequence - floor - 1)) & (at.length - 1)];
    }

    void dropFirst() {
      head = (head + 1) & (at.length - 1);
      size--;
      floor++;
    }
  }

  public ReplayRing(Limits limits) {
    countMax = limits.ringMutationsMax();
    bytesMax = limits.ringBytesMax();
  }

  private Positions of(int slot) {
    if (slot >= positions.length) {
      int old = positions.length;
      positions = Arrays.copyOf(positions, Math.max(slot + 1, old * 2));
      for (int i = old; i < positions.length; i++) positions[i] = new Positions();
    }
    return positions[slot];
  }

  /** Adds the mutation just applied; old ones leave. */
  public void add(Mutation mutation) {
    Positions own = of(Dot.slot(mutation.dot()));
    long expected = own.floor + own.size + 1;
    if (Dot.sequence(mutation.dot()) != expected) {
      // only a broken variant of the design gets here: sequences without order cannot be indexed
      skipTo(Dot.slot(mutation.dot()), Dot.sequence(mutation.dot()));
      return;
    }
    if (next - first == ring.length) grow();
    ring[(int) (next & (ring.length - 1))] = mutation;
    own.add(next++);
    bytes += mutation.weight();
    while (next > first && (bytes > bytesMax || next - first > countMax)) dropOldest();
  }

  private void grow() {
    @Nullable Mutation[] larger = new Mutation[ring.length * 2];
    for (long p = first; p < next; p++) {
      larger[(int) (p & (larger.length - 1))] = ring[(int) (p & (ring.length - 1))];
    }
    ring = larger;
  }

  private void dropOldest() {
    int index = (int) (first++ & (ring.length - 1));
    Mutation oldest = ring[index];
    ring[index] = null;
    if (oldest == null) return; // skipped by a snapshot, already counted out
    bytes -= oldest.weight();
    of(Dot.slot(oldest.dot())).dropFirst();
  }

  /**
   * A snapshot raised this origin to {@code sequence}: nothing at or below it can be replayed from
   * here.
   */
  public void skipTo(int slot, long sequence) {
    Positions own = of(slot);
    for (; own.size > 0; own.dropFirst()) {
      int index = (int) (own.get(own.floor + 1) & (ring.length - 1));
      Mutation gone = ring[index];
      if (gone != null) bytes -= gone.weight();
      ring[index] = null;
    }
    own.floor = Math.max(own.floor, sequence);
  }

  /** Whether everything in {@code applied} that {@code known} lacks is held here. */
  public boolean covers(VersionVector known, VersionVector applied) {
    for (int slot = 0; slot < applied.slots(); slot++) {
      if (applied.mark(slot) == 0) continue;
      if (applied.mark(slot) > known.get(slot) && of(slot).floor > known.get(slot)) return false;
    }
    return known.coversForgotten(applied);
  }

  /** Marks the slots that the mutations here refer to. */
  public void markSlots(BitSet used) {
    for (long p = first; p < next; p++) {
      Mutation mutation = ring[(int) (p & (ring.length - 1))];
      if (mutation != null) mutation.markSlots(used);
    }
  }

  /** A slot gets another owner; nothing here refers to it. */
  public void vacate(int slot) {
    if (slot < positions.length) positions[slot] = new Positions();
  }

  /**
   * Adds to {@code out}, in causal order, what {@code known} lacks, until {@code enough} says so of
   * the last one added.
   *
   * @return whether there is more
   */
  public boolean replay(VersionVector known, List<Mutation> out, Predicate<Mutation> enough) {
    long from = next;
    for (int slot = 0; slot < positions.length; slot++) {
      Positions own = positions[slot];
      long wanted = Math.max(known.get(slot), own.floor) + 1;
      if (wanted <= own.floor + own.size) from = Math.min(from, own.get(wanted));
    }
    boolean full = false;
    for (long p = from; p < next; p++) {
      Mutation mutation = ring[(int) (p & (ring.length - 1))];
      if (mutation == null || known.covers(mutation.dot())) continue;
      if (full) return true;
      out.add(mutation);
      full = enough.test(mutation);
    }
    return false;
  }

  /** Mutations held, gaps left by snapshots included. */
  public int size() {
    return (int) (next - first);
  }

  public long bytes() {
    return bytes;
  }
}
