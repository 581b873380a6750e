package org.natskvcache.replication.wire;

import org.natskvcache.store.Mutation;

/** How much of a frame a mutation takes at most, known without encoding it. */
public final class MutationSize {
  /**
   * Most bytes of a frame of mutations besides its records: 22 of the header, 20 of the seal, 41 of
   * numbers and hashes, 24 of what is forgotten.
   */
  public static final int FRAME_MAX = 112;

  /**
   * A mark of the context: an origin of 16 bytes in the table, its index (5), a sequence (7); 12 of
   * these are in the weight.
   */
  private static final int CONTEXT_MAX = 16 + 5 + 7 - 12;

  /** A chain that was seen: an origin in the table, its index, a sequence and a sum. */
  private static final int OBSERVED_MAX = 16 + 5 + 7 + 10;

  private MutationSize() {}

  /**
   * Most bytes of its record, and of the origins it names. What it weighs besides key, value and
   * context is more than all numbers of a record together.
   */
  public static int bytesMax(Mutation mutation) {
    return mutation.weight()
        + CONTEXT_MAX * mutation.contextSlots().length
        + OBSERVED_MAX * mutation.observed().size();
  }
}
