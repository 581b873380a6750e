package org.natskvcache.chaos;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** How often things happened, by name. For several threads. */
final class Tally {
  private final Map<String, LongAdder> counts = new ConcurrentSkipListMap<>();

  void count(String name) {
    counts.computeIfAbsent(name, absent -> new LongAdder()).increment();
  }

  long sum() {
    return counts.values().stream().mapToLong(LongAdder::sum).sum();
  }

  /** {@code name=count name=count}, by name. */
  @Override
  public String toString() {
    var text = new StringBuilder();
    counts.forEach((name, count) -> text.append(' ').append(name).append('=').append(count));
    return text.toString().strip();
  }
}
