package org.natskvcache.node;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Diagnosis.Agreement;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;

/**
 * Looks at all instances of a cache from outside, without being one: it sends nothing but {@link
 * Frame.DigestRequest}, which makes nobody count it as a peer. Pure, as {@link Node} is.
 *
 * <p>In rounds it asks everybody for the digests of all buckets, and compares what answers of one
 * round say of the same history: whole vectors, and buckets by their own vectors, so that it finds
 * something while the cache is written to. Then it asks for the keys of the buckets that differ.
 * The heartbeats that come with the answers name whom their senders count as alive.
 *
 * <p>Even for the rest of a long answer it asks everybody, so that it needs no permission to
 * publish on {@code R.<origin>}.
 */
public final class Examination {
  static final long ROUND_MILLIS = 200;

  /** Who has not answered for so many rounds is silent. */
  static final int SILENT_ROUNDS = 3;

  static final int BUCKETS_MAX = 16;
  static final int KEY_TRIES_MAX = 5;
  static final long KEYS_MILLIS = 300;

  private final OriginId me;
  private final long waitMillis;
  private final int keysMax;
  private final int expected;
  private final Origins origins = new Origins();
  private final FrameCodec codec;
  private final SortedMap<OriginId, Seen> seen = new TreeMap<>();

  /** Whom each counted as alive by its last heartbeat. */
  private final Map<OriginId, SortedSet<OriginId>> alive = new HashMap<>();

  /** Who said in its last heartbeat that it cannot follow the group. */
  private final Set<OriginId> outdated = new HashSet<>();

  private final Map<List<OriginId>, Compared> compared = new HashMap<>();
  private final List<Effect> effects = new ArrayList<>();
  private final BitSet buckets = new BitSet();
  private final BitSet diverged = new BitSet();
  private final List<Diagnosis.Difference> differences = new ArrayList<>();
  private long differencesLeftOut;
  private int bucketsLeftOut;

  private long endTick = Long.MAX_VALUE;
  private long dueTick = Long.MAX_VALUE;
  private long question;
  private long round;
  private long roundTick;

  /** Where the answers to the questions of this round, or this try, begin. */
  private final Map<Long, Long> starts = new HashMap<>();

  /** The bucket whose keys are being asked for; -1 while there are rounds. */
  private int bucket = -1;

  private int tries;
  private int lookedAt;
  private boolean done;

  /** What one instance has answered. */
  private static final class Seen {
    Frame.@Nullable DigestResponse last;
    long round;

    /** Up to here its answers have come, none missing: a bucket, or the unsigned hash of a key. */
    long next;

    boolean moving;
    long clockMillis;
    long roundTripMillis = Long.MAX_VALUE;

    /** The buckets of this round. */
    final Map<Integer, Frame.Sample> samples = new HashMap<>();

    /** The keys of the bucket being looked at, and at which moment of its vector. */
    final Map<Bytes, Long> keys = new HashMap<>();

    List<Object> keysAt = List.of();
    boolean keysWhole;

    Frame.DigestResponse answer() {
      return Objects.requireNonNull(last);
    }
  }

  /** How two instances compared so far. */
  private static final class Compared {
    final BitSet equal = new BitSet();
    final BitSet diverged = new BitSet();
    boolean wholeDiverged;
  }

  /**
   * Nothing is asked before {@link #begin}.
   *
   * @param me a name that no instance has, under which answers arrive
   * @param keys what signs questions, and what answers are signed with
   * @param waitMillis how long to look, milliseconds
   * @param keysMax most differing keys to name
   * @param expected how many live instances are to answer at least; 0 for any number
   */
  public Examination(OriginId me, FrameKeys keys, long waitMillis, int keysMax, int expected) {
    this.me = me;
    codec = new FrameCodec(origins, keys, FrameKeys.Use.INSPECT);
    this.expected = expected;
    this.waitMillis = waitMillis;
    this.keysMax = keysMax;
    question = me.low() >>> 2; // so that nobody can guess it
    effects.add(new Effect.ListenAs(me));
  }

