package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ByteLogTest {
  private record Record(long address, byte[] bytes) {}

  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void readsWhatWasAppendedAndNotDroppedProperty(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ByteLog log = new ByteLog();
    ArrayDeque<Record> held = new ArrayDeque<>();
    for (int step = 0; step < 1_000; step++) {
      int size = random.nextInt(10) == 0 ? random.nextInt(300_000) : random.nextInt(5_000);
      byte[] bytes = new byte[size + 10];
      random.nextBytes(bytes);
      held.add(new Record(log.end(), Arrays.copyOf(bytes, size)));
      log.append(bytes, size);
      int keep = random.nextInt(100);
      while (held.size() > keep && random.nextBoolean()) held.remove();
      log.dropTo(held.isEmpty() ? log.end() : held.element().address());
      for (Record each : held) {
        if (random.nextInt(10) > 0) continue;
        assertArrayEquals(each.bytes(), log.read(each.address(), each.bytes().length));
      }
    }
  }
}
