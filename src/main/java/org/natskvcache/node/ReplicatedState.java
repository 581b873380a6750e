package org.natskvcache.node;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Join;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.BucketVectors;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.Delivery;
import org.natskvcache.replication.ReplayRing;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Command;
import org.natskvcache.store.Decision;
import org.natskvcache.store.Key;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Merge;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * Everything that is replicated, and the three ways to change it: author a mutation, apply a
 * peer's, install a snapshot. Knows no peers, no connection and no clock. Owned by the node.
 */
final class ReplicatedState {
  /** What the owner wants to know of a change. */
  interface Listener {
    /** Something of this digest bucket is about to change. */
    void beforeChange(int bucket);

    /** Everything that an origin said it had written when it left is applied. */
    void settled(int slot);

    /** These origins, with what is applied of them, have no mark any more. */
    void forgot(SortedMap<OriginId, Long> gone);

    /** What must not happen did: a fault of a peer's, of the code or of memory. */
    void contradiction(String text);
  }

  /** Slots are looked through for unused ones when there are this many, or twice those in use. */
  private static final int SWEEP_SLOTS_MIN = 64;

  /** Slots are looked through at most once in this time, because that looks at all that is held. */
  private static final long SWEEP_REST_MILLIS = 5_000;

  /** Beyond so many names a sweep lets held-back mutations go too, which may hold most of them. */
  private static final int HELD_BACK_NAMES_MAX = Origins.NAMES_MAX / 4 * 3;

  private static final int[] NO_SLOTS = {};
  private static final long[] NO_MARKS = {};

  private final NodeSettings settings;
  private final Listener listener;
  private final Origins origins = new Origins();
  private final Keyspace keyspace;
  private final Delivery delivery;
  private final ReplayRing ring;
  private final BucketVectors buckets;
  private final SnapshotCodec snapshots = new SnapshotCodec(origins);

  /**
   * That an origin left.
   *
   * @param finalSequence its last sequence, as the notice says
   * @param wallMillis when it said so, by its own clock, milliseconds since 1970
   * @param tick when it was heard here
   */
  record Left(long finalSequence, long wallMillis, long tick) {}

  /** The origins that left, by slot. */
  private final Map<Integer, Left> left = new HashMap<>();

  /** Origins whose mark rose since our last mutation. */
  private final BitSet risen = new BitSet();

  /** Whether what is forgotten changed since our last mutation. */
  private boolean contextWhole;

  private int slotsAtSweep = SWEEP_SLOTS_MIN;
  private long sweptTick = Long.MIN_VALUE / 2;

  /** The snapshot being received. */
  private @Nullable Staging staging;

  private OriginId id;
  private int me;
  private long hlc;

  ReplicatedState(NodeSettings settings, OriginId id, Listener listener) {
    this.settings = settings;
    this.listener = listener;
    this.id = id;
    Limits limits = settings.limits();
    me = origins.slot(id);
    keyspace = new Keyspace(origins, limits, settings.defect());
    delivery = new Delivery(origins, limits, settings.defect());
    ring = new ReplayRing(limits);
    buckets = new BucketVectors(origins, limits.digestBucketBits());
  }

  OriginId id() {
    return id;
  }

  /** The slot of {@link #id}. */
  int me() {
    return me;
  }

  Origins origins() {
    return origins;
  }

  Keyspace keyspace() {
    return keyspace;
  }

  /** The version vector; live. */
  VersionVector applied() {
    return delivery.applied();
  }

  /** How many of our own mutations there are. */
  long written() {
    return delivery.applied().mark(me);
  }

  ReplayRing ring() {
    return ring;
  }

  BucketVectors buckets() {
    return buckets;
  }

  int heldBack() {
    return delivery.heldBack();
  }

  /** Origins of mutations that wait for an earlier one, in slot order. */
  Iterable<Integer> heldBackOrigins() {
    return delivery.heldBackOrigins();
  }

  /** Whether no replay can bring what is missing; see {@link Delivery#needsSnapshot}. */
  boolean needsSnapshot() {
    return delivery.needsSnapshot();
  }

  long hlc() {
    return hlc;
  }

  /** The hybrid clock of a mutation authored at this wall time. */
  long stamp(long wallMillis) {
    return Math.min(Math.max(hlc + 1, wallMillis << 16), Mutation.TIME_MAX);
  }

  @Nullable Reply oversized(Command command) {
    return keyspace.oversized(command);
  }

  Decision decide(Command command, long wallMillis, long stamp) {
    return keyspace.decide(command, wallMillis, stamp, me);
  }