  /** Asks for the first time; answers reach us from now on. */
  public void begin(Time now) {
    endTick = now.tickMillis() + waitMillis;
    round(now.tickMillis());
  }

  public boolean done() {
    return done;
  }

  /** When {@link #tick} has something to do at the earliest. */
  public long nextTick() {
    return dueTick;
  }

  /** Takes out what is to be published. */
  public List<Effect> takeEffects() {
    List<Effect> taken = List.copyOf(effects);
    effects.clear();
    return taken;
  }

  /** Asks everybody, unless that was asked already. */
  private void ask(int aboutBucket, long start) {
    if (starts.containsValue(start)) return;
    starts.put(++question, start);
    Frame request = new Frame.DigestRequest(me, true, question, aboutBucket, start);
    byte[] frame = codec.encode(request, Channel.REPLAY_ALL, null);
    effects.add(new Effect.Publish(Channel.REPLAY_ALL, null, frame));
  }

  private void round(long tick) {
    round++;
    roundTick = tick;
    dueTick = tick + ROUND_MILLIS;
    starts.clear();
    ask(Frame.DigestRequest.ALL_BUCKETS, 0);
  }

  /** Does what is due. */
  public void tick(Time now) {
    if (done || now.tickMillis() < dueTick) return;
    if (bucket < 0 && now.tickMillis() < endTick) round(now.tickMillis());
    else if (bucket < 0) nextBucket(0, now.tickMillis());
    else keysAsFarAsTheyCame(now.tickMillis());
  }

  /** Takes a frame that came for us; what is no answer to us, or malformed, is ignored. */
  public void receive(byte[] bytes, Time now) {
    Frame frame;
    try {
      frame = codec.decode(bytes, Channel.OBSERVER, me);
    } catch (MalformedFrameException malformed) {
      return; // an answer that is lost: it is asked for again
    }
    if (frame instanceof Frame.Heartbeat heartbeat) {
      alive.put(heartbeat.from(), new TreeSet<>(heartbeat.active().toMap().keySet()));
      if (heartbeat.outdated()) outdated.add(heartbeat.from());
      else outdated.remove(heartbeat.from());
    }
    if (!(frame instanceof Frame.DigestResponse answer)) return;
    Long start = starts.get(answer.question());
    if (start == null || done) return;
    if (bucket < 0) bucketsOf(answer, start, now);
    else keysOf(answer, start, now.tickMillis());
  }

  // ---------------------------------------------------------------- rounds

  private void bucketsOf(Frame.DigestResponse answer, long start, Time now) {
    OriginId from = answer.from();
    Seen one = seen.computeIfAbsent(from, id -> new Seen());
    Frame.DigestResponse before = one.last;
    if (before != null && before.vector().hash() != answer.vector().hash()) one.moving = true;
    if (one.round != round) {
      one.samples.clear();
      one.next = 0;
    }
    one.last = answer;
    one.round = round;
    long roundTrip = now.tickMillis() - roundTick;
    if (roundTrip <= one.roundTripMillis) {
      one.roundTripMillis = roundTrip;
      one.clockMillis = answer.wallMillis() - (now.wallMillis() - roundTrip / 2);
    }
    for (Frame.Sample sample : answer.buckets()) {
      one.samples.put(sample.bucket(), sample);
      buckets.set(sample.bucket());
      if (start <= one.next) one.next = Math.max(one.next, sample.bucket() + 1);
    }
    if (!answer.last()) ask(Frame.DigestRequest.ALL_BUCKETS, one.next);
    seen.forEach((id, other) -> {
      if (!id.equals(from) && other.round == round) compare(id, from, answer);
    });
  }

  private static List<OriginId> pair(OriginId one, OriginId other) {
    return one.compareTo(other) < 0 ? List.of(one, other) : List.of(other, one);
  }

  private Compared compared(OriginId one, OriginId other) {
    return compared.computeIfAbsent(pair(one, other), key -> new Compared());
  }

