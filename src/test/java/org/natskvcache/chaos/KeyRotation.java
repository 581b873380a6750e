package org.natskvcache.chaos;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/**
 * The values of {@code REPLICATION_KEY} while keys are rotated. Instances of one step understand
 * those of the step before and the one after.
 */
final class KeyRotation {
  private static final int KEY_BYTES = 32;

  private final Random random;
  private final List<String> keys = new ArrayList<>();
  private int step;

  KeyRotation(long seed) {
    random = new Random(seed);
  }

  /** What everybody has, or gets at the end of this step. */
  String now() {
    return setting(step);
  }

  /** What some have already, and everybody in the next step. */
  String next() {
    return setting(step + 1);
  }

  void advance() {
    step++;
  }

  private String setting(int which) {
    String old = key(which / 3);
    String young = key(which / 3 + 1);
    return switch (which % 3) {
      case 0 -> old;
      case 1 -> old + "," + young;
      default -> young + "," + old;
    };
  }

  private String key(int number) {
    while (keys.size() <= number) {
      byte[] bytes = new byte[KEY_BYTES];
      random.nextBytes(bytes);
      keys.add(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
    }
    return keys.get(number);
  }
}
