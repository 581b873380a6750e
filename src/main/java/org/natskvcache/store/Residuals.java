package org.natskvcache.store;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.VersionVector;

/**
 * Where the residuals of each owner are: dead counter chains that wait until their owner has seen
 * the reset. For each (owner, author) they form a queue in the order of the author's resets.
 */
final class Residuals {
  /** A place to look; the entry may have changed meanwhile. */
  record Waiting(long resetDot, FacetEntry entry) {}

  private static final Comparator<Waiting> BY_RESET = Comparator.comparingLong(Waiting::resetDot);

  private final Map<Integer, Map<Integer, PriorityQueue<Waiting>>> byOwner = new HashMap<>();

  void add(int owner, long resetDot, FacetEntry entry) {
    byOwner
        .computeIfAbsent(owner, o -> new HashMap<>())
        .computeIfAbsent(Dot.slot(resetDot), a -> new PriorityQueue<>(BY_RESET))
        .add(new Waiting(resetDot, entry));
  }

  /** Takes out the places whose reset {@code row}, what the owner has seen, covers. */
  List<Waiting> acknowledged(int owner, VersionVector row) {
    Map<Integer, PriorityQueue<Waiting>> queues = byOwner.get(owner);
    if (queues == null) return List.of();
    List<Waiting> taken = new ArrayList<>();
    for (PriorityQueue<Waiting> queue : queues.values()) {
      while (!queue.isEmpty() && row.covers(queue.peek().resetDot)) taken.add(queue.poll());
    }
    queues.values().removeIf(PriorityQueue::isEmpty);
    if (queues.isEmpty()) byOwner.remove(owner);
    return taken;
  }

  /** Takes out every place of an owner that will never write again. */
  List<Waiting> all(int owner) {
    Map<Integer, PriorityQueue<Waiting>> queues = byOwner.remove(owner);
    List<Waiting> taken = new ArrayList<>();
    if (queues != null) queues.values().forEach(taken::addAll);
    return taken;
  }
}
