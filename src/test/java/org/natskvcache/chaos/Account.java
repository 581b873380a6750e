package org.natskvcache.chaos;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * All ledgers together: what each counter, list and set must be, as an interval.
 *
 * <p>A counter lies between the sum of the sure increments plus the negative open ones, and the sum
 * of the sure ones plus the positive open ones. A list or set holds every sure item, any open one,
 * nothing else; a list each of them once, those of one writer in their order.
 */
final class Account {
  private static final class Entry {
    long sure;
    long openBelow;
    long openAbove;
    final Set<String> sureItems = new HashSet<>();
    final Set<String> openItems = new HashSet<>();
  }

  private final Map<String, Entry> entries = new TreeMap<>();
  private final List<String> complaints = new ArrayList<>();
  private final Map<String, Integer> lostAnswered = new TreeMap<>();
  private long open;

  /** Counts a ledger in, where {@code shown} is the beat that all instances agree on. */
  void add(Ledger ledger, int shown) {
    if (shown < ledger.leastBeat()) {
      complaints.add(
          ledger.beatKey() + " shows " + shown + ", must be at least " + ledger.leastBeat());
    }
    List<Ledger.Addition> additions = ledger.additions();
    List<Ledger.Fate> fates = ledger.fates(shown);
    for (int i = 0; i < additions.size(); i++) {
      Ledger.Addition addition = additions.get(i);
      Entry entry = entries.computeIfAbsent(addition.key(), key -> new Entry());
      switch (fates.get(i)) {
        case SURE -> {
          entry.sure += addition.delta();
          entry.sureItems.add(addition.item());
        }
        case OPEN -> {
          open++;
          entry.openBelow += Math.min(0, addition.delta());
          entry.openAbove += Math.max(0, addition.delta());
          entry.openItems.add(addition.item());
        }
        case GONE -> {
          if (addition.answered()) {
            lostAnswered.merge(ledger.name(), 1, Integer::sum);
          }
        }
      }
    }
  }

  void checkCounter(String key, long value) {
    Entry entry = entries.getOrDefault(key, new Entry());
    long least = entry.sure + entry.openBelow;
    long most = entry.sure + entry.openAbove;
    if (value < least || value > most) {
      complaints.add(key + " is " + value + ", must be from " + least + " to " + most);
    }
  }

  /** Whether nothing is open about this counter. */
  boolean exact(String key) {
    Entry entry = entries.getOrDefault(key, new Entry());
    return entry.openBelow == 0 && entry.openAbove == 0;
  }

  void checkSet(String key, List<String> members) {
    checkItems(key, members);
  }

  void checkList(String key, List<String> items) {
    checkItems(key, items);
    Map<String, Integer> last = new HashMap<>();
    for (String item : items) {
      int colon = item.lastIndexOf(':');
      int number = Integer.parseInt(item.substring(colon + 1));
      Integer before = last.put(item.substring(0, colon), number);
      if (before != null && before >= number) {
        complaints.add(key + " has " + item + " after number " + before + " of the same writer");
      }
    }
  }

  private void checkItems(String key, List<String> items) {
    Entry entry = entries.getOrDefault(key, new Entry());
    var found = new HashSet<String>();
    for (String item : items) {
      if (!found.add(item)) {
        complaints.add(key + " has " + item + " twice");
      }
      if (!entry.sureItems.contains(item) && !entry.openItems.contains(item)) {
        complaints.add(key + " has " + item + ", which cannot be");
      }
    }
    for (String item : entry.sureItems) {
      if (!found.contains(item)) {
        complaints.add(key + " lacks " + item);
      }
    }
  }

  /** What is not as it must be; empty when all is well. */
  List<String> complaints() {
    return complaints;
  }

  /** How many answered additions are known to have gone with an instance that ended, by writer. */
  Map<String, Integer> lostAnswered() {
    return lostAnswered;
  }

  /** Additions of which it is not known whether they should be there. */
  long open() {
    return open;
  }
}
