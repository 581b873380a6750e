package org.natskvcache.crdt;

/**
 * The name of one mutation, (origin, sequence), packed into a {@code long}: 20 bits of slot (see
 * {@link Origins}), 44 bits of sequence, which starts at 1. A packed dot means something on one
 * replica only; bytes that leave it carry the origin.
 */
public final class Dot {
  /** "No dot"; no mutation has it, because sequences start at 1. */
  public static final long NONE = 0;

  static final int SEQUENCE_BITS = 44;

  /** Largest sequence a mutation may have. */
  public static final long SEQUENCE_MAX = (1L << SEQUENCE_BITS) - 1;

  private Dot() {}

  public static long of(int slot, long sequence) {
    return (long) slot << SEQUENCE_BITS | sequence;
  }

  public static int slot(long dot) {
    return (int) (dot >>> SEQUENCE_BITS);
  }

  public static long sequence(long dot) {
    return dot & SEQUENCE_MAX;
  }
}
