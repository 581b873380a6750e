package org.natskvcache.store;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds entries that were not used for long, roughly: a hand goes round the table, looks at the
 * next {@value #CANDIDATES} entries that may go, and takes the one used longest ago. The table is
 * in hash order, so neighbours are a random sample.
 *
 * <p>The clock counts uses, not time: it advances 64 times while as many uses pass as there are
 * entries, and has 16 bits, so what was not used for a thousand times as many looks young again.
 * Mutable; owned by the keyspace.
 */
final class Recency {
  private static final int CANDIDATES = 16;
  private static final int ADVANCES = 64;

  private final KeyTable table;
  private int clock;
  private long uses;

  /** Where the hand is: a segment, and a slot of it. */
  private int segment;

  private int slot;

  Recency(KeyTable table) {
    this.table = table;
  }

  void used(Entry entry) {
    entry.used(clock);
    if (++uses * ADVANCES < table.size()) return;
    uses = 0;
    clock++;
  }

  /** The coldest of the next candidates; null if a whole turn meets none. */
  @Nullable Entry coldest(Predicate<Entry> mayGo) {
    Entry coldest = null;
    int found = 0;
    for (int passed = 0; passed <= table.segments() && found < CANDIDATES; ) {
      if (++slot >= table.segment(segment).slots()) {
        segment = (segment + 1) % table.segments();
        slot = 0;
        passed++;
      }
      for (Entry e = table.segment(segment).first(slot); e != null; e = e.next) {
        if (!mayGo.test(e)) continue;
        found++;
        if (coldest == null || age(e) > age(coldest)) coldest = e;
      }
    }
    return coldest;
  }

  private int age(Entry entry) {
    return clock - entry.used() & 0xffff;
  }
}
