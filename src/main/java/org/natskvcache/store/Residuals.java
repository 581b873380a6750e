package org.natskvcache.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.VersionVector;

/**
 * Where the residuals of each owner are: dead counter chains that wait until their owner has seen
 * the reset. Resets of one author come in order, so for each (owner, author) the waiting ones form
 * a queue.
 */
final class Residuals {
  /** A place to look; the entry may have changed meanwhile. */
  record Waiting(long resetDot, Entry entry) {}

  private final Map<Integer, Map<Integer, ArrayDeque<Waiting>>> byOwner = new HashMap<>();

  void add(int owner, long resetDot, Entry entry) {
    byOwner
        .computeIfAbsent(owner, o -> new HashMap<>())
        .computeIfAbsent(Dot.slot(resetDot), a -> new ArrayDeque<>())
        .add(new Waiting(resetDot, entry));
  }

  /** Takes out the places whose reset {@code row}, what the owner has seen, covers. */
  List<Waiting> acknowledged(int owner, VersionVector row) {
    Map<Integer, ArrayDeque<Waiting>> queues = byOwner.get(owner);
    if (queues == null) return List.of();
    List<Waiting> taken = new ArrayList<>();
    for (ArrayDeque<Waiting> queue : queues.values()) {
      while (!queue.isEmpty() && row.covers(queue.peek().resetDot)) taken.add(queue.poll());
    }
    queues.values().removeIf(ArrayDeque::isEmpty);
    if (queues.isEmpty()) byOwner.remove(owner);
    return taken;
  }

  /** Takes out every place of an owner that will never write again. */
  List<Waiting> all(int owner) {
    Map<Integer, ArrayDeque<Waiting>> queues = byOwner.remove(owner);
    List<Waiting> taken = new ArrayList<>();
    if (queues != null) queues.values().forEach(taken::addAll);
    return taken;
  }

  void clear() {
    byOwner.clear();
  }
}
