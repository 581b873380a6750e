package org.natskvcache.crdt;

/**
 * What merged state takes in memory, bytes: a function of its content alone, so that every replica
 * with the same content comes to the same sum. The figures are those of objects in a JVM with
 * compact object headers and compressed references, as the executable starts it below 32 GB of
 * heap; where arrays grow in steps they are the mean. {@code FootprintTest} holds them against the
 * heap.
 */
public final class Footprint {
  /** A version of a register, beyond the array of its value. */
  static final int REGISTER = 40;

  /** One origin's chain of a counter. */
  public static final int CHAIN = 64;

  /** A list without items. */
  public static final int LIST = 240;

  /** An item of a list, beyond the array of its value. */
  public static final int ITEM = 24;

  /** A set without members. */
  public static final int SET = 208;

  /** A dot of a member of a set, beyond the array of the member's bytes. */
  public static final int MEMBER = 40;

  private Footprint() {}

  /** An array of so many bytes. */
  public static long array(int bytes) {
    return bytes + 12L + 7 & ~7L;
  }
}
