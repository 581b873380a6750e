package org.natskvcache.crdt;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Every origin one replica has heard of, each interned to a small number, its slot. Slots are this
 * replica's own affair and never leave it; whatever must be equal everywhere (order, hashes) is
 * made from the {@link OriginId}. A slot that nothing refers to any more is given to the next new
 * origin.
 */
public final class Origins {
  /** Most origins a replica can name, from the width of a slot in a {@link Dot}. */
  public static final int SLOTS_MAX = 1 << 20;

  private final Map<OriginId, Integer> slots = new HashMap<>();
  private final List<OriginId> ids = new ArrayList<>();
  private final BitSet free = new BitSet();
  private long[] hashes = new long[8];

  /** The slot of {@code id}, a new one if it was not known. */
  public int slot(OriginId id) {
    Integer known = slots.get(id);
    if (known != null) return known;
    int slot = free.nextSetBit(0);
    if (slot >= 0) {
      free.clear(slot);
      ids.set(slot, id);
    } else {
      slot = ids.size();
      if (slot == SLOTS_MAX) throw new IllegalStateException("more than " + SLOTS_MAX + " origins");
      ids.add(id);
    }
    slots.put(id, slot);
    if (slot == hashes.length) hashes = java.util.Arrays.copyOf(hashes, slot * 2);
    hashes[slot] = Hash64.chain(Hash64.mix(id.high()), id.low());
    return slot;
  }

  /** The slot of {@code id}, or -1 if it is not known. */
  public int find(OriginId id) {
    Integer known = slots.get(id);
    return known == null ? -1 : known;
  }

  /** The origin in {@code slot}; of a free slot, the one that was last in it. */
  public OriginId id(int slot) {
    return ids.get(slot);
  }

  /** How many are known. */
  public int size() {
    return slots.size();
  }

  /** One past the highest slot there ever was. */
  public int slots() {
    return ids.size();
  }

  /** Whether a slot stands for no origin. */
  public boolean isFree(int slot) {
    return free.get(slot);
  }

  /** Gives a slot back; nothing may refer to it any more. */
  public void free(int slot) {
    slots.remove(ids.get(slot));
    free.set(slot);
  }

  /** A hash of the origin that is equal on every replica. */
  public long hash(int slot) {
    return hashes[slot];
  }

  /** Orders two dots by origin id, then sequence: the same on every replica. */
  public int compare(long dot, long otherDot) {
    int slot = Dot.slot(dot);
    int other = Dot.slot(otherDot);
    if (slot == other) return Long.compare(dot, otherDot);
    return ids.get(slot).compareTo(ids.get(other));
  }
}
