package org.natskvcache.node;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;

/**
 * Finds where this replica and a peer differ that should not: asks it first for the digests of all
 * buckets, then for the keys of those that differ. Compared is only what both say of the same
 * moment, which is when the bucket's vectors are equal; else the question is asked again, a few
 * times. Changes nothing. One at a time; owned by the node.
 */
final class Inquiry {
  /** What it needs of the node. */
  interface Host {
    void ask(OriginId peer, long question, int bucket, long start);

    /**
     * It is over.
     *
     * @param found which buckets and keys differ, {@code key=value}; names no key
     */
    void located(OriginId peer, String found);
  }

  static final int ANSWER_MILLIS = 500;
  static final int AGAIN_MILLIS = 100;
  static final int TRIES_MAX = 5;
  static final int BUCKETS_MAX = 4;
  static final int HASHES_MAX = 8;

  private final ReplicatedState state;
  private final Host host;

  private @Nullable OriginId peer;
  private final long firstQuestion;
  private long question;
  private int tries;
  private long dueTick = Long.MAX_VALUE;

  /** Those that differ; asked for keys one after the other. */
  private final List<Integer> differing = new ArrayList<>();

  /** Where in {@link #differing} we are; -1 while they are being found. */
  private int at;

  private long start;
  private boolean moved;

  /** Hashes of the keys that differ, by bucket as in {@link #differing}. */
  private final List<TreeSet<Long>> keys = new ArrayList<>();

  /**
   * @param firstQuestion questions are numbered from here on, so that nobody can guess them
   */
  Inquiry(ReplicatedState state, Host host, long firstQuestion) {
    this.state = state;
    this.host = host;
    this.firstQuestion = firstQuestion;
    question = firstQuestion;
  }

  /** Whether a question with this number was put. */
  boolean asked(long number) {
    return number > firstQuestion && number <= question;
  }

  boolean idle() {
    return peer == null;
  }

  long nextTick() {
    return dueTick;
  }

  void begin(OriginId with, long tick) {
    peer = with;
    at = -1;
    differing.clear();
    keys.clear();
    next(0, tick);
  }

  void tick(long tick) {
    if (tick >= dueTick) ask(tick);
  }

  private void next(long from, long tick) {
    start = from;
    tries = 0;
    ask(tick);
  }

  private void ask(long tick) {
    OriginId whom = Objects.requireNonNull(peer);
    if (++tries > TRIES_MAX) {
      finish(tick);
      return;
    }
    dueTick = tick + ANSWER_MILLIS;
    int bucket = at < 0 ? Frame.DigestRequest.ALL_BUCKETS : differing.get(at);
    host.ask(whom, ++question, bucket, start);
  }

  /** The bucket is through, or as far as it will ever be. */
  private void finish(long tick) {
    if (++at < Math.min(differing.size(), BUCKETS_MAX)) {
      keys.add(new TreeSet<>());
      next(0, tick);
      return;
    }
    OriginId whom = Objects.requireNonNull(peer);
    peer = null;
    dueTick = Long.MAX_VALUE;
    host.located(whom, found());
  }

  private String found() {
    StringBuilder text = new StringBuilder("buckets=").append(differing.size());
    for (int i = 0; i < keys.size(); i++) {
      TreeSet<Long> hashes = keys.get(i);
      text.append(" bucket=").append(differing.get(i)).append(" keys=").append(hashes.size());
      String separator = " key-hashes=";
      for (long hash : hashes.stream().limit(HASHES_MAX).toList()) {
        text.append(separator).append("%016x".formatted(hash));
        separator = ",";
      }
    }
    return text.toString();
  }

  void answered(Frame.DigestResponse answer, long tick) {
    if (!answer.from().equals(peer) || answer.question() != question) return;
    if (at < 0) buckets(answer, tick);
    else keys(answer, tick);
  }

  private void buckets(Frame.DigestResponse answer, long tick) {
    if (start == 0) moved = false;
    int end = 0;
    for (Frame.Sample theirs : answer.buckets()) {
      end = theirs.bucket() + 1;
      if (!comparable(theirs, answer)) moved = true;
      else if (state.keyspace().bucketDigest(theirs.bucket()) != theirs.digest()) {
        if (!differing.contains(theirs.bucket())) differing.add(theirs.bucket());
      }
    }
    if (!answer.last() && end > start) next(end, tick);
    else if (differing.isEmpty() && moved) again(tick);
    else finish(tick);
  }

  private void again(long tick) {
    start = at < 0 ? 0 : start;
    dueTick = tick + AGAIN_MILLIS;
  }

  /** Whether what both sides say of a bucket must be the same. */
  private boolean comparable(Frame.Sample theirs, Frame.DigestResponse answer) {
    return theirs.bucket() < state.buckets().size()
        && state.buckets().get(theirs.bucket()).hash() == theirs.vectorHash()
        && Objects.equals(answer.vector().forgotten(), state.applied().forgotten());
  }

  private void keys(Frame.DigestResponse answer, long tick) {
    boolean asked =
        answer.buckets().size() == 1
            && answer.buckets().getFirst().bucket() == differing.get(at)
            && (answer.last() || !answer.keys().isEmpty());
    if (!asked || !comparable(answer.buckets().getFirst(), answer)) {
      again(tick);
      return;
    }
    long end =
        answer.last() ? -1 : Hash64.of(answer.keys().getLast().key().array()); // unsigned: the most
    compare(differing.get(at), end, answer.keys());
    if (end == -1 || Long.compareUnsigned(end, start) < 0) finish(tick);
    else next(end + 1, tick);
  }

  /** Compares the keys of a bucket whose hashes are from {@link #start} to {@code end}. */
  private void compare(int bucket, long end, List<Frame.KeyDigest> theirs) {
    Map<Bytes, Long> rest = new HashMap<>();
    for (Frame.KeyDigest key : theirs) rest.put(key.key(), key.digest());
    TreeSet<Long> found = keys.getLast();
    state
        .keyspace()
        .digests(
            bucket,
            start,
            (key, hash, digest) -> {
              if (Long.compareUnsigned(hash, end) > 0) return false;
              if (!Objects.equals(rest.remove(key.stored()), digest)) found.add(hash);
              return true;
            });
    for (Bytes key : rest.keySet()) found.add(Hash64.of(key.array()));
  }
}
