package org.natskvcache.crdt;

import java.util.function.Consumer;

/**
 * The rule by which two states are joined, {@code mine} with all mutations of one vector included,
 * {@code theirs} with all of another: a dot stays if both have it, or if only one has it and the
 * other has not seen it. Exact in both directions after a partition of any length (delta-state
 * causal join, arXiv 1603.01529).
 *
 * @param mineSeen the vector of the state here
 * @param theirsSeen the vector of the state joined in
 * @param contradictions told what the other state says that cannot be
 */
public record Join(
    VersionVector mineSeen,
    VersionVector theirsSeen,
    Defect defect,
    Consumer<String> contradictions) {
  /** Whether a dot that {@code mine} holds stays. */
  public boolean keepsMine(long dot, boolean theirsHold) {
    return theirsHold || !theirsSeen.covers(dot) || defect == Defect.JOIN_IS_PLAIN_UNION;
  }

  /** Whether a dot of {@code theirs} that {@code mine} does not hold is taken. */
  public boolean takesTheirs(long dot) {
    return !mineSeen.covers(dot) || defect == Defect.JOIN_IS_PLAIN_UNION;
  }
}
