package org.natskvcache.node;

import java.util.List;
import java.util.function.Consumer;
import org.natskvcache.node.Peers.Peer;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Op;

/**
 * Chooses the keys to remove for good, which is done by ordinary mutations: expired ones of the
 * buckets this node is elected for, and those that are long overdue, once every peer has shown a
 * later wall time; and its share of what peers wrote beyond the limit. Owned by the node.
 */
final class Reaper {
  private static final long PERIOD_MILLIS = 1_000;

  /** Time to the next look where one was not enough, milliseconds. */
  private static final long BUSY_MILLIS = 20;

  private static final int KEYS_MAX = 1_000;

  private final ReplicatedState state;
  private final Peers peers;
  private final Room room;
  private final long heartbeatMillis;
  private long dueTick = Long.MAX_VALUE;
  private boolean busy;

  Reaper(ReplicatedState state, Peers peers, Room room, long heartbeatMillis) {
    this.state = state;
    this.peers = peers;
    this.room = room;
    this.heartbeatMillis = heartbeatMillis;
  }

  long nextTick() {
    return dueTick;
  }

  /** Plans a look, if any key expires or is too much and none is planned. */
  void schedule(long tick) {
    if (dueTick != Long.MAX_VALUE) return;
    if (state.keyspace().nextExpiryMillis() != Entry.NEVER || room.excess()) {
      dueTick = tick + (busy ? BUSY_MILLIS : PERIOD_MILLIS);
    }
  }

  /** Whether a look is due; it counts as taken. */
  boolean due(long tick) {
    if (dueTick > tick) return false;
    dueTick = Long.MAX_VALUE;
    return true;
  }

  /**
   * Removes what is to be removed at this wall time.
   *
   * @param author takes the removals, which are to be applied at once
   */
  void reap(long wallMillis, Consumer<Op> author) {
    long overdue = wallMillis - 2 * heartbeatMillis;
    long shown = Math.min(wallMillis, shownByAll());
    List<Op.Delete> expired =
        state.keyspace().expired(shown, KEYS_MAX, (bucket, at) -> at < overdue || elected(bucket));
    expired.forEach(author);
    boolean more = room.trim(wallMillis, this::elected, author);
    busy = more || expired.size() == KEYS_MAX;
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

  /** Of the live origins that can follow. */
  private boolean elected(int bucket) {
    return peers.elects(state.me(), 1, bucket, peer -> !peer.outdated);
  }
}
