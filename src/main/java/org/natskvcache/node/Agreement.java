package org.natskvcache.node;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Peers.Peer;
import org.natskvcache.replication.BucketVectors;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Feature;

/**
 * Makes heartbeats and compares those of peers with our state. Equal vectors imply equal digests,
 * equal bucket vectors imply equal bucket digests; where that fails, a bug or a memory fault has
 * made two replicas diverge. Owned by the node.
 */
final class Agreement {
  /** Hears of what must not be. */
  interface Listener {
    /**
     * A peer with an equal vector, of everything or of a bucket, has another digest.
     *
     * @param text what is unequal
     */
    void diverged(Peer peer, String text, long ourDigest, long theirDigest);
  }

  private static final int SAMPLES = 64;

  private final ReplicatedState state;
  private final Peers peers;
  private final Listener listener;
  private int nextSample;

  Agreement(ReplicatedState state, Peers peers, Listener listener) {
    this.state = state;
    this.peers = peers;
    this.listener = listener;
  }

  /**
   * Our state now: the marks of live origins one by one, of all others as a hash, and some buckets
   * in rotation.
   */
  Frame.Heartbeat heartbeat(ReplicaStatus.State now, boolean hello, long wallMillis) {
    VersionVector applied = state.applied();
    VersionVector active = new VersionVector(state.origins());
    active.raise(state.me(), state.written());
    for (Peer peer : peers.all()) active.raise(peer.slot, applied.mark(peer.slot));
    long restCount = (long) applied.marks() - active.marks(); // every active mark is one of ours
    long restHash = applied.hash() - active.hash();
    active.forgotten(applied.forgotten());
    return new Frame.Heartbeat(
        state.id(),
        now == ReplicaStatus.State.LIVE,
        hello,
        now == ReplicaStatus.State.OUTDATED,
        state.written(),
        wallMillis,
        state.hlc(),
        active,
        restCount,
        restHash,
        state.keyspace().digest(),
        state.keyspace().size(),
        samples(),
        Feature.OURS);
  }

  private List<Frame.Sample> samples() {
    BucketVectors buckets = state.buckets();
    List<Frame.Sample> samples = new ArrayList<>();
    for (int i = 0; i < Math.min(SAMPLES, buckets.size()); i++) {
      int bucket = nextSample;
      nextSample = (nextSample + 1) % buckets.size();
      samples.add(DigestServer.sample(state, bucket));
    }
    return samples;
  }

  /**
   * Whether the peer's marks of the origins it does not list are ours; then we know its whole
   * vector.
   */
  boolean sameRest(Peer peer, Frame.Heartbeat heartbeat) {
    VersionVector applied = state.applied();
    VersionVector listed = heartbeat.active();
    long rest = applied.hash();
    for (int slot = listed.next(0); slot >= 0; slot = listed.next(slot + 1)) {
      rest -= applied.term(slot);
    }
    peer.sameRest = rest == heartbeat.restHash();
    if (!peer.sameRest) return false;
    for (int slot = applied.next(0); slot >= 0; slot = applied.next(slot + 1)) {
      if (listed.mark(slot) == 0) peer.known.raise(slot, applied.mark(slot));
    }
    if (applied.isAheadOf(peer.known)) peer.known.forgetAs(applied);
    return true;
  }

  /**
   * Compares vectors, digests and sampled buckets, and notes the outcome at the peer.
   *
   * @param caughtUp whether this instance has what the group held when it joined; before that
   *     different vectors tell nothing
   * @return whether the vectors are equal
   */
  boolean compare(Peer peer, Frame.Heartbeat heartbeat, boolean sameRest, boolean caughtUp) {
    boolean equal = sameRest && sameActive(heartbeat.active());
    boolean sameDigest = heartbeat.digest() == state.keyspace().digest();
    if (!equal && !caughtUp) peer.agreement = ReplicaStatus.Agreement.UNKNOWN;
    else if (!equal) peer.agreement = ReplicaStatus.Agreement.DIFFERENT_VECTORS;
    else if (sameDigest) peer.agreement = ReplicaStatus.Agreement.EQUAL;
    else peer.agreement = ReplicaStatus.Agreement.DIVERGED;
    if (equal && !sameDigest) {
      String text = "equal vectors, unequal digests";
      listener.diverged(peer, text, state.keyspace().digest(), heartbeat.digest());
    }
    // bucket vectors leave out what is forgotten, so they tell something only if that is the same
    if (Objects.equals(heartbeat.active().forgotten(), state.applied().forgotten())) {
      compareSamples(peer, heartbeat);
    }
    return equal;
  }

  private boolean sameActive(VersionVector listed) {
    for (int slot = listed.next(0); slot >= 0; slot = listed.next(slot + 1)) {
      if (listed.mark(slot) != state.applied().mark(slot)) return false;
    }
    return true;
  }

  private void compareSamples(Peer peer, Frame.Heartbeat heartbeat) {
    BucketVectors buckets = state.buckets();
    for (Frame.Sample sample : heartbeat.samples()) {
      int bucket = sample.bucket();
      if (bucket >= buckets.size() || buckets.get(bucket).hash() != sample.vectorHash()) continue;
      long ours = state.keyspace().bucketDigest(bucket);
      if (ours == sample.digest()) continue;
      String text = "equal bucket vectors, unequal digests, bucket=" + bucket;
      listener.diverged(peer, text, ours, sample.digest());
    }
  }
}
