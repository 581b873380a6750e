package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.IntConsumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Holds the account against the heap, filled with some megabytes of each shape. The flags are those
 * of the executable, see {@code pom.xml}.
 */
class FootprintTest {
  private static final double ERROR_MAX = 0.15;

  /** The serial collector leaves some dead objects where they are, but for every fourth time. */
  private static long usedBytes() {
    for (int i = 0; i < 4; i++) System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  /** So that classes loaded on the way do not count. */
  @BeforeAll
  static void warmUp() {
    SingleAuthor cache = new SingleAuthor(Limits.DEFAULTS);
    for (int i = 0; i < 10_000; i++) {
      cache.run(new Command.Increment(new Key(bytes(16, i)), 1));
    }
    usedBytes();
  }

  private static Bytes bytes(int size, long number) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < Math.min(8, size); i++) bytes[i] = (byte) (number >>> 8 * i);
    return new Bytes(bytes);
  }

  private static void compare(String shape, int times, SingleAuthor cache, IntConsumer fill) {
    long before = usedBytes();
    for (int i = 0; i < times; i++) fill.accept(i);
    long heap = usedBytes() - before;
    long account = cache.keyspace.footprint();
    double error = (double) account / heap - 1;
    System.out.printf(
        "footprint of %s: account=%d heap=%d error=%.1f %%%n", shape, account, heap, 100 * error);
    assertTrue(Math.abs(error) <= ERROR_MAX, shape + " is counted as " + account + " of " + heap);
  }

  @ParameterizedTest
  @CsvSource({"16, 64, 100000", "16, 1, 200000", "40, 1000, 20000", "200, 0, 50000"})
  void stringsTakeWhatIsCounted(int keyBytes, int valueBytes, int keys) {
    SingleAuthor cache = new SingleAuthor(Limits.DEFAULTS);
    compare(
        "strings of " + keyBytes + " and " + valueBytes + " bytes",
        keys,
        cache,
        i -> cache.run(new Command.Set(new Key(bytes(keyBytes, i)), bytes(valueBytes, i), 0)));
  }

  @Test
  void expiringStringsTakeWhatIsCounted() {
    SingleAuthor cache = new SingleAuthor(Limits.DEFAULTS);
    compare(
        "expiring strings",
        100_000,
        cache,
        i -> cache.run(new Command.Set(new Key(bytes(16, i)), bytes(64, i), 1_000 + i)));
  }

  @Test
  void countersTakeWhatIsCounted() {
    SingleAuthor cache = new SingleAuthor(Limits.DEFAULTS);
    compare(
        "counters",
        100_000,
        cache,
        i -> cache.run(new Command.Increment(new Key(bytes(16, i)), i)));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 16, 40000",
    "3, 16, 20000",
    "10, 16, 10000",
    "100, 16, 2000",
    "100000, 16, 2",
    "100000, 64, 2"
  })
  void setsTakeWhatIsCounted(int members, int memberBytes, int keys) {
    SingleAuthor cache = new SingleAuthor(Limits.DEFAULTS);
    compare(
        "sets with " + members + " members of " + memberBytes,
        keys * members,
        cache,
        i -> cache.run(new Command.SetAdd(new Key(bytes(16, i / members)), bytes(memberBytes, i))));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 16, 40000",
    "3, 16, 20000",
    "10, 16, 10000",
    "100, 16, 2000",
    "100000, 16, 2",
    "100000, 64, 2"
  })
  void listsTakeWhatIsCounted(int items, int itemBytes, int keys) {
    SingleAuthor cache = new SingleAuthor(Limits.DEFAULTS);
    compare(
        "lists with " + items + " items of " + itemBytes,
        keys * items,
        cache,
        i -> cache.run(new Command.ListAdd(new Key(bytes(16, i / items)), bytes(itemBytes, i))));
  }
}
