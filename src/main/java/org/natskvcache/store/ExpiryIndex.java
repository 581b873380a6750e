package org.natskvcache.store;

import java.util.Comparator;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The entries that expire, soonest first. Holds an entry at most once, so it is no larger than the
 * table.
 */
final class ExpiryIndex {
  private final TreeSet<Entry> soonest =
      new TreeSet<>(
          Comparator.comparingLong((Entry e) -> e.indexedAtMillis())
              .thenComparingLong(e -> e.hash)
              .thenComparing(e -> e.key().stored()));

  /** Brings the entry's place up to date after a change. */
  void update(Entry entry) {
    long at = entry.toBeIndexedAtMillis();
    if (at == entry.indexedAtMillis()) return;
    if (entry.indexedAtMillis() != Entry.NEVER) soonest.remove(entry);
    entry.indexedAtMillis(at);
    if (at != Entry.NEVER) soonest.add(entry);
  }

  @Nullable Entry first() {
    return soonest.isEmpty() ? null : soonest.first();
  }

  /** The entry after {@code entry}. */
  @Nullable Entry after(Entry entry) {
    return soonest.higher(entry);
  }
}