  /** Makes an operation our next mutation and applies it; a replicated one is kept for replay. */
  Mutation author(Op op, long stamp) {
    hlc = stamp;
    long dot = Dot.of(me, written() + 1);
    Mutation bare = contextWhole ? withWholeContext(dot, stamp, op) : withRisen(dot, stamp, op);
    contextWhole = false;
    risen.clear();
    int bucket = keyspace.bucket(op.key());
    beforeChange(bucket, op.key());
    VersionVector row = delivery.advance(bare);
    report(keyspace.apply(bare, row, me), me);
    buckets.touch(bucket, me, Dot.sequence(dot));
    if (!settings.replicated()) return bare;
    Mutation mutation = bare.withRowHash(row.hash());
    ring.add(mutation);
    return mutation;
  }

  /** What {@link Defect#EXPIRED_REMOVED_WITHOUT_MUTATION} does in place of {@link #author}. */
  void removeUntold(Op removal) {
    beforeChange(keyspace.bucket(removal.key()), removal.key());
    Mutation untold =
        new Mutation(Dot.of(me, written() + 1), hlc, NO_SLOTS, NO_MARKS, null, 0, removal);
    keyspace.apply(untold, applied(), me);
  }

  /** What {@link Defect#SKIPS_UNKNOWN_OPERATION} does with a mutation that it cannot read. */
  void skip(OriginId from, long sequence, Op nothing) {
    long dot = Dot.of(origins.slot(from), sequence);
    deliver(new Mutation(dot, hlc, NO_SLOTS, NO_MARKS, null, 0, nothing), hlc);
  }

  /** Names the marks that rose since our mutation before. */
  private Mutation withRisen(long dot, long stamp, Op op) {
    if (risen.isEmpty()) return new Mutation(dot, stamp, NO_SLOTS, NO_MARKS, null, 0, op);
    VersionVector row = delivery.row(me);
    int[] slots = risen.stream().toArray();
    long[] deltas = new long[slots.length];
    for (int i = 0; i < slots.length; i++) deltas[i] = applied().mark(slots[i]) - row.get(slots[i]);
    return new Mutation(dot, stamp, slots, deltas, null, 0, op);
  }

  /** Names all marks, and what is forgotten. */
  private Mutation withWholeContext(long dot, long stamp, Op op) {
    BitSet marked = new BitSet();
    applied().markSlots(marked);
    marked.clear(me);
    int[] slots = marked.stream().toArray();
    long[] deltas = new long[slots.length];
    for (int i = 0; i < slots.length; i++) deltas[i] = applied().mark(slots[i]);
    return new Mutation(dot, stamp, slots, deltas, applied().forgotten(), 0, op);
  }

  /**
   * Applies a peer's mutation if it is ready, holds it back if it is early, ignores it if it is
   * known; false for the last.
   *
   * @param clockMax the hybrid clock beyond which it does not lift ours
   */
  boolean deliver(Mutation mutation, long clockMax) {
    Delivery.Verdict verdict = delivery.judge(mutation);
    if (verdict == Delivery.Verdict.READY) apply(mutation, clockMax);
    return verdict != Delivery.Verdict.DUPLICATE;
  }

  /** Applies what was held back and is ready now. */
  void deliverHeldBack(long clockMax) {
    if (delivery.heldBack() == 0) return;
    for (Mutation next = delivery.nextReady(); next != null; next = delivery.nextReady()) {
      apply(next, clockMax);
    }
  }

  /**
   * What others have seen is before what we write next, as far as the time allows: a later write
   * wins by its context, and the clock only decides between writes that have not seen each other.
   */
  private void liftClock(long seen, long clockMax) {
    boolean unbounded = settings.defect() == Defect.LIFTS_CLOCK_UNBOUNDED;
    hlc = Math.max(hlc, unbounded ? seen : Math.min(seen, clockMax));
  }

  private void apply(Mutation mutation, long clockMax) {
    int author = Dot.slot(mutation.dot());
    liftClock(mutation.hlc(), clockMax);
    int bucket = keyspace.bucket(mutation.op().key());
    beforeChange(bucket, mutation.op().key());
    VersionVector row = delivery.advance(mutation);
    report(keyspace.apply(mutation, row, me), author);
    if (mutation.rowHash() != 0 && mutation.rowHash() != row.hash()) {
      report("a context that differs from its author's", author);
    }
    buckets.touch(bucket, author, Dot.sequence(mutation.dot()));
    ring.add(mutation);
    if (author != me) risen.set(author);
    tellIfComplete(author);
  }

  private void beforeChange(int bucket, Key key) {
    listener.beforeChange(bucket);
    Merge merge = staging == null ? null : staging.merge();
    if (merge != null) merge.touched(key);
  }

