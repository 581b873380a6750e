package org.natskvcache.node;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
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
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Command;
import org.natskvcache.store.Decision;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * Everything that is replicated, and the three ways to change it: author a mutation, apply a
 * peer's, install a snapshot. Knows no peers, no connection and no time. Owned by the node.
 */
final class ReplicatedState {
  /** What the owner wants to know of a change. */
  interface Listener {
    /** Something of this digest bucket is about to change. */
    void beforeChange(int bucket);

    /** Anything may be about to change. */
    void beforeInstall();

    /** Everything an origin that left has ever written is applied. */
    void settled(int slot);

    /** What must not happen did: a fault of a peer's, of the code or of memory. */
    void contradiction(String text);
  }

  private final NodeSettings settings;
  private final Listener listener;
  private final Origins origins = new Origins();
  private final Keyspace keyspace;
  private final Delivery delivery;
  private final ReplayRing ring;
  private final BucketVectors buckets;
  private final SnapshotCodec snapshots = new SnapshotCodec(origins);

  /** Final sequences of the origins that left, by slot. */
  private final Map<Integer, Long> closed = new HashMap<>();

  /** Origins whose mark rose since our last mutation. */
  private final BitSet risen = new BitSet();

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
    return delivery.applied().get(me);
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
    VersionVector applied = delivery.applied();
    VersionVector row = delivery.row(me);
    int[] slots = risen.stream().toArray();
    long[] deltas = new long[slots.length];
    for (int i = 0; i < slots.length; i++) deltas[i] = applied.get(slots[i]) - row.get(slots[i]);
    risen.clear();
    long dot = Dot.of(me, applied.get(me) + 1);
    Mutation bare = new Mutation(dot, stamp, slots, deltas, 0, op);
    int bucket = keyspace.bucket(op.key());
    listener.beforeChange(bucket);
    delivery.advance(bare);
    report(keyspace.apply(bare, row, me), me);
    buckets.touch(bucket, me, Dot.sequence(dot));
    if (!settings.replicated()) return bare;
    Mutation mutation = new Mutation(dot, stamp, slots, deltas, row.hash(), op);
    ring.add(mutation);
    return mutation;
  }

  /**
   * Applies a peer's mutation if it is ready, holds it back if it is early, ignores it if it is
   * known.
   */
  void deliver(Mutation mutation) {
    if (delivery.judge(mutation) == Delivery.Verdict.READY) apply(mutation);
  }

  /** Applies what was held back and is ready now. */
  void deliverHeldBack() {
    if (delivery.heldBack() == 0) return;
    for (Mutation next = delivery.nextReady(); next != null; next = delivery.nextReady()) {
      apply(next);
    }
  }

  private void apply(Mutation mutation) {
    int author = Dot.slot(mutation.dot());
    hlc = Math.max(hlc, mutation.hlc());
    int bucket = keyspace.bucket(mutation.op().key());
    listener.beforeChange(bucket);
    VersionVector row = delivery.advance(mutation);
    report(keyspace.apply(mutation, row, me), author);
    if (mutation.rowHash() != 0 && mutation.rowHash() != row.hash()) {
      report("a context that differs from its author's", author);
    }
    buckets.touch(bucket, author, Dot.sequence(mutation.dot()));
    ring.add(mutation);
    if (author != me) risen.set(author);
    settleIfClosed(author);
  }

  private void report(@Nullable String contradiction, int slot) {
    if (contradiction != null) {
      listener.contradiction(contradiction + ", from origin=" + origins.id(slot));
    }
  }

  /** The final sequence of an origin that left; null while it may write. */
  @Nullable Long finalSequence(int slot) {
    return closed.get(slot);
  }

  /** An origin left and will not write again; false if that was known. */
  boolean close(int slot, long finalSequence) {
    if (closed.putIfAbsent(slot, finalSequence) != null) return false;
    delivery.close(slot, finalSequence);
    return true;
  }

  /** Lets go of what was only kept for an origin that left, once all it wrote is applied. */
  void settleIfClosed(int slot) {
    Long finalSequence = closed.get(slot);
    if (finalSequence == null || delivery.applied().get(slot) < finalSequence) return;
    keyspace.settle(slot);
    listener.settled(slot);
  }

  /** Goes on under a new name; the old one is closed and must not write again. */
  void rename(OriginId newId) {
    closed.put(me, written());
    keyspace.settle(me);
    id = newId;
    me = origins.slot(newId);
    for (int slot = 0; slot < delivery.applied().slots(); slot++) {
      if (delivery.applied().get(slot) > 0) risen.set(slot);
    }
  }

  Cut newCut() {
    return new Cut(keyspace, snapshots, Cut.header(delivery, buckets, origins.size(), hlc));
  }

  Staging newStaging() {
    return new Staging(1 + buckets.size());
  }

  /**
   * Joins a whole snapshot in one step; false, and nothing changed, if any of it cannot be read.
   */
  boolean install(Staging staging) {
    SnapshotCodec.Header header;
    List<List<Entry>> entries = new ArrayList<>();
    try {
      SnapshotCodec.Read read =
          snapshots.decodeHeader(staging.sections().getFirst(), buckets.size());
      header = read.header();
      for (int i = 1; i < staging.sections().size(); i++) {
        List<Entry> bucket = snapshots.decodeBucket(staging.sections().get(i), read.table());
        for (Entry entry : bucket) if (keyspace.bucket(entry.key()) != i - 1) return false;
        entries.add(bucket);
      }
    } catch (MalformedFrameException damaged) {
      return false;
    }
    listener.beforeInstall();
    VersionVector mine = delivery.applied().copy();
    joinBuckets(header, entries, mine);
    VersionVector theirs = header.vector();
    for (int slot = 0; slot < theirs.slots(); slot++) {
      if (theirs.get(slot) <= mine.get(slot)) continue;
      ring.skipTo(slot, theirs.get(slot));
      if (slot != me) risen.set(slot);
    }
    delivery.install(theirs, header.rows());
    keyspace.reindexResiduals();
    hlc = Math.max(hlc, header.hlc());
    for (int slot : List.copyOf(closed.keySet())) settleIfClosed(slot);
    deliverHeldBack();
    return true;
  }

  private void joinBuckets(
      SnapshotCodec.Header header, List<List<Entry>> entries, VersionVector mine) {
    Join rule =
        new Join(
            mine,
            header.vector(),
            settings.defect(),
            said -> listener.contradiction("a snapshot that cannot be: " + said));
    Keyspace.Joining joining =
        new Keyspace.Joining(rule, me, chain -> ownerHasSeenReset(chain, header.rows()));
    for (int bucket = 0; bucket < entries.size(); bucket++) {
      keyspace.join(bucket, entries.get(bucket), joining);
      VersionVector touched = header.bucketVectors().get(bucket);
      for (int slot = 0; slot < touched.slots(); slot++) {
        buckets.touch(bucket, slot, touched.get(slot));
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
