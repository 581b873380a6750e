package org.natskvcache.node;

import java.util.List;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.node.Peers.Peer;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Op;

/**
 * Chooses the expired keys to remove for good, which is done by ordinary mutations: those of the
 * buckets this node is elected for, and those that are long overdue, once every peer has shown a
 * later wall time. Owned by the node.
 */
final class Reaper {
  private static final long PERIOD_MILLIS = 1_000;
  private static final int KEYS_MAX = 1_000;

  private final ReplicatedState state;
  private final Peers peers;
  private final long heartbeatMillis;
  private long dueTick = Long.MAX_VALUE;

  Reaper(ReplicatedState state, Peers peers, long heartbeatMillis) {
    this.state = state;
    this.peers = peers;
    this.heartbeatMillis = heartbeatMillis;
  }

  long nextTick() {
    return dueTick;
  }

  /** Plans a look, if any key expires and none is planned. */
  void schedule(long tick) {
    if (dueTick == Long.MAX_VALUE && state.keyspace().nextExpiryMillis() != Entry.NEVER) {
      dueTick = tick + PERIOD_MILLIS;
    }
  }

  /** Whether a look is due; it counts as taken. */
  boolean due(long tick) {
    if (dueTick > tick) return false;
    dueTick = Long.MAX_VALUE;
    return true;
  }

  /** What is to be removed at this wall time. */
  List<Op.Delete> removals(long wallMillis) {
    long overdue = wallMillis - 2 * heartbeatMillis;
    long shown = Math.min(wallMillis, shownByAll());
    return state
        .keyspace()
        .expired(shown, KEYS_MAX, (bucket, at) -> at < overdue || elected(bucket));
  }

  /**
   * The latest wall time that every peer is known to have reached with everything before it applied
   * here.
   */
  private long shownByAll() {
    long shown = Long.MAX_VALUE;
    for (Peer peer : peers.all()) shown = Math.min(shown, peer.shownWallMillis);
    return shown;
  }

  /** Rendezvous hashing over the live origins. */
  private boolean elected(int bucket) {
    long mine = weight(state.me(), bucket);
    for (Peer peer : peers.all()) {
      if (Long.compareUnsigned(weight(peer.slot, bucket), mine) > 0) return false;
    }
    return true;
  }

  private long weight(int slot, int bucket) {
    return Hash64.chain(state.origins().hash(slot), bucket);
  }
}
