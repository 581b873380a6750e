package org.natskvcache.replication;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.Predicate;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.ByteWriter;
import org.natskvcache.replication.wire.MutationRecord;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;

/**
 * The recent mutations of all origins in the order they were applied here, which is a causal order,
 * bounded by count and bytes. Only an optimisation: whoever asks for more than it holds gets a
 * snapshot. Mutable; owned by the node.
 *
 * <p>Kept as bytes: objects that live until they are the oldest of a hundred thousand are the worst
 * a collector by generations can be given. It would copy each into the old generation, where most
 * of them are garbage soon after.
 */
public final class ReplayRing {
  /**
   * What a mutation takes beside its record, bytes: its dot and address, its place in Positions.
   */
  static final int INDEX_BYTES = 24;

  /** Longer records do not leave a buffer of their size behind. */
  private static final int RECORD_KEPT = 64 << 10;

  private final int countMax;
  private final long bytesMax;
  private final ByteLog log = new ByteLog();
  private final ByteWriter record = new ByteWriter(256);

  /** Dots, and addresses of records in the log, by position; a dot is NONE when it was skipped. */
  private long[] dots = new long[16];

  private long[] addresses = new long[16];

  /** Absolute positions: the oldest held and one past the newest. */
  private long first;

  private long next;

  /** One past the position of the last mutation that refers to a slot. */
  private long[] mentioned = new long[16];

  private final BitSet slots = new BitSet();

  /** For each slot, the positions of its mutations from {@code floor + 1} on. */
  private Positions[] positions = new Positions[0];

  private static final class Positions {
    long floor;
    long[] at = new long[8];
    int head;
    int size;

    void add(long position) {
      if (size == at.length) {
        long[] larger = new long[size * 2];
        for (int i = 0; i < size; i++) larger[i] = at[(head + i) & (at.length - 1)];
        at = larger;
        head = 0;
      }
      at[(head + size++) & (at.length - 1)] = position;
    }

    long get(long sequence) {
      return at[(head + (int) (sequence - floor - 1)) & (at.length - 1)];
    }

    void dropFirst() {
      head = (head + 1) & (at.length - 1);
      size--;
      floor++;
    }
  }

  public ReplayRing(Limits limits) {
    countMax = limits.ringMutationsMax();
    bytesMax = limits.ringBytesMax();
  }

  private Positions of(int slot) {
    if (slot >= positions.length) {
      int old = positions.length;
      positions = Arrays.copyOf(positions, Math.max(slot + 1, old * 2));
      for (int i = old; i < positions.length; i++) positions[i] = new Positions();
    }
    return positions[slot];
  }

  /** Adds the mutation just applied; old ones leave. */
  public void add(Mutation mutation) {
    Positions own = of(Dot.slot(mutation.dot()));
    long expected = own.floor + own.size + 1;
    if (Dot.sequence(mutation.dot()) != expected) {
      // only a broken variant of the design gets here: sequences without order cannot be indexed
      skipTo(Dot.slot(mutation.dot()), Dot.sequence(mutation.dot()));
      return;
    }
    if (next - first == dots.length) grow();
    record.clear(RECORD_KEPT);
    MutationRecord.write(mutation, record);
    dots[index(next)] = mutation.dot();
    addresses[index(next)] = log.end();
    log.append(record.array(), record.size());
    own.add(next++);
    mention(mutation);
    while (next > first && (bytes() > bytesMax || next - first > countMax)) dropOldest();
  }

  private int index(long position) {
    return (int) position & dots.length - 1;
  }

  private long address(long position) {
    return position == next ? log.end() : addresses[index(position)];
  }

  private void grow() {
    long[] largerDots = new long[dots.length * 2];
    long[] largerAddresses = new long[dots.length * 2];
    for (long p = first; p < next; p++) {
      int to = (int) p & largerDots.length - 1;
      largerDots[to] = dots[index(p)];
      largerAddresses[to] = addresses[index(p)];
    }
    dots = largerDots;
    addresses = largerAddresses;
  }

  private void mention(Mutation mutation) {
    slots.clear();
    mutation.markSlots(slots);
    if (slots.length() > mentioned.length) {
      mentioned = Arrays.copyOf(mentioned, Math.max(slots.length(), 2 * mentioned.length));
    }
    for (int slot = slots.nextSetBit(0); slot >= 0; slot = slots.nextSetBit(slot + 1)) {
      mentioned[slot] = next;
    }
  }

  private void dropOldest() {
    long dot = dots[index(first++)];
    log.dropTo(address(first));
    if (dot != Dot.NONE) of(Dot.slot(dot)).dropFirst();
  }

  /**
   * A snapshot raised this origin to {@code sequence}: nothing at or below it can be replayed from
   * here.
   */
  public void skipTo(int slot, long sequence) {
    Positions own = of(slot);
    for (; own.size > 0; own.dropFirst()) dots[index(own.get(own.floor + 1))] = Dot.NONE;
    own.floor = Math.max(own.floor, sequence);
  }

  /** Whether everything in {@code applied} that {@code known} lacks is held here. */
  public boolean covers(VersionVector known, VersionVector applied) {
    for (int slot = applied.next(0); slot >= 0; slot = applied.next(slot + 1)) {
      if (applied.mark(slot) > known.get(slot) && of(slot).floor > known.get(slot)) return false;
    }
    return known.coversForgotten(applied);
  }

  /** Marks the slots that the mutations here refer to; maybe some that skipped ones did. */
  public void markSlots(BitSet used) {
    for (int slot = 0; slot < mentioned.length; slot++) {
      if (mentioned[slot] > first) used.set(slot);
    }
  }

  /** A slot gets another owner; nothing here refers to it. */
  public void vacate(int slot) {
    if (slot < positions.length) positions[slot] = new Positions();
  }

  /**
   * Adds to {@code out}, in causal order, what {@code known} lacks, until {@code enough} says so of
   * the last one added.
   *
   * @return whether there is more
   */
  public boolean replay(VersionVector known, List<Mutation> out, Predicate<Mutation> enough) {
    long from = next;
    for (int slot = 0; slot < positions.length; slot++) {
      Positions own = positions[slot];
      long wanted = Math.max(known.get(slot), own.floor) + 1;
      if (wanted <= own.floor + own.size) from = Math.min(from, own.get(wanted));
    }
    boolean full = false;
    for (long p = from; p < next; p++) {
      long dot = dots[index(p)];
      if (dot == Dot.NONE || known.covers(dot)) continue;
      if (full) return true;
      int length = (int) (address(p + 1) - address(p));
      Mutation mutation = MutationRecord.read(dot, log.read(address(p), length));
      out.add(mutation);
      full = enough.test(mutation);
    }
    return false;
  }

  /** Mutations held, gaps left by snapshots included. */
  public int size() {
    return (int) (next - first);
  }

  /** Memory they take. */
  public long bytes() {
    return log.end() - address(first) + INDEX_BYTES * (next - first);
  }
}
