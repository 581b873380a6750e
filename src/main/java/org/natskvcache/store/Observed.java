package org.natskvcache.store;

import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/**
 * The live counter chains that an overwriting operation saw: for each its owner, its last increment
 * and the sum at it. The arrays have one length and are not to be changed.
 *
 * @param slots owners' slots
 * @param lasts sequences of the last increments seen
 * @param sums running sums at those increments
 */
public record Observed(int[] slots, long[] lasts, long[] sums) {
  /** Up to so many are looked through one by one. */
  private static final int FEW = 8;

  public static final Observed NOTHING = new Observed(new int[0], new long[0], new long[0]);

  public int size() {
    return slots.length;
  }

  /**
   * Where the chain of the origin in a slot stands in the arrays, the first one; -1 for nowhere.
   */
  IntUnaryOperator places() {
    if (slots.length <= FEW) return this::place;
    Map<Integer, Integer> bySlot = new HashMap<>();
    for (int i = 0; i < slots.length; i++) bySlot.putIfAbsent(slots[i], i);
    return slot -> bySlot.getOrDefault(slot, -1);
  }

  private int place(int slot) {
    for (int i = 0; i < slots.length; i++) if (slots[i] == slot) return i;
    return -1;
  }
}
