package org.natskvcache.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Every key there is, by what is done with it. */
enum Keys {
  /** Incremented everywhere, never overwritten. */
  COUNTERS("counter", 10),
  /** Incremented on instances that last only. */
  EXACT("exact", 6),
  /** Appended to, never taken from. */
  LOGS("log", 8),
  /** Added to, never taken from. */
  CROWDS("crowd", 8),
  /** Set, with and without expiry, and deleted. */
  STRINGS("string", 40),
  /** Incremented and deleted. */
  TALLIES("tally", 10),
  /** Added to, removed from, cleared. */
  LISTS("list", 10),
  /** Added to, removed from, cleared. */
  SETS("set", 10),
  /** All of that: values of different types meet. */
  MIXED("mixed", 30),
  /** Set to large values. */
  LARGE("large", 12);

  private final String name;
  private final int count;

  Keys(String name, int count) {
    this.name = name;
    this.count = count;
  }

  String any(Random random) {
    return key(random.nextInt(count));
  }

  private String key(int number) {
    return name + "/" + number;
  }

  List<String> all() {
    var keys = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      keys.add(key(i));
    }
    return keys;
  }
}
