package org.natskvcache.node;

import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;

/**
 * What one replica knows of itself and its group, taken at one moment.
 *
 * @param origin this instance's present name
 * @param state where it is in its life
 * @param connected whether the replication connection is up, and the server lets it on every
 *     subject; true when standalone
 * @param stateMillis how long it has been in {@code state}, milliseconds
 * @param entries keys held, hidden and expired ones included
 * @param versionVector mutations applied, for each origin that ever wrote
 * @param digest sum over everything visible to replication; equal vectors imply equal digests
 * @param heldBack mutations received that wait for an earlier one
 * @param memory what it holds, and its limits
 * @param peers the instances heard from lately, by origin
 * @param hindrance why it does not go live though nothing is missing, is outdated, or is not
 *     connected though there is a server; null when nothing hinders it
 * @param problems what an operator has to look at while it lasts, a clause each; empty when all is
 *     well
 * @param alarm what must not happen and did (divergence); null when all is well
 * @param losses what does not work because the server refuses its subject, a clause each; the rest
 *     does
 */
public record ReplicaStatus(
    OriginId origin,
    State state,
    boolean connected,
    long stateMillis,
    long entries,
    SortedMap<OriginId, Long> versionVector,
    long digest,
    int heldBack,
    Memory memory,
    List<Peer> peers,
    @Nullable String hindrance,
    List<String> problems,
    @Nullable String alarm,
    List<String> losses) {
  /**
   * With what the connection tells beside the node.
   *
   * @param refusal what hinders it; null for nothing
   */
  ReplicaStatus with(@Nullable String refusal, List<String> itsLosses) {
    return new ReplicaStatus(
        origin,
        state,
        connected,
        stateMillis,
        entries,
        versionVector,
        digest,
        heldBack,
        memory,
        peers,
        refusal == null ? hindrance : refusal,
        problems,
        alarm,
        itsLosses);
  }

  /** A replica's life. */
  public enum State {
    /** No replication. */
    STANDALONE,
    /** Fetching what the group has; calls are held for at most a second. */
    JOINING,
    /** Serving, replicating, answering replays. */
    LIVE,
    /**
     * A peer writes what this release does not know. Calls are refused, and no peer joins from
     * here, until a later release is started in its place.
     */
    OUTDATED,
    /** Out of its group; keeps its data for a new link. */
    LEFT
  }

  /**
   * What a replica holds, see {@link org.natskvcache.store.Capacity}. Peers may have brought it
   * over the limits.
   *
   * @param bytes what the live content takes
   * @param bytesMax its limit; {@link org.natskvcache.store.Capacity#NONE} for none
   * @param entriesMax most keys; {@link org.natskvcache.store.Capacity#NONE} for none
   * @param evicted keys deleted here for want of room
   * @param refused writes refused here for want of room
   */
  public record Memory(long bytes, long bytesMax, long entriesMax, long evicted, long refused) {}

  /**
   * A peer as last heard.
   *
   * @param silentMillis since it was last heard, milliseconds
   * @param agreement how its vector and digest compared with ours when its last heartbeat came
   * @param features the bits of the {@link org.natskvcache.store.Feature}s it has
   */
  public record Peer(
      OriginId origin, State state, long silentMillis, Agreement agreement, long features) {}

  /** How a peer's state compares with ours. */
  public enum Agreement {
    /** Equal vectors, equal digests. */
    EQUAL,
    /** It has mutations we lack, or we have some it lacked when last heard. */
    DIFFERENT_VECTORS,
    /** Equal vectors, different digests: a bug or a memory fault. */
    DIVERGED,
    /** No heartbeat of it was heard since this instance had caught up with the group. */
    UNKNOWN
  }
}
