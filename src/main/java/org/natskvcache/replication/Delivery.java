package org.natskvcache.replication;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;

/**
 * Causal delivery. A mutation is ready when it is the next of its origin and everything its author
 * had seen is applied here too. An earlier one is a duplicate; a later one is held back, within
 * bounds: when they are reached the highest sequences are thrown away, to be asked for again.
 *
 * <p>Besides the version vector this keeps, for each origin, its <em>row</em>: the full context of
 * the last applied mutation of that origin, rebuilt from the differences that mutations carry.
 * Mutable; owned by the node.
 */
public final class Delivery {
  /** What becomes of an arriving mutation. */
  public enum Verdict {
    /** Apply it now, with {@link #advance}. */
    READY,
    /** Already applied. */
    DUPLICATE,
    /** Waits for an earlier one. */
    HELD_BACK
  }

  private final Origins origins;
  private final Limits limits;
  private final Defect defect;
  private final VersionVector applied;
  private final List<@Nullable VersionVector> rows = new ArrayList<>();

  /** At least the slots whose rows have forgotten something. */
  private final BitSet forgetful = new BitSet();

  private final TreeMap<Integer, TreeMap<Long, Mutation>> heldBack = new TreeMap<>();

  /** Authors whose every mutation is compared with what is forgotten, by slot. */
  private final BitSet suspects = new BitSet();

  private int heldBackCount;
  private long heldBackBytes;

  public Delivery(Origins origins, Limits limits, Defect defect) {
    this.origins = origins;
    this.limits = limits;
    this.defect = defect;
    applied = new VersionVector(origins);
  }

  /** The version vector: what is applied. Live; only this class changes it. */
  public VersionVector applied() {
    return applied;
  }

  /** The context of the last applied mutation of an origin, its own mark included; live. */
  public VersionVector row(int slot) {
    while (rows.size() <= slot) rows.add(null);
    VersionVector row = rows.get(slot);
    if (row == null) {
      row = new VersionVector(origins);
      rows.set(slot, row);
    }
    return row;
  }

  /** The row of an origin, or null if nothing of it was applied. */
  public @Nullable VersionVector rowIfKnown(int slot) {
    return slot < rows.size() ? rows.get(slot) : null;
  }

  /** Judges a mutation; one that is too early is held back. */
  public Verdict judge(Mutation mutation) {
    int slot = Dot.slot(mutation.dot());
    long sequence = Dot.sequence(mutation.dot());
    if (defect == Defect.ARRIVAL_ORDER) return Verdict.READY;
    if (sequence <= applied.get(slot)) return Verdict.DUPLICATE;
    if (ready(mutation)) return Verdict.READY;
    hold(slot, sequence, mutation);
    return Verdict.HELD_BACK;
  }

  private boolean ready(Mutation mutation) {
    if (!isNext(mutation)) return false;
    return defect == Defect.NO_CAUSAL_WAIT || (seenHere(mutation) && sameForgotten(mutation));
  }

  private boolean isNext(Mutation mutation) {
    return Dot.sequence(mutation.dot()) == applied.get(Dot.slot(mutation.dot())) + 1;
  }

  /** The row its context goes on from; null for an empty one. */
  private @Nullable VersionVector rowBefore(Mutation mutation) {
    return mutation.contextForgotten() == null ? rowIfKnown(Dot.slot(mutation.dot())) : null;
  }

  /** Whether all marks its context names are reached here. */
  private boolean seenHere(Mutation mutation) {
    VersionVector row = rowBefore(mutation);
    for (int i = 0; i < mutation.contextSlots().length; i++) {
      int other = mutation.contextSlots()[i];
      long seen = (row == null ? 0 : row.get(other)) + mutation.contextDeltas()[i];
      if (seen > applied.get(other)) return false;
    }
    return true;
  }