  private static boolean sameForgotten(Frame.DigestResponse one, Frame.DigestResponse other) {
    return Objects.equals(one.vector().forgotten(), other.vector().forgotten());
  }

  private void compare(OriginId id, OriginId from, Frame.DigestResponse answer) {
    Seen other = Objects.requireNonNull(seen.get(id));
    Compared pair = compared(id, from);
    Frame.DigestResponse theirs = other.answer();
    if (theirs.vector().equals(answer.vector()) && theirs.digest() != answer.digest()) {
      pair.wholeDiverged = true;
    }
    if (!sameForgotten(theirs, answer)) return;
    for (Frame.Sample sample : answer.buckets()) {
      Frame.Sample its = other.samples.get(sample.bucket());
      if (its == null || its.vectorHash() != sample.vectorHash()) continue;
      boolean equal = its.digest() == sample.digest();
      (equal ? pair.equal : pair.diverged).set(sample.bucket());
      if (!equal) diverged.set(sample.bucket());
    }
  }

  // ---------------------------------------------------------------- keys

  /** Goes on with the first diverged bucket from {@code from} on. */
  private void nextBucket(int from, long tick) {
    bucket = diverged.nextSetBit(from);
    if (bucket < 0 || lookedAt == BUCKETS_MAX) {
      bucketsLeftOut += bucket < 0 ? 0 : diverged.cardinality() - lookedAt;
      done = true;
      dueTick = Long.MAX_VALUE;
      return;
    }
    lookedAt++;
    tries = 0;
    askForKeys(tick);
  }

  private void askForKeys(long tick) {
    tries++;
    dueTick = tick + KEYS_MILLIS;
    for (Seen one : seen.values()) {
      one.keys.clear();
      one.keysWhole = false;
      one.next = 0;
    }
    starts.clear();
    ask(bucket, 0);
  }

  private void keysOf(Frame.DigestResponse answer, long start, long tick) {
    Seen one = seen.get(answer.from());
    if (one == null || answer.buckets().size() != 1 || one.keysWhole) return;
    if (Long.compareUnsigned(start, one.next) > 0) return; // some between are not here yet
    Frame.Sample its = answer.buckets().getFirst();
    if (its.bucket() != bucket) return;
    Object forgotten = answer.vector().forgotten();
    List<Object> moment = List.of(its.vectorHash(), forgotten == null ? "" : forgotten);
    if (one.keys.isEmpty()) one.keysAt = moment;
    if (!one.keysAt.equals(moment)) return; // it moved meanwhile: the next try will tell
    for (Frame.KeyDigest key : answer.keys()) one.keys.put(key.key(), key.digest());
    if (answer.last() || answer.keys().isEmpty()) {
      one.keysWhole = true;
      boolean all = seen.values().stream().allMatch(each -> each.keysWhole);
      if (all && sameMoment().size() == seen.size()) keysAreHere(sameMoment(), tick);
    } else {
      long next = Hash64.of(answer.keys().getLast().key().array()) + 1;
      if (Long.compareUnsigned(next, one.next) > 0) one.next = next;
      ask(bucket, one.next);
    }
  }

  /** The most instances that told the keys of the bucket at the same moment of it. */
  private List<OriginId> sameMoment() {
    Map<List<Object>, List<OriginId>> groups = new HashMap<>();
    seen.forEach((id, one) -> {
      if (one.keysWhole) groups.computeIfAbsent(one.keysAt, at -> new ArrayList<>()).add(id);
    });
    return groups.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
  }

  private void keysAsFarAsTheyCame(long tick) {
    if (tries < KEY_TRIES_MAX) askForKeys(tick);
    else keysAreHere(sameMoment(), tick);
  }

