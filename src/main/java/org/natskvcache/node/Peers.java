package org.natskvcache.node;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/**
 * The instances heard from lately and what each is known to have. Anybody who may publish can claim
 * to be one, so their number and the memory of their vectors have bounds. Whoever has written
 * something is preferred to those who only claim to be there. Owned by the node.
 */
final class Peers {
  /**
   * Most instances known at once. All of a group send heartbeats to all, so groups of this size
   * would be busy with nothing else.
   */
  static final int INSTANCES_MAX = 1_024;

  /**
   * Most memory for all that peers are known to have, bytes: {@link #INSTANCES_MAX} vectors of
   * 2,048 marks each, as those take that just became an array by slot.
   */
  static final long KNOWN_BYTES_MAX = 32L << 20;

  /** One instance. */
  static final class Peer {
    final int slot;

    /** At least this much is applied there. */
    final VersionVector known;

    boolean live;

    /** Whether it cannot follow the group. */
    boolean outdated;

    /** The bits of the {@link org.natskvcache.store.Feature}s it has. */
    long features;

    long heardTick;

    /**
     * Its wall time at a moment whose mutations we have all applied, milliseconds since 1970; 0 for
     * none.
     */
    long shownWallMillis;

    /** Whether by its last heartbeat it knows the same of the origins that are gone. */
    boolean sameRest;

    long vectorAskedTick = Long.MIN_VALUE / 2;

    /** What {@link #known} took when it was last looked at, bytes. */
    private long knownBytes;

    /** Pairs of unequal digests that were looked into, each mixed. */
    final Set<Long> inquired = new HashSet<>();

    ReplicaStatus.Agreement agreement = ReplicaStatus.Agreement.UNKNOWN;

    Peer(int slot, Origins origins) {
      this.slot = slot;
      known = new VersionVector(origins);
    }

    ReplicaStatus.State state() {
      if (live) return ReplicaStatus.State.LIVE;
      return outdated ? ReplicaStatus.State.OUTDATED : ReplicaStatus.State.JOINING;
    }
  }

  private final Origins origins;
  private final IntPredicate wrote;
  private final Map<Integer, Peer> bySlot = new LinkedHashMap<>();

  /** Null: to be made when it is asked for. */
  private @Nullable List<Peer> all;

  /** Its vector may have grown since it was looked at. */
  private @Nullable Peer lastHeard;

  private long knownBytes;
  private long refused;
  private long refusedWhenAsked;
  private boolean refusing;

  /**
   * @param wrote whether something of the origin in a slot is applied here
   */
  Peers(Origins origins, IntPredicate wrote) {
    this.origins = origins;
    this.wrote = wrote;
  }

  /**
   * The instance {@code from} as a peer, heard now; null if it would be one too many, and then it
   * is not interned either.
   *
   * @param asked whether it answers what we asked for: then it is preferred as if it had written
   */
  @Nullable Peer heard(OriginId from, long tick, boolean asked) {
    weighLast();
    int slot = origins.find(from);
    Peer peer = bySlot.get(slot);
    if (peer == null) peer = admit(from, asked || (slot >= 0 && wrote.test(slot)));
    if (peer == null) {
      refused++;
      return null;
    }
    peer.heardTick = tick;
    lastHeard = peer;
    return peer;
  }

  private @Nullable Peer admit(OriginId from, boolean preferred) {
    if (bySlot.size() >= INSTANCES_MAX && !(preferred && dropClaimant())) return null;
    boolean nameless = origins.find(from) < 0 && origins.size() >= Origins.NAMES_MAX;
    if (nameless) return null;
    int slot = origins.slot(from);
    Peer peer = new Peer(slot, origins);
    bySlot.put(slot, peer);
    all = null;
    return peer;
  }

  /** Takes out the peer that was silent longest of those that have written nothing. */
  private boolean dropClaimant() {
    Peer oldest = null;
    for (Peer peer : bySlot.values()) {
      if (wrote.test(peer.slot)) continue;
      if (oldest == null || peer.heardTick < oldest.heardTick) oldest = peer;
    }
    if (oldest == null) return false;
    remove(oldest.slot);
    refused++;
    return true;
  }

  /** Looks what the vector of the peer heard last takes now, and lets the largest go if need be. */
  private void weighLast() {
    if (lastHeard != null) weigh(lastHeard);
    if (knownBytes <= KNOWN_BYTES_MAX) return;
    knownBytes = 0;
    for (Peer peer : bySlot.values()) {
      peer.knownBytes = 0;
      weigh(peer);
    }
    while (knownBytes > KNOWN_BYTES_MAX) dropLargest();
  }

  private void weigh(Peer peer) {
    if (bySlot.get(peer.slot) != peer) return;
    knownBytes -= peer.knownBytes;
    peer.knownBytes = peer.known.footprint();
    knownBytes += peer.knownBytes;
  }

  private void dropLargest() {
    Comparator<Peer> byClaim = Comparator.comparingLong(peer -> peer.knownBytes);
    remove(Collections.max(bySlot.values(), byClaim).slot);
    refused++;
  }

  @Nullable Peer find(int slot) {
    return bySlot.get(slot);
  }

  void remove(int slot) {
    Peer removed = bySlot.remove(slot);
    if (removed == null) return;
    knownBytes -= removed.knownBytes;
    all = null;
  }

  void clear() {
    bySlot.clear();
    knownBytes = 0;
    all = null;
  }

  /**
   * How often an instance was not made a peer, or is one no more, for want of room: more claim to
   * be there than can be.
   */
  long refused() {
    return refused;
  }

  /** Whether some were refused since this was last asked, and none in the time before. */
  boolean beganToRefuse() {
    boolean before = refusing;
    refusing = refused > refusedWhenAsked;
    refusedWhenAsked = refused;
    return refusing && !before;
  }

  /** Memory of all that peers are known to have, bytes. */
  long knownBytes() {
    return bySlot.values().stream().mapToLong(peer -> peer.known.footprint()).sum();
  }

  /** The slots of the peers. */
  void markSlots(BitSet used) {
    for (int slot : bySlot.keySet()) used.set(slot);
  }

  /** Origins that nothing else refers to lose their slots. */
  void dropAll(BitSet slots) {
    for (Peer peer : bySlot.values()) peer.known.dropAll(slots);
  }

  int count() {
    return bySlot.size();
  }

  /** In the order they were found; a list that stays as it is when peers come and go. */
  List<Peer> all() {
    List<Peer> listed = all;
    if (listed == null) {
      listed = List.copyOf(bySlot.values());
      all = listed;
    }
    return listed;
  }

  /**
   * Rendezvous hashing: whether an origin is among the first so many of itself and these peers,
   * those with the greatest hashes first. Whoever knows the same peers sees the same order.
   *
   * @param word what the election is about
   */
  boolean elects(int slot, int places, long word, Predicate<Peer> among) {
    long mine = Hash64.chain(origins.hash(slot), word);
    int before = 0;
    for (Peer peer : all()) {
      if (!among.test(peer)) continue;
      long theirs = Hash64.chain(origins.hash(peer.slot), word);
      if (Long.compareUnsigned(theirs, mine) > 0 && ++before >= places) return false;
    }
    return true;
  }

  /** Takes out those not heard since {@code tick}. */
  List<Peer> lostSince(long tick) {
    List<Peer> lost = new ArrayList<>();
    for (Peer peer : all()) if (peer.heardTick < tick) lost.add(peer);
    for (Peer peer : lost) remove(peer.slot);
    return lost;
  }
}
