package org.natskvcache.store;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Hash64;

/**
 * A hash table whose order is the unsigned order of the keys' 64-bit hashes, the same on every
 * replica, so that a listing can go on from any hash. The first bits of the hash choose a segment,
 * which is a digest bucket; each segment is a small table that grows and shrinks alone, so no step
 * moves more than one segment's entries. Mutable; owned by the keyspace.
 */
final class KeyTable {
  /** One digest bucket: a table whose order is that of the hash bits after the bucket's. */
  static final class Segment {
    private final int bucketBits;
    private @Nullable Entry[] slots = new Entry[1];
    private int bits;
    private int size;

    Segment(int bucketBits) {
      this.bucketBits = bucketBits;
    }

    int size() {
      return size;
    }

    /** How many chains of entries there are, at least 1. */
    int slots() {
      return slots.length;
    }

    /** The first entry of a chain. */
    @Nullable Entry first(int slot) {
      return slots[slot];
    }

    private int slot(long hash) {
      return bits == 0 ? 0 : (int) (hash << bucketBits >>> (64 - bits));
    }

    @Nullable Entry find(Key key, long hash) {
      for (Entry e = slots[slot(hash)]; e != null; e = e.next) {
        if (e.isOf(key, hash)) return e;
      }
      return null;
    }

    void add(Entry entry) {
      if (size >= slots.length && bits < Math.min(30, 64 - bucketBits)) resize(bits + 1);
      int slot = slot(entry.hash());
      entry.next = slots[slot];
      slots[slot] = entry;
      size++;
    }

    void remove(Entry entry) {
      replace(entry, entry.next);
      entry.next = null;
      size--;
      if (size < slots.length / 8) resize(bits - 1);
    }

    /** Puts what comes from here on in its chain in the place of an entry. */
    private void replace(Entry entry, @Nullable Entry from) {
      int slot = slot(entry.hash());
      if (slots[slot] == entry) {
        slots[slot] = from;
        return;
      }
      for (Entry e = slots[slot]; e != null; e = e.next) {
        if (e.next != entry) continue;
        e.next = from;
        return;
      }
      throw new IllegalStateException("took an entry that is not in the table");
    }

    /** Puts one entry of a key in the place of another. */
    void exchange(Entry was, Entry is) {
      is.next = was.next;
      replace(was, is);
      was.next = null;
    }

    private void resize(int newBits) {
      @Nullable Entry[] old = slots;
      slots = new Entry[1 << newBits];
      bits = newBits;
      for (Entry head : old) {
        for (Entry e = head; e != null; ) {
          Entry rest = e.next;
          int slot = slot(e.hash());
          e.next = slots[slot];
          slots[slot] = e;
          e = rest;
        }
      }
    }

    void forEach(Consumer<Entry> visitor) {
      for (Entry head : slots) for (Entry e = head; e != null; e = e.next) visitor.accept(e);
    }

    List<Entry> entries() {
      List<Entry> entries = new ArrayList<>(size);
      forEach(entries::add);
      return entries;
    }

    /** Walks the entries whose hash is at least {@code cursor}; false if the run has ended. */
    boolean from(long cursor, int firstSlot, Run run) {
      List<Entry> sorted = new ArrayList<>();
      for (int slot = firstSlot; slot < slots.length; slot++) {
        if (slots[slot] == null) continue;
        sorted.clear();
        for (Entry e = slots[slot]; e != null; e = e.next) {
          if (Long.compareUnsigned(e.hash(), cursor) >= 0) sorted.add(e);
        }
        sorted.sort((a, b) -> Long.compareUnsigned(a.hash(), b.hash()));
        if (!run.entries(sorted)) return false;
      }
      return true;
    }
  }

  private final int bucketBits;
  private final Segment[] segments;
  private long size;

  /**
   * @param bucketBits log2 of the number of segments
   */
  KeyTable(int bucketBits) {
    this.bucketBits = bucketBits;
    segments = new Segment[1 << bucketBits];
    for (int i = 0; i < segments.length; i++) segments[i] = new Segment(bucketBits);
  }

  long size() {
    return size;
  }

  static long hash(Key key) {
    return Hash64.of(key.stored().array());
  }

  /** The segment a hash belongs to. */
  int bucket(long hash) {
    return bucketBits == 0 ? 0 : (int) (hash >>> (64 - bucketBits));
  }

  Segment segment(int bucket) {
    return segments[bucket];
  }

  /** Puts another segment in the place of one. */
  void replace(int bucket, Segment segment) {
    size += segment.size - segments[bucket].size;
    segments[bucket] = segment;
  }

  @Nullable Entry find(Key key, long hash) {
    return segments[bucket(hash)].find(key, hash);
  }

  void add(Entry entry) {
    segments[bucket(entry.hash())].add(entry);
    size++;
  }

  void remove(Entry entry) {
    segments[bucket(entry.hash())].remove(entry);
    size--;
  }

  /**
   * Puts another entry of a key in the place of one, which may be the same.
   *
   * @param was null if there is none
   * @param is null if none is to be there
   */
  void exchange(@Nullable Entry was, @Nullable Entry is) {
    if (was == is) return;
    if (was == null && is != null) add(is);
    else if (was != null && is == null) remove(was);
    else if (was != null && is != null) segments[bucket(is.hash())].exchange(was, is);
  }

  /** How many segments there are. */
  int segments() {
    return segments.length;
  }

  void forEach(Consumer<Entry> visitor) {
    for (Segment segment : segments) segment.forEach(visitor);
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
    int first = bucket(cursor);
    for (int bucket = first; bucket < segments.length; bucket++) {
      Segment segment = segments[bucket];
      int slot = bucket == first ? segment.slot(cursor) : 0;
      if (!segment.from(cursor, slot, run)) return;
    }
  }
}
