package org.natskvcache.store;

/**
 * The live counter chains that an overwriting operation saw: for each its owner, its last increment
 * and the sum at it. The arrays have one length and are not to be changed.
 *
 * @param slots owners' slots
 * @param lasts sequences of the last increments seen
 * @param sums running sums at those increments
 */
public record Observed(int[] slots, long[] lasts, long[] sums) {
  public static final Observed NOTHING = new Observed(new int[0], new long[0], new long[0]);

  public int size() {
    return slots.length;
  }
}