  private void report(@Nullable String contradiction, int slot) {
    if (contradiction != null) {
      listener.contradiction(contradiction + ", from origin=" + origins.id(slot));
    }
  }

  /** What an origin said when it left; null for one that did not. */
  @Nullable Left left(int slot) {
    return left.get(slot);
  }

  /**
   * An origin says that it leaves. Anybody may have said so in its name: it is believed until the
   * origin is heard of again. False if that was known already.
   */
  boolean leaves(int slot, Left notice) {
    boolean first = left.put(slot, notice) == null;
    delivery.close(slot, notice.finalSequence());
    return first;
  }

  /** An origin that was said to have left is heard of again. */
  void stays(int slot) {
    left.remove(slot);
    keyspace.unsettle(slot);
  }

  private boolean complete(int slot, Left notice) {
    return delivery.applied().get(slot) >= notice.finalSequence();
  }

  /** Tells if all that an origin wrote before it left is applied. */
  void tellIfComplete(int slot) {
    Left notice = left.get(slot);
    if (notice != null && complete(slot, notice)) listener.settled(slot);
  }

  /**
   * Lets go of what was only kept for origins that left before {@code tick} and were not heard of
   * again, and all of whose mutations are applied.
   */
  void settleLeftBefore(long tick) {
    left.forEach((slot, notice) -> {
      if (notice.tick() < tick && complete(slot, notice)) keyspace.settle(slot);
    });
  }

  /**
   * Goes on under a new name; with the old one nothing is written here any more.
   *
   * @param clockMax the hybrid clock beyond which the new name does not begin; one origin's stamps
   *     only grow
   */
  void rename(OriginId newId, Time now, long clockMax) {
    hlc = Math.min(hlc, clockMax);
    if (!isForgotten(id)) {
      left.put(me, new Left(written(), now.wallMillis(), now.tickMillis()));
      keyspace.settle(me);
    }
    id = newId;
    me = origins.slot(newId);
    risen.clear();
    applied().markSlots(risen);
    contextWhole = applied().forgotten() != null;
  }

  // ---------------------------------------------------------------- forgetting

  /** Whether an origin was forgotten: it is gone, and what still comes of it was under way. */
  boolean isForgotten(OriginId origin) {
    int slot = origins.find(origin);
    return (slot < 0 || applied().mark(slot) == 0) && applied().forgot(origin);
  }

  /** Forgets all origins up to {@code until} that are not to be kept. */
  void forget(OriginId until, IntPredicate kept) {
    VersionVector mine = applied().copy();
    delivery.forget(until, slot -> slot == me || kept.test(slot));
    forgotten(mine);
  }

  /**
   * Whether an author has told, by a mutation applied here, that it has seen all that is applied
   * here of an origin; one that has written nothing owes nothing.
   */
  boolean published(int author, int origin) {
    VersionVector row = applied().mark(author) == 0 ? null : delivery.rowIfKnown(author);
    return row == null || row.get(origin) >= applied().mark(origin);
  }

  /** Whether we have. */
  boolean published(int origin) {
    return published(me, origin);
  }

  /** Lets go of what was kept for the origins that had a mark before. */
  private void forgotten(VersionVector before) {
    abandonStaging(); // its comparisons do not hold any more
    contextWhole = true;
    SortedMap<OriginId, Long> gone = new TreeMap<>();
    for (int slot = before.next(0); slot >= 0; slot = before.next(slot + 1)) {
      if (applied().mark(slot) > 0) continue;
      gone.put(origins.id(slot), before.mark(slot));
      keyspace.settle(slot);
      buckets.drop(slot);
      risen.clear(slot);
      left.remove(slot);
    }
    listener.forgot(gone);
  }

  /**
   * Whether looking for unused slots is worth its time: enough origins came and went, or so many
   * are named that claims may name no new ones.
   */
  boolean wantsSweep(long tick) {
    boolean many = origins.size() >= slotsAtSweep || origins.crowded();
    return many && tick - sweptTick >= SWEEP_REST_MILLIS;
  }

  /**
   * Gives back the slots that nothing refers to any more. Takes time in proportion to everything
   * held. Vectors outside of this object are to be told. When names are short, held-back mutations
   * are let go first, to be asked for again.
   *
   * @param used slots that are still needed outside
   * @return the slots given back
   */
  BitSet sweep(BitSet used, long tick) {
    sweptTick = tick;
    if (origins.size() > HELD_BACK_NAMES_MAX) delivery.dropHeldBack();
    used.set(me);
    delivery.markSlots(used);
    keyspace.markSlots(used);
    ring.markSlots(used);
    if (staging != null) staging.markSlots(used);
    BitSet unused = new BitSet();
    for (int slot = 0; slot < origins.slots(); slot++) {
      if (used.get(slot) || origins.isFree(slot)) continue;
      unused.set(slot);
      keyspace.vacate(slot);
      ring.vacate(slot);
      risen.clear(slot);
      left.remove(slot);
      origins.free(slot);
    }
    slotsAtSweep = Math.max(SWEEP_SLOTS_MIN, 2 * origins.size());
    return unused;
  }