  /**
   * Whether its author had applied the same of what is forgotten here or there, as far as it is
   * named.
   */
  private boolean sameForgotten(Mutation mutation) {
    boolean named = mutation.contextForgotten() != null || suspects.get(Dot.slot(mutation.dot()));
    for (int other : mutation.contextSlots()) named |= applied.mark(other) == 0;
    if (!named || defect == Defect.FORGETS_WITHOUT_COMPARING) return true;
    VersionVector row = rowBefore(mutation);
    VersionVector seen = row == null ? new VersionVector(origins) : row.copy();
    raise(seen, mutation);
    return applied.sameForgotten(seen);
  }

  /**
   * Whether a mutation is held back for nothing but what its author had applied of an origin that
   * is forgotten here or there. No other mutation will change that, but a snapshot can.
   */
  public boolean needsSnapshot() {
    for (var queue : heldBack.entrySet()) {
      Mutation next = queue.getValue().get(applied.get(queue.getKey()) + 1);
      if (next != null && seenHere(next) && !sameForgotten(next)) return true;
    }
    return false;
  }

  /** Makes the row of an author, or an empty one, that of this mutation of its. */
  private static void raise(VersionVector row, Mutation mutation) {
    for (int i = 0; i < mutation.contextSlots().length; i++) {
      int other = mutation.contextSlots()[i];
      row.raise(other, row.get(other) + mutation.contextDeltas()[i]);
    }
    row.raise(Dot.slot(mutation.dot()), Dot.sequence(mutation.dot()));
    if (mutation.contextForgotten() != null) row.forgotten(mutation.contextForgotten());
  }

  private void hold(int slot, long sequence, Mutation mutation) {
    TreeMap<Long, Mutation> queue = heldBack.computeIfAbsent(slot, s -> new TreeMap<>());
    if (queue.putIfAbsent(sequence, mutation) != null) return;
    heldBackCount++;
    heldBackBytes += mutation.weight();
    while (heldBackCount > limits.heldBackMutationsMax()
        || heldBackBytes > limits.heldBackBytesMax()) {
      dropHighestOfLongest();
    }
  }

  private void dropHighestOfLongest() {
    int longest = -1;
    int size = 0;
    for (var queue : heldBack.entrySet()) {
      if (queue.getValue().size() > size) {
        longest = queue.getKey();
        size = queue.getValue().size();
      }
    }
    TreeMap<Long, Mutation> queue = heldBack.get(longest);
    if (queue == null) throw new IllegalStateException("held back " + heldBackCount + " of none");
    forget(longest, queue, queue.lastKey());
  }

  private void forget(int slot, NavigableMap<Long, Mutation> queue, long sequence) {
    Mutation gone = queue.remove(sequence);
    if (gone == null) return;
    heldBackCount--;
    heldBackBytes -= gone.weight();
    if (queue.isEmpty()) heldBack.remove(slot);
  }

  /**
   * Counts a ready mutation as applied and returns its author's full context, in which its own mark
   * is already this mutation's. The caller applies it to the store at once.
   */
  public VersionVector advance(Mutation mutation) {
    int slot = Dot.slot(mutation.dot());
    long sequence = Dot.sequence(mutation.dot());
    if (mutation.contextForgotten() != null && slot < rows.size()) rows.set(slot, null);
    VersionVector row = row(slot);
    raise(row, mutation);
    if (mutation.contextForgotten() != null) forgetful.set(slot);
    boolean first = applied.mark(slot) == 0;
    applied.raise(slot, sequence);
    if (first) origins.populated();
    if (first || mutation.contextForgotten() != null) suspect();
    return row;
  }

  /**
   * Finds the authors that forgot an origin of which there still is a mark here: it may turn out to
   * be alive, and what it writes then they have not seen, though their contexts say so.
   */
  private void suspect() {
    suspects.clear();
    for (int slot = forgetful.nextSetBit(0); slot >= 0; slot = forgetful.nextSetBit(slot + 1)) {
      VersionVector row = rows.get(slot);
      if (row == null || row.forgotten() == null) {
        forgetful.clear(slot);
        continue;
      }
      if (applied.marksAnyForgottenBy(row) || !applied.sameForgotten(row)) suspects.set(slot);
    }
  }

