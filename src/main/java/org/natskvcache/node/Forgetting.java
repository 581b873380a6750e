package org.natskvcache.node;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Peers.Peer;

/**
 * Chooses how far to forget: instances that come and go must not make vectors grow for ever. When
 * more than so many origins wrote something and are gone, the oldest of them are forgotten, down to
 * three quarters of the bound, as far as every peer is known to have all they wrote. Owned by the
 * node.
 */
final class Forgetting {
  private final ReplicatedState state;
  private final Peers peers;
  private final int silentMax;

  Forgetting(ReplicatedState state, Peers peers, int silentMax) {
    this.state = state;
    this.peers = peers;
    this.silentMax = silentMax;
  }

  /** What is to be done next. */
  sealed interface Step {
    /** Nothing. */
    record Rest() implements Step {}

    /** Write something, so that the peers learn that all that is to be forgotten was seen here. */
    record Touch() implements Step {}

    /** Take a younger name than this, because one without a mark would count as forgotten. */
    record Rename(OriginId youngerThan) implements Step {}

    /** Forget all that are gone up to this one. */
    record Forget(OriginId until) implements Step {}
  }

  /**
   * @param tooYoung names that say they were born in the future; with one of them forgotten, every
   *     new instance would count as forgotten too
   */
  Step next(Predicate<OriginId> tooYoung) {
    List<Integer> silent = silent(tooYoung);
    if (silent.size() <= silentMax) return new Step.Rest();
    List<Integer> surplus = silent.subList(0, silent.size() - silentMax * 3 / 4);
    OriginId last = state.origins().id(surplus.getLast());
    if (state.written() == 0 && state.id().compareTo(last) < 0) return new Step.Rename(last);
    OriginId bound = firstPeerWithoutMark();
    OriginId until = null;
    for (int slot : surplus) {
      OriginId id = state.origins().id(slot);
      if (bound != null && id.compareTo(bound) > 0) break;
      if (!knownToAll(slot)) break;
      if (!publishedByAll(slot)) {
        return until == null && !state.published(slot) ? new Step.Touch() : forget(until);
      }
      until = id;
    }
    return forget(until);
  }

  private static Step forget(@Nullable OriginId until) {
    return until == null ? new Step.Rest() : new Step.Forget(until);
  }

  /** Origins with a mark that are neither a peer nor we and may be forgotten, oldest first. */
  private List<Integer> silent(Predicate<OriginId> tooYoung) {
    VersionVector applied = state.applied();
    Origins origins = state.origins();
    List<Integer> silent = new ArrayList<>();
    for (int slot = applied.next(0); slot >= 0; slot = applied.next(slot + 1)) {
      if (slot == state.me() || peers.find(slot) != null) continue;
      if (!tooYoung.test(origins.id(slot))) silent.add(slot);
    }
    silent.sort(Comparator.comparing(origins::id));
    return silent;
  }

  /** The oldest peer that has written nothing yet. */
  private @Nullable OriginId firstPeerWithoutMark() {
    OriginId first = null;
    for (Peer peer : peers.all()) {
      OriginId id = state.origins().id(peer.slot);
      boolean marked = state.applied().mark(peer.slot) > 0;
      if (!marked && (first == null || id.compareTo(first) < 0)) first = id;
    }
    return first;
  }

  private boolean knownToAll(int slot) {
    for (Peer peer : peers.all()) {
      if (!peer.sameRest || peer.known.get(slot) < state.applied().mark(slot)) return false;
    }
    return true;
  }

  /** Whether no mutation that is still to come from a peer or us will name this origin. */
  private boolean publishedByAll(int slot) {
    for (Peer peer : peers.all()) if (!state.published(peer.slot, slot)) return false;
    return state.published(slot);
  }
}
