package org.natskvcache.node;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Peers.Peer;

/**
 * How long the changes of each origin have been missing here that somebody heard has. A gap of an
 * origin is as old as the last change of it that was applied, or the moment it was noticed. What
 * died with its author is no gap: nobody can close it. Owned by the node.
 */
final class Gaps {
  /** A gap that is younger closes by itself, as a rule. */
  static final long PATIENCE_MILLIS = 10_000;

  /** So old is one that was there when this instance went live without an offer. */
  private static final long LATE_JOINER_MILLIS = 1_000;

  private record Gap(long applied, long sinceTick) {}

  private Map<OriginId, Gap> open = new LinkedHashMap<>();
  private final long patienceMillis;

  /** Whether this instance went live without an offer and has lacked something ever since. */
  private boolean late;

  /**
   * @param patienceMillis how old a gap may become, where it was not there from the beginning
   */
  Gaps(long patienceMillis) {
    this.patienceMillis = patienceMillis;
  }

  /** Goes live; with an offer it knows that it lacks nothing. */
  void live(boolean offered) {
    late = !offered;
  }

  /** Compares what is applied with what peers are known to have, and what is held back of them. */
  void look(ReplicatedState state, Peers known, long tick) {
    Iterable<Peer> peers = known.all();
    VersionVector applied = state.applied();
    BitSet lacking = new BitSet();
    for (Peer peer : peers) {
      if (applied.covers(peer.known)) continue;
      VersionVector theirs = peer.known;
      for (int slot = theirs.next(0); slot >= 0; slot = theirs.next(slot + 1)) {
        if (theirs.mark(slot) > applied.get(slot)) lacking.set(slot);
      }
    }
    for (int slot : state.heldBackOrigins()) {
      if (known.find(slot) != null) lacking.set(slot);
    }
    late &= !lacking.isEmpty() || known.count() == 0;
    Map<OriginId, Gap> found = new LinkedHashMap<>();
    for (int slot = lacking.nextSetBit(0); slot >= 0; slot = lacking.nextSetBit(slot + 1)) {
      OriginId origin = state.origins().id(slot);
      Gap before = open.get(origin);
      long mark = applied.get(slot);
      found.put(origin, before != null && before.applied == mark ? before : new Gap(mark, tick));
    }
    open = found;
  }

  /** Time that passes while nothing can arrive does not count. */
  void clear() {
    open.clear();
  }

  /** Names the oldest gap if it is too old; null if none is. */
  @Nullable String trouble(long tick) {
    long oldest = Long.MAX_VALUE;
    OriginId of = null;
    for (Map.Entry<OriginId, Gap> gap : open.entrySet()) {
      if (gap.getValue().sinceTick >= oldest) continue;
      oldest = gap.getValue().sinceTick;
      of = gap.getKey();
    }
    if (of == null || tick - oldest < (late ? LATE_JOINER_MILLIS : patienceMillis)) return null;
    return "has been missing changes of " + of + " for " + (tick - oldest) / 1_000 + " s";
  }
}