  /** Takes out a held-back mutation that is ready now; null if there is none. */
  public @Nullable Mutation nextReady() {
    for (var queues = heldBack.entrySet().iterator(); queues.hasNext(); ) {
      var entry = queues.next();
      TreeMap<Long, Mutation> queue = entry.getValue();
      while (!queue.isEmpty() && queue.firstKey() <= applied.get(entry.getKey())) {
        Mutation late = queue.pollFirstEntry().getValue();
        heldBackCount--;
        heldBackBytes -= late.weight();
      }
      if (queue.isEmpty()) {
        queues.remove();
        continue;
      }
      Mutation first = queue.firstEntry().getValue();
      if (!ready(first)) continue;
      queue.pollFirstEntry();
      heldBackCount--;
      heldBackBytes -= first.weight();
      if (queue.isEmpty()) queues.remove();
      return first;
    }
    return null;
  }

  /**
   * Raises the vector to that of an installed snapshot; rows come from whoever knows more of the
   * origin.
   */
  public void install(VersionVector theirs, List<@Nullable VersionVector> theirRows) {
    for (int slot = theirs.next(0); slot >= 0; slot = theirs.next(slot + 1)) {
      if (theirs.mark(slot) <= applied.get(slot)) continue;
      applied.raise(slot, theirs.mark(slot));
      VersionVector theirRow = slot < theirRows.size() ? theirRows.get(slot) : null;
      while (rows.size() <= slot) rows.add(null);
      rows.set(slot, theirRow == null ? null : theirRow.copy());
      forgetful.set(slot);
    }
    if (applied.marks() > 0) origins.populated();
    if (theirs.isAheadOf(applied)) forgetAs(theirs);
    suspect();
  }

  private void forgetAs(VersionVector theirs) {
    applied.forgetAs(theirs);
    dropForgotten();
  }

  /**
   * Forgets every origin up to {@code until} that is not to be kept: nothing more can come of it.
   */
  public void forget(OriginId until, IntPredicate kept) {
    applied.forget(until, kept);
    dropForgotten();
  }

  private void dropForgotten() {
    for (int slot = 0; slot < rows.size(); slot++) {
      if (rows.get(slot) != null && isForgotten(slot)) rows.set(slot, null);
    }
    for (int slot : List.copyOf(heldBack.keySet())) {
      if (isForgotten(slot)) close(slot, 0);
    }
    suspect();
  }

  private boolean isForgotten(int slot) {
    return applied.mark(slot) == 0 && applied.forgot(origins.id(slot));
  }

  /** Marks the slots that the vector, rows and held-back mutations refer to. */
  public void markSlots(BitSet used) {
    applied.markSlots(used);
    for (int slot = 0; slot < rows.size(); slot++) {
      VersionVector row = rows.get(slot);
      if (row == null) continue;
      used.set(slot);
      row.markSlots(used);
    }
    for (TreeMap<Long, Mutation> queue : heldBack.values()) {
      for (Mutation mutation : queue.values()) mutation.markSlots(used);
    }
  }

  /** Drops what is held back of an origin above its final sequence. */
  public void close(int slot, long finalSequence) {
    TreeMap<Long, Mutation> queue = heldBack.get(slot);
    if (queue == null) return;
    for (long sequence : List.copyOf(queue.tailMap(finalSequence, false).keySet())) {
      forget(slot, queue, sequence);
    }
  }

  /** Lets all go that is held back, to be asked for again. */
  public void dropHeldBack() {
    heldBack.clear();
    heldBackCount = 0;
    heldBackBytes = 0;
  }

  /** How many mutations are held back. */
  public int heldBack() {
    return heldBackCount;
  }

  /** Origins with mutations held back, in slot order. */
  public Iterable<Integer> heldBackOrigins() {
    return List.copyOf(heldBack.keySet());
  }
}
