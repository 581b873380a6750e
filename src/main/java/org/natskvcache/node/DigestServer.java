package org.natskvcache.node;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.replication.BucketVectors;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Limits;

/**
 * Tells whoever asks what is held here, in digests, so that two who should hold the same can find
 * out where they do not. At most so many answers a second; a question beyond is not answered, and
 * asked again. Owned by the node.
 */
final class DigestServer {
  static final int ANSWERS_PER_SECOND = 64;
  private static final int BUCKET_BYTES = 18;
  private static final int MARK_BYTES = 20;

  private final ReplicatedState state;
  private final Rate answers = new Rate(ANSWERS_PER_SECOND);

  DigestServer(ReplicatedState state) {
    this.state = state;
  }

  /** The answer; null for none. */
  @Nullable Frame answer(Frame.DigestRequest request, boolean live, Time now, Limits limits) {
    if (request.bucket() >= state.buckets().size() || !answers.take(now.tickMillis())) return null;
    List<Frame.Sample> buckets = new ArrayList<>();
    List<Frame.KeyDigest> keys = new ArrayList<>();
    int room = limits.frameBytes() - MARK_BYTES * state.applied().marks();
    boolean last;
    if (request.bucket() == Frame.DigestRequest.ALL_BUCKETS) {
      last = buckets(request.start(), room, buckets);
    } else {
      buckets.add(sample(state, request.bucket()));
      last = keys(request.bucket(), request.start(), room, keys);
    }
    return new Frame.DigestResponse(
        state.id(),
        request.question(),
        live,
        last,
        now.wallMillis(),
        state.applied(),
        state.keyspace().digest(),
        state.keyspace().size(),
        buckets,
        keys);
  }

  static Frame.Sample sample(ReplicatedState state, int bucket) {
    long vectorHash = state.buckets().get(bucket).hash();
    return new Frame.Sample(bucket, vectorHash, state.keyspace().bucketDigest(bucket));
  }

  private boolean buckets(long start, int room, List<Frame.Sample> to) {
    BucketVectors all = state.buckets();
    if (start < 0 || start >= all.size()) return true;
    int end = (int) Math.min(all.size(), start + Math.max(1, room / BUCKET_BYTES));
    for (int bucket = (int) start; bucket < end; bucket++) to.add(sample(state, bucket));
    return end == all.size();
  }

  private boolean keys(int bucket, long start, int room, List<Frame.KeyDigest> to) {
    int[] left = {room};
    long[] lastHash = {0};
    boolean[] all = {true};
    state
        .keyspace()
        .digests(
            bucket,
            start,
            (key, hash, digest) -> {
              left[0] -= key.stored().size() + 11;
              all[0] = left[0] >= 0 || to.isEmpty() || hash == lastHash[0];
              lastHash[0] = hash;
              if (all[0]) to.add(new Frame.KeyDigest(key.stored(), digest));
              return all[0];
            });
    return all[0];
  }
}