  private void keysAreHere(List<OriginId> ids, long tick) {
    Map<Bytes, SortedMap<OriginId, Long>> byKey = new HashMap<>();
    for (OriginId id : ids) {
      Seen one = Objects.requireNonNull(seen.get(id));
      one.keys.forEach(
          (key, digest) -> byKey.computeIfAbsent(key, k -> new TreeMap<>()).put(id, digest));
    }
    List<Diagnosis.Difference> found = new ArrayList<>();
    byKey.forEach((key, digests) -> {
      for (OriginId id : ids) digests.putIfAbsent(id, 0L);
      if (digests.values().stream().distinct().count() > 1) {
        found.add(new Diagnosis.Difference(bucket, new Key(key), digests));
      }
    });
    if (found.isEmpty()) bucketsLeftOut++;
    found.sort(Comparator.comparing(difference -> difference.key().stored()));
    int room = Math.min(found.size(), keysMax - differences.size());
    differences.addAll(found.subList(0, room));
    differencesLeftOut += found.size() - room;
    nextBucket(bucket + 1, tick);
  }

  // ---------------------------------------------------------------- what was found

  /** What was found so far; all of it when {@link #done}. */
  public Diagnosis diagnosis() {
    long lastRound = seen.values().stream().mapToLong(one -> one.round).max().orElse(0);
    VersionVector most = new VersionVector(origins);
    for (Seen one : seen.values()) most.raiseMarks(one.answer().vector());
    List<Diagnosis.Instance> instances = new ArrayList<>();
    seen.forEach((id, one) -> instances.add(instance(id, one, most, lastRound)));
    List<Diagnosis.Pair> pairs = new ArrayList<>();
    for (int i = 0; i < instances.size(); i++) {
      for (int j = i + 1; j < instances.size(); j++) {
        pairs.add(pairOf(instances.get(i), instances.get(j)));
      }
    }
    return new Diagnosis(
        instances,
        missing(instances),
        expected,
        pairs,
        buckets.cardinality(),
        IntStream.of(diverged.stream().toArray()).boxed().toList(),
        List.copyOf(differences),
        differencesLeftOut,
        bucketsLeftOut);
  }

  private SortedMap<OriginId, SortedSet<OriginId>> missing(List<Diagnosis.Instance> instances) {
    SortedMap<OriginId, SortedSet<OriginId>> missing = new TreeMap<>();
    for (Diagnosis.Instance one : instances) {
      if (one.silent()) continue; // it may count one as alive that has left since
      for (OriginId named : alive.getOrDefault(one.origin(), new TreeSet<>())) {
        if (seen.containsKey(named)) continue;
        missing.computeIfAbsent(named, id -> new TreeSet<>()).add(one.origin());
      }
    }
    return missing;
  }

  private Diagnosis.Instance instance(OriginId id, Seen one, VersionVector most, long lastRound) {
    Frame.DigestResponse last = one.answer();
    long behind = 0;
    for (int slot = most.next(0); slot >= 0; slot = most.next(slot + 1)) {
      behind += Math.max(0, most.mark(slot) - last.vector().get(slot));
    }
    return new Diagnosis.Instance(
        id,
        last.live(),
        outdated.contains(id),
        lastRound - one.round >= SILENT_ROUNDS,
        one.moving,
        last.entries(),
        last.digest(),
        last.vector().hash(),
        behind,
        one.clockMillis,
        one.roundTripMillis,
        last.vector().toMap());
  }

  private Diagnosis.Pair pairOf(Diagnosis.Instance one, Diagnosis.Instance other) {
    Compared pair = compared(one.origin(), other.origin());
    boolean whole = one.vectorHash() == other.vectorHash() && one.digest() == other.digest();
    boolean moving = one.moving() && other.moving();
    boolean allBuckets = moving && pair.equal.cardinality() == buckets.cardinality();
    Agreement agreement;
    if (pair.wholeDiverged || !pair.diverged.isEmpty()) agreement = Agreement.DIVERGED;
    else if (whole || allBuckets) agreement = Agreement.EQUAL;
    else agreement = moving ? Agreement.MOVING : Agreement.BEHIND;
    return new Diagnosis.Pair(
        one.origin(),
        other.origin(),
        agreement,
        pair.equal.cardinality(),
        pair.diverged.cardinality());
  }
}
