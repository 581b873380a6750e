package org.natskvcache.crdt;

/**
 * Deliberate faults, each a mistake made by a real system or named in the literature. Production
 * passes {@link #NONE}; the simulator's tests pass the others and demand that its checks notice. A
 * check that cannot fail proves nothing.
 */
public enum Defect {
  /** The design. */
  NONE,
  /**
   * A register keeps only the winner of concurrent writes, so an observed removal of the winner
   * loses the other.
   */
  REGISTER_KEEPS_WINNER_ONLY,
  /**
   * A reset drops a counter chain whole when its newest increment was seen, and otherwise nothing
   * of it.
   */
  COUNTER_NEWEST_DOT_WINS,
  /** The base of a reset chain is forgotten at once, not when its owner has seen the reset. */
  RESIDUAL_DROPPED_AT_ONCE,
  /** The buckets of one snapshot come from different moments. */
  SNAPSHOT_OF_DIFFERENT_CUTS,
  /** Two concurrent resets that saw the same increments both subtract them. */
  CONCURRENT_RESETS_BOTH_SUBTRACT,
  /** A restarted instance takes its old name again. */
  RESTART_REUSES_ORIGIN,
  /** Mutations wait for their own origin only, not for what their author had seen of others. */
  NO_CAUSAL_WAIT,
  /** Of two types meeting in one key the loser is removed, not hidden. */
  LOSING_TYPE_REMOVED,
  /** Mutations are applied as they arrive, without looking at sequence or context. */
  ARRIVAL_ORDER,
  /** The join of two counter chains forgets the larger reset base. */
  JOIN_IGNORES_RESET_BASE,
  /** A partial snapshot is installed with the context of the whole. */
  PARTIAL_SNAPSHOT_WITH_FULL_CONTEXT,
  /** The join keeps every dot of both sides, so what one side removed comes back. */
  JOIN_IS_PLAIN_UNION,
  /** A list item's position is the raw clock, even where the visible tail is ahead of it. */
  POSITION_FROM_RAW_CLOCK,
  /** A snapshot's identity is a counter without the serving instance's origin. */
  CUT_ID_WITHOUT_ORIGIN,
  /**
   * An expired key is removed by whoever notices, without a mutation that tells what that one had
   * seen.
   */
  EXPIRED_REMOVED_WITHOUT_MUTATION,
  /** The join of two states forgets when a value expires. */
  JOIN_FORGETS_EXPIRY,
  /** A write under an expired key does not first remove what expired, so it expires with it. */
  WRITE_KEEPS_EXPIRED,
  /** An origin is forgotten although what others have of it was not compared. */
  FORGETS_WITHOUT_COMPARING,
  /** A joining instance takes a moment without an offer for a sign that nobody is there. */
  GOES_LIVE_ON_SHORT_SILENCE,
  /** A frame counts whatever the channel it came on. */
  ANY_CHANNEL_COUNTS,
  /** An answer counts although it was not asked for. */
  UNASKED_ANSWERS_COUNT,
  /**
   * The last requests for offers are answered by a few only, as the first ones, who may be dead.
   */
  ALWAYS_ANSWERED_BY_FEW,
  /** A joining instance goes live when nobody offers, even if it hears that somebody is live. */
  GOES_LIVE_BESIDE_LIVE_PEERS,
  /** Whoever is served a snapshot keeps its place by asking, even if it takes nothing of it. */
  SNAPSHOT_PLACES_HELD_BY_SILENT,
  /** A request for a snapshot is answered with data before its sender has shown that it hears. */
  SNAPSHOT_FOR_UNHEARD,
  /** A mutation whose operation is of a later release counts as applied and changes nothing. */
  SKIPS_UNKNOWN_OPERATION,
  /** A mutation whose clock is years ahead lifts the clock of everyone who applies it. */
  LIFTS_CLOCK_UNBOUNDED,
  /** An item is removed by one who has not seen it, if it is here already. */
  REMOVES_UNSEEN_ITEM,
  /** A reset takes increments away that its author has not seen, as far as they are here. */
  RESETS_UNSEEN_INCREMENTS,
  /** Of two resets of one increment that name different sums, the one that comes first counts. */
  FIRST_OF_EQUAL_RESETS_COUNTS,
  /** A reset beyond the last increment counts up to that one, whichever is here. */
  RESET_STOPS_AT_LAST_INCREMENT,
  /** An instance keeps its name although the others were told that the bearer of it left. */
  IGNORES_OWN_LEAVE,
  /** A mutation that is too large for a message is neither published nor replayed. */
  LARGE_MUTATION_NOT_REPLAYED,
  /** Pieces of frames are put together without looking at which frame of which answer they are. */
  PIECES_OF_DIFFERENT_FRAMES
}
