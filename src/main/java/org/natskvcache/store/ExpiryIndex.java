package org.natskvcache.store;

import java.util.Comparator;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The entries that expire, by digest bucket and soonest first. Holds an entry at most once, so it
 * is no larger than the table.
 */
final class ExpiryIndex {
  /** The expiring entries of one digest bucket. */
  static final class Bucket {
    private final int number;
    private final TreeSet<Entry> soonest =
        new TreeSet<>(
            Comparator.comparingLong((Entry e) -> e.indexedAtMillis())
                .thenComparingLong(e -> e.hash())
                .thenComparing(e -> e.key().stored()));

    /** Where {@link #order} holds this bucket; {@link Entry#NEVER} if it does not. */
    private long firstMillis = Entry.NEVER;

    Bucket(int number) {
      this.number = number;
    }

    /** Brings the entry's place up to date after a change. */
    void update(Entry entry) {
      long at = entry.toBeIndexedAtMillis();
      if (at == entry.indexedAtMillis()) return;
      remove(entry);
      entry.indexedAtMillis(at);
      if (at != Entry.NEVER) soonest.add(entry);
    }

    void remove(Entry entry) {
      if (entry.indexedAtMillis() != Entry.NEVER) soonest.remove(entry);
      entry.indexedAtMillis(Entry.NEVER);
    }
  }

  private final @Nullable Bucket[] buckets;
  private final TreeSet<Bucket> order =
      new TreeSet<>(
          Comparator.comparingLong((Bucket b) -> b.firstMillis).thenComparingInt(b -> b.number));

  ExpiryIndex(int buckets) {
    this.buckets = new Bucket[buckets];
  }

  /** Brings the place of an entry of this bucket up to date after a change. */
  void update(int number, Entry entry) {
    Bucket bucket = buckets[number];
    if (bucket == null) {
      if (entry.toBeIndexedAtMillis() == Entry.NEVER) return;
      buckets[number] = bucket = new Bucket(number);
    }
    bucket.update(entry);
    place(bucket);
  }

  private void place(Bucket bucket) {
    long first = bucket.soonest.isEmpty() ? Entry.NEVER : bucket.soonest.first().indexedAtMillis();
    if (first == bucket.firstMillis) return;
    if (bucket.firstMillis != Entry.NEVER) order.remove(bucket);
    bucket.firstMillis = first;
    if (first != Entry.NEVER) order.add(bucket);
  }

  /** Puts another bucket in the place of one. */
  void replace(Bucket with) {
    Bucket old = buckets[with.number];
    if (old != null && old.firstMillis != Entry.NEVER) order.remove(old);
    buckets[with.number] = with;
    place(with);
  }

  /** The entry that expires first; null if none does. */
  @Nullable Entry first() {
    return order.isEmpty() ? null : order.first().soonest.first();
  }

  /**
   * Visits the entries that expired at or before {@code until}, bucket by bucket and the soonest of
   * each first, as long as {@code more} says so.
   *
   * @param wanted the digest buckets to look at
   */
  void expired(long until, IntPredicate wanted, Predicate<Entry> more) {
    for (Bucket bucket : order) {
      if (bucket.firstMillis > until) return;
      if (!wanted.test(bucket.number)) continue;
      for (Entry entry : bucket.soonest) {
        if (entry.indexedAtMillis() > until) break;
        if (!more.test(entry)) return;
      }
    }
  }
}
