package org.natskvcache.node;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/** The instances heard from lately and what each is known to have. Owned by the node. */
final class Peers {
  /** One instance. */
  static final class Peer {
    final int slot;

    /** At least this much is applied there. */
    final VersionVector known;

    final Skew skew = new Skew();

    boolean live;
    long heardTick;

    /**
     * Its wall time at a moment whose mutations we have all applied, milliseconds since 1970; 0 for
     * none.
     */
    long shownWallMillis;

    /** Whether by its last heartbeat it knows the same of the origins that are gone. */
    boolean sameRest;

    long vectorAskedTick = Long.MIN_VALUE / 2;

    /** Pairs of unequal digests that were looked into, each mixed. */
    final Set<Long> inquired = new HashSet<>();

    ReplicaStatus.Agreement agreement = ReplicaStatus.Agreement.UNKNOWN;

    Peer(int slot, Origins origins) {
      this.slot = slot;
      known = new VersionVector(origins);
    }
  }

  private final Origins origins;
  private final Map<Integer, Peer> bySlot = new LinkedHashMap<>();
  private List<Peer> all = List.of();

  Peers(Origins origins) {
    this.origins = origins;
  }

  /** The peer in {@code slot}, heard now. */
  Peer heard(int slot, long tick) {
    Peer peer = bySlot.get(slot);
    if (peer == null) {
      peer = new Peer(slot, origins);
      bySlot.put(slot, peer);
      changed();
    }
    peer.heardTick = tick;
    return peer;
  }

  private void changed() {
    all = List.copyOf(bySlot.values());
  }

  @Nullable Peer find(int slot) {
    return bySlot.get(slot);
  }

  void remove(int slot) {
    if (bySlot.remove(slot) != null) changed();
  }

  void clear() {
    bySlot.clear();
    changed();
  }

  int count() {
    return bySlot.size();
  }

  /** In the order they were found; a list that stays as it is when peers come and go. */
  List<Peer> all() {
    return all;
  }

  /** Takes out those not heard since {@code tick}. */
  List<Peer> lostSince(long tick) {
    List<Peer> lost = new ArrayList<>();
    for (Peer peer : all) if (peer.heardTick < tick) lost.add(peer);
    for (Peer peer : lost) remove(peer.slot);
    return lost;
  }
}
