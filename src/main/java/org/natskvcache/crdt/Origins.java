package org.natskvcache.crdt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/**
 * Every origin one replica has heard of, each interned to a small number, its slot. Slots are this
 * replica's own affair and never leave it; whatever must be equal everywhere (order, hashes) is
 * made from the {@link OriginId}. A slot that nothing refers to any more is given to the next new
 * origin.
 *
 * <p>What strangers name is interned within bounds, see {@link #slotWithin}, and in two phases:
 * after {@link #begin} the names that a frame brought can be given back at once, by {@link
 * #rollback}, if the frame left nothing behind that refers to them.
 */
public final class Origins {
  /** Most origins a replica can name, from the width of a slot in a {@link Dot}. */
  public static final int SLOTS_MAX = 1 << 20;

  /** Most origins in use at once; only a mutation may name the last half of them. */
  public static final int NAMES_MAX = 1 << 17;

  /** The same where a snapshot names them: a full group's, beside those who join and are there. */
  public static final int SNAPSHOT_NAMES_MAX = NAMES_MAX + (1 << 12);

  /** Up to so many origins in use, what only claims to know of an origin may name new ones. */
  public static final int CLAIMED_NAMES_MAX = NAMES_MAX / 2;

  /**
   * Most new origins that one frame may name to a replica that has applied nothing yet, and so may
   * learn of a whole group by one vector.
   */
  public static final int FRAME_NAMES_MAX = 1 << 16;

  /** Most new origins that one frame may name to a replica that has applied something. */
  public static final int FRAME_NAMES_LATER_MAX = 1 << 13;

  private final Map<OriginId, Integer> slots = new HashMap<>();
  private final List<OriginId> ids = new ArrayList<>();
  private final BitSet free = new BitSet();
  private long[] hashes = new long[8];

  /** Whether names are noted, to be given back. */
  private boolean begun;

  /** The first {@link #brought} are the slots interned since {@link #begin}. */
  private int[] recent = new int[8];

  private int brought;
  private int broughtMax;
  private int frameNamesMax = FRAME_NAMES_MAX;

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
    if (slot == hashes.length) hashes = Arrays.copyOf(hashes, slot * 2);
    hashes[slot] = Hash64.chain(Hash64.mix(id.high()), id.low());
    if (begun) note(slot);
    return slot;
  }

  private void note(int slot) {
    if (brought == recent.length) recent = Arrays.copyOf(recent, brought * 2);
    recent[brought++] = slot;
  }

  /**
   * The slot of {@code id}: a new one if it was not known, unless {@code inUseMax} origins are in
   * use or the frame that was begun named as many new ones as a frame may; then -1.
   */
  public int slotWithin(OriginId id, int inUseMax) {
    Integer known = slots.get(id);
    if (known != null) return known;
    boolean full = slots.size() >= inUseMax || (begun && brought >= broughtMax);
    return full ? -1 : slot(id);
  }

  // ---------------------------------------------------------------- two phases

  /** Notes the new names of a frame from now on. Those noted before stay. */
  public void begin() {
    begin(frameNamesMax);
  }

  /**
   * The same for what may bring so many.
   *
   * @param namesMax most new names
   */
  public void begin(int namesMax) {
    commit();
    begun = true;
    broughtMax = namesMax;
  }

  /** Keeps the names that came since {@link #begin}. */
  public void commit() {
    begun = false;
    brought = 0;
    if (recent.length > FRAME_NAMES_LATER_MAX) recent = new int[8];
  }

  /**
   * Gives back the slots of the names that came since {@link #begin}, in time in proportion to
   * their number. Nothing may refer to them. Changes nothing after {@link #commit}.
   */
  public void rollback() {
    rollback(slot -> false);
  }

  /** Gives back the slots of names that came since {@link #begin}, but for those to be kept. */
  public void rollback(IntPredicate kept) {
    for (int i = 0; i < brought; i++) if (!kept.test(recent[i])) release(recent[i]);
    commit();
  }

  /** Something is applied here: from now on a frame may bring fewer new names. */
  public void populated() {
    frameNamesMax = FRAME_NAMES_LATER_MAX;
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

  /**
   * Whether so many are in use that claims may name no new ones: it is time to look for those that
   * nothing refers to.
   */
  public boolean crowded() {
    return slots.size() >= CLAIMED_NAMES_MAX;
  }

  /** Gives a slot back; nothing may refer to it any more. Names that came before stay. */
  public void free(int slot) {
    commit();
    release(slot);
  }

  private void release(int slot) {
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
