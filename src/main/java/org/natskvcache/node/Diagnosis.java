package org.natskvcache.node;

import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.store.Key;

/**
 * What an {@link Examination} found.
 *
 * @param instances those that answered, by origin
 * @param missing those that never answered and are counted as alive by some that did, by origin,
 *     with these; only instances that have written something are known this way
 * @param expected how many live instances are to answer at least; 0 for any number
 * @param pairs every two of them, in that order
 * @param buckets digest buckets of the cache; 0 when nobody answered
 * @param divergedBuckets those with unequal content where it must be equal, ascending
 * @param differences keys of those buckets that differ, or some of them, by bucket and hash
 * @param differencesLeftOut how many more differing keys were found
 * @param bucketsLeftOut diverged buckets whose keys were not looked at, or could not be compared
 */
public record Diagnosis(
    List<Instance> instances,
    SortedMap<OriginId, SortedSet<OriginId>> missing,
    int expected,
    List<Pair> pairs,
    int buckets,
    List<Integer> divergedBuckets,
    List<Difference> differences,
    long differencesLeftOut,
    int bucketsLeftOut) {
  /**
   * One instance by its last answer.
   *
   * @param live whether it is live; else joining or outdated
   * @param outdated whether it says that it cannot follow the group
   * @param silent whether it stopped answering
   * @param moving whether its vector changed while it was looked at
   * @param behind mutations that it lacks and another instance has
   * @param clockMillis by how much its clock is ahead of ours, give or take half of {@code
   *     roundTripMillis}
   * @param vector marks, without what is forgotten
   */
  public record Instance(
      OriginId origin,
      boolean live,
      boolean outdated,
      boolean silent,
      boolean moving,
      long entries,
      long digest,
      long vectorHash,
      long behind,
      long clockMillis,
      long roundTripMillis,
      SortedMap<OriginId, Long> vector) {}

  /**
   * Two instances.
   *
   * @param bucketsEqual buckets that were found equal at least once
   * @param bucketsDiverged buckets with equal vectors and unequal digests
   */
  public record Pair(
      OriginId one, OriginId other, Agreement agreement, int bucketsEqual, int bucketsDiverged) {}

  /** How two instances compare. */
  public enum Agreement {
    /** Equal vectors and digests; or, while both are moving, equal in every bucket. */
    EQUAL,
    /** Both are moving; nothing that could be compared differs. */
    MOVING,
    /** One has mutations that the other lacks. */
    BEHIND,
    /** The same mutations, other data: a bug or a memory fault. */
    DIVERGED
  }

  /**
   * A key under which not all hold the same.
   *
   * @param digests of what each instance holds there that could be compared; 0 for nothing
   */
  public record Difference(int bucket, Key key, SortedMap<OriginId, Long> digests) {}

  /** What it comes to. */
  public enum Verdict {
    /** All instances hold the same. */
    AGREE,
    /** Nobody answered. */
    NOBODY,
    /** They are being written to; nothing that could be compared differs. */
    MOVING,
    /** Some did not answer; nothing that could be compared differs. */
    MISSING,
    /** Some lack what others have. */
    BEHIND,
    /** Some cannot follow the group, because their release is too old for it. */
    OUTDATED,
    /** Some hold other data for the same history. */
    DIVERGED
  }

  /** Instances that answer. */
  public int answered() {
    return (int) instances.stream().filter(one -> !one.silent).count();
  }

  /** Of those that answer, how many are not live. */
  public int notLive() {
    return (int) instances.stream().filter(one -> !one.silent && !one.live).count();
  }

  public boolean fewerThanExpected() {
    return answered() - notLive() < expected;
  }

  /** The worst of all pairs. */
  public Verdict verdict() {
    if (instances.isEmpty()) return Verdict.NOBODY;
    Verdict verdict =
        instances.stream().anyMatch(Instance::silent)
            ? Verdict.BEHIND
            : fewerThanExpected() || !missing.isEmpty() ? Verdict.MISSING : Verdict.AGREE;
    if (instances.stream().anyMatch(Instance::outdated)) verdict = Verdict.OUTDATED;
    for (Pair pair : pairs) {
      Verdict its =
          switch (pair.agreement) {
            case EQUAL -> Verdict.AGREE;
            case MOVING -> Verdict.MOVING;
            case BEHIND -> Verdict.BEHIND;
            case DIVERGED -> Verdict.DIVERGED;
          };
      if (its.compareTo(verdict) > 0) verdict = its;
    }
    return verdict;
  }
}
