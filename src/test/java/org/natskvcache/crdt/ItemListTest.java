package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ItemListTest {
  private record Item(long position, long dot, String value) {}

  private final Origins origins = new Origins();
  private final DigestSum digest = new DigestSum(origins, 7);
  private ItemList list = new ItemList(origins, 256);
  private final List<Item> model = new ArrayList<>();
  private int late;
  private int early;

  /** The slot that is interned first has the later id, so that order by slot would be wrong. */
  @BeforeEach
  void nameTwoOrigins() {
    late = origins.slot(new OriginId(2, 0));
    early = origins.slot(new OriginId(1, 0));
  }

  private void add(long position, long dot, String value) {
    list.add(position, dot, History.bytes(value), digest);
    model.add(new Item(position, dot, value));
    model.sort(
        Comparator.comparingLong(Item::position)
            .thenComparing(Item::dot, (a, b) -> origins.compare(a, b)));
  }

  private static List<Item> items(ItemList list) {
    List<Item> items = new ArrayList<>();
    list.forEach((position, dot, value) -> items.add(new Item(position, dot, History.text(value))));
    return items;
  }

  private void assertLikeModel() {
    assertEquals(model, items(list));
    assertEquals(model.size(), list.size());
    assertEquals(model.isEmpty(), list.isEmpty());
    assertEquals(model.isEmpty() ? 0 : model.getLast().position, list.tail());
    DigestSum whole = new DigestSum(origins, 7);
    list.addTo(whole);
    long bytes = Footprint.LIST;
    for (Item item : model) {
      bytes += Footprint.ITEM + Footprint.array(History.bytes(item.value).length);
    }
    assertEquals(bytes, list.footprint());
    assertEquals(whole.sum(), digest.sum());
    assertEquals(whole.sum(), list.sum());
  }

  private void append(int count) {
    for (int i = 1; i <= count; i++) add(10L * i, Dot.of(late, i), "v" + i);
  }

  @Test
  void emptyListHasNoTailAndNoItems() {
    assertLikeModel();
    list.remove(1, Dot.of(late, 1), digest);
    list.cover(new VersionVector(origins), digest);
    assertFalse(list.first(History.bytes("x"), (p, d, v) -> {}));
    assertLikeModel();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 255, 256, 257, 512, 513, 1000})
  void appendsKeepTheirOrderOverChunks(int count) {
    append(count);
    assertLikeModel();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 127, 128, 129, 255, 256, 257, 511, 512})
  void lateConcurrentItemLandsAtItsPlaceInAFullChunk(int before) {
    append(512);
    add(10L * before + 5, Dot.of(early, 1), "late");
    assertEquals("late", items(list).get(before).value());
    assertLikeModel();
  }

  @Test
  void equalPositionsAreOrderedByOriginNotBySlot() {
    add(10, Dot.of(late, 1), "late origin");
    add(10, Dot.of(early, 9), "early origin");
    add(10, Dot.of(early, 2), "early origin, before");
    assertEquals(
        List.of("early origin, before", "early origin", "late origin"),
        items(list).stream().map(Item::value).toList());
    assertLikeModel();
  }

  @Test
  void removingTakesExactlyOneItem() {
    append(600);
    list.remove(3000, Dot.of(late, 300), digest);
    model.remove(299);
    assertLikeModel();
    list.remove(3000, Dot.of(late, 300), digest); // gone already
    list.remove(3010, Dot.of(late, 300), digest); // another item's place
    list.remove(99_999, Dot.of(late, 601), digest); // beyond the tail
    assertLikeModel();
  }

  @Test
  void removingEverythingFromEitherEndLeavesAnEmptyList() {
    append(520);
    for (int i = 0; i < 260; i++) {
      Item first = model.removeFirst();
      list.remove(first.position, first.dot, digest);
      Item last = model.removeLast();
      list.remove(last.position, last.dot, digest);
    }
    assertLikeModel();
    assertEquals(0, digest.sum());
    append(3);
    assertLikeModel();
  }

  @Test
  void rangeVisitsBothEnds() {
    append(700);
    List<String> seen = new ArrayList<>();
    list.range(255, 512, (position, dot, value) -> seen.add(History.text(value)));
    assertEquals(model.subList(255, 513).stream().map(Item::value).toList(), seen);
    seen.clear();
    list.range(699, 699, (position, dot, value) -> seen.add(History.text(value)));
    assertEquals(List.of("v700"), seen);
  }

  @Test
  void firstFindsTheFirstOfEqualItems() {
    append(300);
    add(2995, Dot.of(early, 1), "v300");
    long[] found = new long[1];
    assertTrue(list.first(History.bytes("v300"), (position, dot, value) -> found[0] = position));
    assertEquals(2995, found[0]);
    assertFalse(list.first(History.bytes("v301"), (position, dot, value) -> found[0] = position));
  }

  @Test
  void coverDropsWhatWasSeenOnly() {
    append(600);
    add(35, Dot.of(early, 1), "unseen");
    VersionVector seen = new VersionVector(origins);
    seen.raise(late, 599);
    list.cover(seen, digest);
    model.removeIf(item -> seen.covers(item.dot));
    assertEquals(2, model.size());
    assertLikeModel();
  }

  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void behavesLikeASortedListProperty(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    list = new ItemList(origins, 4 << seed);
    Map<ItemList, List<Item>> frozen = new LinkedHashMap<>();
    long[] sequences = new long[2];
    for (int step = 0; step < 4_000; step++) {
      int dice = random.nextInt(100);
      if (dice < 60) {
        int slot = random.nextInt(2);
        long position = random.nextInt(4) == 0 ? random.nextInt(2_000) : list.tail() + 1;
        add(position, Dot.of(slot, ++sequences[slot]), "v" + random.nextInt(50));
      } else if (dice < 98 && !model.isEmpty()) {
        Item gone = model.remove(random.nextInt(model.size()));
        list.remove(gone.position, gone.dot, digest);
      } else if (step % 50 == 0) {
        VersionVector seen = new VersionVector(origins);
        seen.raise(0, random.nextLong(sequences[0] + 1));
        seen.raise(1, random.nextLong(sequences[1] + 1));
        list.cover(seen, digest);
        model.removeIf(item -> seen.covers(item.dot));
      }
      if (step % 20 == 0) assertLikeModel();
      if (step % 100 == 0) frozen.put(list.frozen(), List.copyOf(model));
    }
    assertLikeModel();
    frozen.forEach((then, held) -> assertEquals(held, items(then)));
  }
}
