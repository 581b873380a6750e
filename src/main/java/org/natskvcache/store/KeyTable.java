package org.natskvcache.store;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Hash64;

/**
 * A hash table whose order is the unsigned order of the keys' 64-bit hashes, the same on every
 * replica. The top bits of the hash choose the slot, so a digest bucket (the hash's first bits) is
 * a run of slots, and a listing can go on from any hash. Mutable; owned by the keyspace.
 */
final class KeyTable {
  private @Nullable Entry[] slots;
  private int bits;
  private final int minimumBits;
  private long size;

  /**
   * @param minimumBits log2 of the least number of slots; at least that of the digest buckets
   */
  KeyTable(int minimumBits) {
    this.minimumBits = minimumBits;
    bits = minimumBits;
    slots = new Entry[1 << bits];
  }

  long size() {
    return size;
  }

  static long hash(Key key) {
    return Hash64.of(key.stored().array());
  }

  private int slot(long hash) {
    return bits == 0 ? 0 : (int) (hash >>> (64 - bits));
  }

  @Nullable Entry find(Key key, long hash) {
    for (Entry e = slots[slot(hash)]; e != null; e = e.next) {
      if (e.hash == hash && e.isOf(key)) return e;
    }
    return null;
  }

  void add(Entry entry) {
    if (size >= slots.length && bits < 30) resize(bits + 1);
    int slot = slot(entry.hash);
    entry.next = slots[slot];
    slots[slot] = entry;
    size++;
  }

  void remove(Entry entry) {
    int slot = slot(entry.hash);
    Entry before = null;
    for (Entry e = slots[slot]; e != null; before = e, e = e.next) {
      if (e != entry) continue;
      if (before == null) slots[slot] = e.next;
      else before.next = e.next;
      e.next = null;
      size--;
      if (size < slots.length / 8 && bits > minimumBits) resize(bits - 1);
      return;
    }
    throw new IllegalStateException("removed an entry that is not in the table");
  }

  private void resize(int newBits) {
    @Nullable Entry[] old = slots;
    slots = new Entry[1 << newBits];
    bits = newBits;
    for (Entry head : old) {
      for (Entry e = head; e != null; ) {
        Entry rest = e.next;
        int slot = slot(e.hash);
        e.next = slots[slot];
        slots[slot] = e;
        e = rest;
      }
    }
  }

  /** How many chains of entries there are. */
  int slots() {
    return slots.length;
  }

  /** The first entry of a chain. */
  @Nullable Entry first(int slot) {
    return slots[slot];
  }

  void forEach(Consumer<Entry> visitor) {
    for (Entry head : slots) for (Entry e = head; e != null; e = e.next) visitor.accept(e);
  }

  /** The entries of digest bucket {@code bucket} of 2^{@code bucketBits}, in no order. */
  List<Entry> bucket(int bucket, int bucketBits) {
    List<Entry> entries = new ArrayList<>();
    int run = bits - bucketBits;
    for (int slot = bucket << run; slot < (bucket + 1) << run; slot++) {
      for (Entry e = slots[slot]; e != null; e = e.next) entries.add(e);
    }
    return entries;
  }

  /** Visits runs of entries in hash order. */
  interface Run {
    /**
     * @param sorted the entries of one slot from the cursor on, by unsigned hash; false ends the
     *     walk
     */
    boolean entries(List<Entry> sorted);
  }

  /** Walks the entries whose hash is at least {@code cursor}, unsigned, in hash order. */
  void from(long cursor, Run run) {
    List<Entry> sorted = new ArrayList<>();
    for (int slot = slot(cursor); slot < slots.length; slot++) {
      if (slots[slot] == null) continue;
      sorted.clear();
      for (Entry e = slots[slot]; e != null; e = e.next) {
        if (Long.compareUnsigned(e.hash, cursor) >= 0) sorted.add(e);
      }
      sorted.sort((a, b) -> Long.compareUnsigned(a.hash, b.hash));
      if (!run.entries(sorted)) return;
    }
  }
}
