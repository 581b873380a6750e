package org.natskvcache.crdt;

import java.util.Arrays;
import java.util.BitSet;

/**
 * A sequence from 1 for each of some slots: the inside of a {@link VersionVector}. Where most slots
 * have a mark it is an array by slot, which is read in one step. Where few have, it is a sorted
 * array of dots, so that one mark in a high slot takes no more memory than one in a low slot.
 * Mutable; one owner.
 */
final class Marks {
  /** An array by slot of this length is kept however few marks are in it. */
  private static final int DENSE_MIN = 16;

  /** An array by slot grows while it has at most so many places for each mark. */
  private static final int PLACES_MAX = 4;

  /** Dots become an array by slot when that has at most so many places for each mark. */
  private static final int PLACES_DENSE = 2;

  private static final long[] NOTHING = {};

  /** Sequences by slot, 0 for none; empty while {@link #dots} are in use. */
  private long[] sequences = new long[4];

  /** The first {@link #count} are the marks, ascending by slot; empty for an array by slot. */
  private long[] dots = NOTHING;

  private int count;

  Marks() {}

  private Marks(Marks from) {
    sequences = from.sequences.clone();
    dots = from.isSparse() ? Arrays.copyOf(from.dots, from.count) : NOTHING;
    count = from.count;
  }

  Marks copy() {
    return new Marks(this);
  }

  private boolean isSparse() {
    return sequences.length == 0;
  }

  /** The mark of {@code slot}; 0 for none. */
  long get(int slot) {
    if (slot < sequences.length) return sequences[slot];
    if (!isSparse()) return 0;
    int at = place(slot);
    return holds(at, slot) ? Dot.sequence(dots[at]) : 0;
  }

  /** How many slots have a mark. */
  int count() {
    return count;
  }

  /** The first slot from {@code from} on that has a mark; -1 if there is none. */
  int next(int from) {
    if (isSparse()) {
      int at = place(from);
      return at < count ? Dot.slot(dots[at]) : -1;
    }
    for (int slot = from; slot < sequences.length; slot++) if (sequences[slot] != 0) return slot;
    return -1;
  }

  /** Memory its arrays take, bytes. */
  long footprint() {
    return (long) Long.BYTES * (sequences.length + dots.length);
  }

  /** Where the mark of {@code slot} is among the dots, or would be put in. */
  private int place(int slot) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Dot.slot(dots[middle]) < slot) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private boolean holds(int at, int slot) {
    return at < count && Dot.slot(dots[at]) == slot;
  }

  /** Sets a mark, which must not be 0. */
  void put(int slot, long sequence) {
    if (!isSparse() && slot >= sequences.length) makePlaceFor(slot);
    if (isSparse()) {
      insert(slot, sequence);
    } else {
      if (sequences[slot] == 0) count++;
      sequences[slot] = sequence;
    }
  }

  private void makePlaceFor(int slot) {
    int most = Math.max(DENSE_MIN, PLACES_MAX * (count + 1));
    if (slot >= most) {
      toDots();
    } else {
      int length = Math.max(slot + 1, Math.min(most, 2 * sequences.length));
      sequences = Arrays.copyOf(sequences, length);
    }
  }

  private void insert(int slot, long sequence) {
    int at = place(slot);
    if (holds(at, slot)) {
      dots[at] = Dot.of(slot, sequence);
      return;
    }
    if (count == dots.length) dots = Arrays.copyOf(dots, count + Math.max(4, count / 2));
    System.arraycopy(dots, at, dots, at + 1, count - at);
    dots[at] = Dot.of(slot, sequence);
    count++;
    if (fitsBySlot()) toSequences();
  }

  /** Sets marks that are ascending by slot, in time in proportion to those and these. */
  void putAll(long[] more, int number) {
    if (!isSparse() || number <= 2) {
      for (int i = 0; i < number; i++) put(Dot.slot(more[i]), Dot.sequence(more[i]));
      return;
    }
    long[] merged = new long[count + number];
    int size = 0;
    int old = 0;
    for (int i = 0; i < number; i++) {
      int slot = Dot.slot(more[i]);
      while (old < count && Dot.slot(dots[old]) < slot) merged[size++] = dots[old++];
      if (holds(old, slot)) old++;
      merged[size++] = more[i];
    }
    while (old < count) merged[size++] = dots[old++];
    dots = merged;
    count = size;
    if (fitsBySlot()) toSequences();
  }

  /** Takes a mark away. */
  void remove(int slot) {
    if (get(slot) == 0) return;
    count--;
    if (isSparse()) {
      int at = place(slot);
      System.arraycopy(dots, at + 1, dots, at, count - at);
    } else {
      sequences[slot] = 0;
    }
  }

  /** Takes the marks of these slots away, and the memory with them. */
  void removeAll(BitSet slots) {
    long[] left = new long[count];
    int size = 0;
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      if (!slots.get(slot)) left[size++] = Dot.of(slot, get(slot));
    }
    if (size == count) return;
    sequences = NOTHING;
    dots = Arrays.copyOf(left, size);
    count = size;
    if (fitsBySlot()) toSequences();
  }

  /** The marks, ascending by slot. */
  long[] toArray() {
    long[] all = new long[count];
    int size = 0;
    for (int slot = next(0); slot >= 0; slot = next(slot + 1)) {
      all[size++] = Dot.of(slot, get(slot));
    }
    return all;
  }

  private boolean fitsBySlot() {
    int places = count == 0 ? 0 : Dot.slot(dots[count - 1]) + 1;
    return places <= Math.max(DENSE_MIN, PLACES_DENSE * count);
  }

  private void toSequences() {
    long[] bySlot = new long[count == 0 ? 4 : Math.max(4, Dot.slot(dots[count - 1]) + 1)];
    for (int i = 0; i < count; i++) bySlot[Dot.slot(dots[i])] = Dot.sequence(dots[i]);
    sequences = bySlot;
    dots = NOTHING;
  }

  private void toDots() {
    dots = toArray();
    sequences = NOTHING;
  }
}
