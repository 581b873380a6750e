package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTableTest {
  private static Entry entry(String key) {
    return new FacetEntry(Key.of(key), KeyTable.hash(Key.of(key)));
  }

  private static List<Entry> from(KeyTable table, long cursor) {
    List<Entry> all = new ArrayList<>();
    table.from(cursor, all::addAll);
    return all;
  }

  @Test
  void entriesOfEqualHashAreKeptApartByKey() {
    KeyTable table = new KeyTable(2);
    Entry one = new FacetEntry(Key.of("one"), 42);
    Entry two = new FacetEntry(Key.of("two"), 42);
    table.add(one);
    table.add(two);
    assertSame(one, table.find(Key.of("one"), 42));
    assertSame(two, table.find(Key.of("two"), 42));
    assertNull(table.find(Key.of("three"), 42));
    assertNull(table.find(Key.of("one"), 43));
    table.remove(two);
    assertSame(one, table.find(Key.of("one"), 42));
    assertNull(table.find(Key.of("two"), 42));
  }

  @Test
  void entriesOfEqualHashComeInOneRun() {
    KeyTable table = new KeyTable(0);
    table.add(new FacetEntry(Key.of("one"), 42));
    table.add(new FacetEntry(Key.of("two"), 42));
    List<Integer> runs = new ArrayList<>();
    table.from(0, sorted -> runs.add(sorted.size()));
    assertEquals(List.of(2), runs);
  }

  @Test
  void removingWhatIsNotThereIsAFault() {
    KeyTable table = new KeyTable(1);
    table.add(entry("there"));
    assertThrows(IllegalStateException.class, () -> table.remove(entry("elsewhere")));
  }

  @Test
  void walkIsInUnsignedHashOrderFromTheCursorOn() {
    KeyTable table = new KeyTable(0);
    for (long hash : new long[] {-1, 5, Long.MIN_VALUE, Long.MAX_VALUE, 0}) {
      table.add(new FacetEntry(Key.of("h" + hash), hash));
    }
    List<Long> hashes = from(table, 5).stream().map(e -> e.hash()).toList();
    assertEquals(List.of(5L, Long.MAX_VALUE, Long.MIN_VALUE, -1L), hashes);
    assertEquals(List.of(-1L), from(table, -1).stream().map(e -> e.hash()).toList());
  }

  @Test
  void walkEndsWhenItIsToldTo() {
    KeyTable table = new KeyTable(4);
    for (int i = 0; i < 100; i++) table.add(entry("k" + i));
    int[] runs = new int[1];
    table.from(0, sorted -> ++runs[0] < 2);
    assertEquals(2, runs[0]);
  }

  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4})
  void behavesLikeAMapWhileItGrowsAndShrinksProperty(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int bucketBits = (int) seed % 4;
    KeyTable table = new KeyTable(bucketBits);
    Map<Key, Entry> model = new HashMap<>();
    for (int step = 0; step < 6_000; step++) {
      boolean growing = step / 1_500 % 2 == 0;
      if (random.nextInt(10) < (growing ? 8 : 2)) {
        Entry entry = entry("k" + random.nextInt(2_000));
        if (model.putIfAbsent(entry.key(), entry) == null) table.add(entry);
      } else if (!model.isEmpty()) {
        Entry gone = model.remove(entry("k" + random.nextInt(2_000)).key());
        if (gone != null) table.remove(gone);
      }
      if (step % 250 == 0) compare(table, model, bucketBits);
    }
    for (Entry entry : new ArrayList<>(model.values())) {
      table.remove(entry);
      model.remove(entry.key());
    }
    compare(table, model, bucketBits);
    for (int i = 0; i < 5; i++) { // the buckets are still there after everything went
      Entry entry = entry("again" + i);
      model.put(entry.key(), entry);
      table.add(entry);
      compare(table, model, bucketBits);
    }
  }

  private static void compare(KeyTable table, Map<Key, Entry> model, int bucketBits) {
    assertEquals(model.size(), table.size());
    model.forEach((key, entry) -> assertSame(entry, table.find(key, entry.hash())));
    List<Entry> walked = from(table, 0);
    List<Entry> sorted = new ArrayList<>(model.values());
    sorted.sort(Comparator.comparing((Entry e) -> e.hash(), Long::compareUnsigned));
    assertEquals(sorted, walked);
    Set<Entry> seen = new HashSet<>();
    for (int bucket = 0; bucket < 1 << bucketBits; bucket++) {
      for (Entry entry : table.segment(bucket).entries()) {
        int expected = bucketBits == 0 ? 0 : (int) (entry.hash() >>> (64 - bucketBits));
        assertEquals(expected, bucket);
        assertTrue(seen.add(entry));
      }
    }
    assertEquals(model.size(), seen.size());
  }
}