  Cut newCut() {
    return new Cut(keyspace, snapshots, Cut.header(delivery, buckets, origins, hlc));
  }

  /** Begins to receive a snapshot; one that was begun before is not gone on with. */
  Staging newStaging() {
    abandonStaging();
    Staging begun = new Staging(snapshots, buckets.size(), this::newMerge);
    staging = begun;
    return begun;
  }

  void abandonStaging() {
    staging = null;
  }

  /** Null where the two cannot be reconciled. */
  private @Nullable Merge newMerge(SnapshotCodec.Header header) {
    if (!reconcilable(header.vector())) return null;
    Join rule =
        new Join(
            applied(),
            header.vector(),
            settings.defect(),
            said -> listener.contradiction("a snapshot that cannot be: " + said));
    return new Merge(keyspace, rule);
  }

  /** What became of a snapshot. */
  enum Installed {
    /** It was joined, in one step. */
    DONE,
    /** Nothing was changed: it cannot be read. */
    UNREADABLE,
    /** Nothing was changed: it holds what only later releases know. */
    BEYOND,
    /**
     * Nothing was changed: its server and this instance forgot different things, and it is for the
     * server to give way.
     */
    REFUSED,
    /** Nothing was changed: the same, but it is for this instance to give way. */
    OUTLIVED,
    /** Nothing was changed: what is forgotten here changed since it was begun. */
    ABANDONED
  }

  /**
   * Joins a whole snapshot in one step, or changes nothing.
   *
   * @param clockMax the hybrid clock beyond which it does not lift ours
   */
  Installed install(Staging arrived, long clockMax) {
    boolean open = arrived == staging;
    abandonStaging();
    SnapshotCodec.Header header = arrived.header();
    if (arrived.unreadable() || header == null) return Installed.UNREADABLE;
    VersionVector theirs = header.vector();
    // asked again, for what was applied since the header was read
    if (!reconcilable(theirs)) {
      return applied().yieldsTo(theirs) ? Installed.OUTLIVED : Installed.REFUSED;
    }
    Merge merge = arrived.merge();
    if (!open || merge == null) return Installed.ABANDONED;
    VersionVector mine = applied().copy();
    merge.finish(me, chain -> ownerHasSeenReset(chain, header.rows()), listener::beforeChange);
    touchBuckets(header.bucketVectors());
    for (int slot = theirs.next(0); slot >= 0; slot = theirs.next(slot + 1)) {
      if (theirs.mark(slot) <= mine.get(slot)) continue;
      ring.skipTo(slot, theirs.mark(slot));
      if (slot != me) risen.set(slot);
    }
    delivery.install(theirs, header.rows());
    if (!Objects.equals(applied().forgotten(), mine.forgotten())) forgotten(mine);
    liftClock(header.hlc(), clockMax);
    for (int slot : List.copyOf(left.keySet())) tellIfComplete(slot);
    deliverHeldBack(clockMax);
    return Installed.DONE;
  }

  /**
   * Whether the join of both is exact: each knows what the other has forgotten, or has nothing of
   * it.
   */
  private boolean reconcilable(VersionVector theirs) {
    return settings.defect() == Defect.FORGETS_WITHOUT_COMPARING
        || applied().sameForgotten(theirs)
        || applied().lacksAllForgottenBy(theirs)
        || theirs.lacksAllForgottenBy(applied());
  }

  private void touchBuckets(List<VersionVector> theirs) {
    for (int bucket = 0; bucket < theirs.size(); bucket++) {
      VersionVector touched = theirs.get(bucket);
      for (int slot = touched.next(0); slot >= 0; slot = touched.next(slot + 1)) {
        if (applied().get(slot) < Dot.SEQUENCE_MAX) buckets.touch(bucket, slot, touched.mark(slot));
      }
    }
  }

  private boolean ownerHasSeenReset(Chain chain, List<@Nullable VersionVector> theirRows) {
    if (chain.resetDot == Dot.NONE) return false;
    VersionVector ours = delivery.rowIfKnown(chain.slot);
    VersionVector theirs = chain.slot < theirRows.size() ? theirRows.get(chain.slot) : null;
    return (ours != null && ours.covers(chain.resetDot))
        || (theirs != null && theirs.covers(chain.resetDot));
  }
}
