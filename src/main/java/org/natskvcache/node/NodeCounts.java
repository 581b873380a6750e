package org.natskvcache.node;

import java.util.List;
import java.util.function.ToLongFunction;
import org.natskvcache.metrics.Counter;

/**
 * Adds what a node counts to the counters of the process, as it rises. A new node in its place
 * begins with 0. Owned by {@link LockedReplica}, under its lock.
 */
final class NodeCounts {
  private record Count(Counter counter, ToLongFunction<Node> of) {}

  private static final List<Count> COUNTS =
      List.of(
          new Count(Counter.EVICTED_KEYS, Node::evicted),
          new Count(Counter.FULL_REFUSALS, Node::refused),
          new Count(Counter.REFUSED_PEERS, Node::refusedPeers),
          new Count(Counter.REFUSED_CLAIMS, Node::refusedClaims),
          new Count(Counter.MUTATIONS_AHEAD, Node::mutationsAhead),
          new Count(Counter.UNANSWERED_REQUESTS, Node::unanswered),
          new Count(Counter.UNASKED_FRAMES, Node::unasked));

  private final long[] counted = new long[COUNTS.size()];

  /** Adds what rose since the last time. */
  void addRisen(Node node) {
    for (int i = 0; i < counted.length; i++) { // after every call: no iterator
      Count count = COUNTS.get(i);
      long now = count.of.applyAsLong(node);
      if (now > counted[i]) count.counter.add(now - counted[i]);
      counted[i] = now;
    }
  }
}
