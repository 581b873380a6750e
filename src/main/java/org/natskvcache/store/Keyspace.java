package org.natskvcache.store;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.DigestSum;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Footprint;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.ItemList;
import org.natskvcache.crdt.Join;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;
import org.natskvcache.crdt.VersionVector;

/**
 * All entries of one cache, with their digest. Mutable; owned by the node, one thread at a time.
 *
 * <p>The effect of each operation and the join are those of the replication design: an overwriting
 * operation drops what its author had seen and moves the bases of the counter chains it names;
 * everything else survives.
 */
public final class Keyspace {
  static final MemberSet.Members<Bytes> MEMBERS =
      new MemberSet.Members<>() {
        @Override
        public long hash(Bytes member) {
          return Hash64.of(member.array());
        }

        @Override
        public long footprint(Bytes member) {
          return Footprint.array(member.size());
        }
      };

  /** So many expired keys are looked at for one that may go. */
  private static final int EXPIRED_LOOKED_AT_MAX = 16;

  private final Origins origins;
  private final int bucketBits;
  private final Defect defect;
  private final Decider decider;
  private final int chunkMax;
  private final KeyTable table;
  private final ExpiryIndex expiry;
  private final Residuals residuals = new Residuals();
  private final BitSet settled = new BitSet();
  private final long[] bucketDigests;
  private long digest;
  private long footprint;
  private long liveEntries;
  private final @Nullable Recency recency;
  private @Nullable Watching watching;

  public Keyspace(Origins origins, Limits limits, Defect defect) {
    this.origins = origins;
    this.bucketBits = limits.digestBucketBits();
    this.defect = defect;
    decider = new Decider(this, limits, defect);
    table = new KeyTable(bucketBits);
    bucketDigests = new long[1 << bucketBits];
    boolean evicts = limits.capacity().eviction() == Capacity.Eviction.LRU;
    recency = evicts ? new Recency(table) : null;
    expiry = new ExpiryIndex(1 << bucketBits);
    chunkMax = limits.collectionChunkMax();
  }

  /** From now on commands are held to these limits; what is held already stays. */
  public void limits(Limits limits) {
    decider.limits(limits);
  }

  public Origins origins() {
    return origins;
  }

  /** Hears of changes of the keys it wants. */
  public interface Watching {
    /** Whether changes of this key are to be told. */
    boolean wants(Key key);

    /**
     * A key was written, or is gone.
     *
     * @param value what it shows as a string or counter; null when it shows neither any more
     */
    void changed(Key key, @Nullable Bytes value);
  }

  /**
   * Tells of changes from now on, whatever causes them; null for nobody. What is told is the
   * replicated state, for which a key expires when its removal is applied.
   */
  public void watch(@Nullable Watching who) {
    watching = who;
  }

  /** What a key shows to those who can read strings and counters only. */
  private record Shown(long winner, @Nullable Bytes value) {}

  /** What a watched key shows; null for one that nobody watches. */
  private @Nullable Shown shownIfWatched(Key key, @Nullable Entry entry) {
    if (watching == null || !watching.wants(key)) return null;
    if (entry == null) return NOT_SHOWN;
    Register versions = entry.register();
    long winner = versions == null ? Dot.NONE : Register.winner(versions, origins).dot;
    return new Shown(winner, entry.scalar(origins));
  }

  private void tellIfChanged(Key key, Entry entry, @Nullable Shown before) {
    Shown after = before == null ? null : shownIfWatched(key, entry);
    if (after == null || before == null || watching == null) return;
    boolean same = after.value == null ? before.value == null : after.equals(before);
    if (same) return;
    watching.changed(key, after.value);
  }

  /** What an entry shows as a string or counter, see {@link Entry#scalar}. */
  public @Nullable Bytes scalar(Entry entry) {
    return entry.scalar(origins);
  }

  /** Entries held, hidden, expired and residual ones included. */
  public long size() {
    return table.size();
  }

  /**
   * What the live content takes in memory, bytes, by {@link org.natskvcache.crdt.Footprint}: equal
   * wherever the same mutations are included, 0 when nothing shows. Residuals, which only their
   * owners can free, are not part of it.
   */
  public long footprint() {
    return footprint;
  }

  /** What of {@link #footprint()} is under one key, bytes. */
  public long footprint(Key key) {
    Entry entry = find(key);
    return entry == null ? 0 : entry.footprint();
  }

  /** Entries that hold more than residuals. */
  public long liveEntries() {
    return liveEntries;
  }

  /** What an operation adds at most to {@link #footprint()}, bytes; 0 if it only takes away. */
  public static long growthMax(Op op) {
    return Growth.most(op);
  }

  /**
   * What an operation decided here will add to {@link #footprint()}, bytes; not positive if it
   * leaves no more than before.
   *
   * @param me the slot of its author
   */
  public long growth(Op op, int me) {
    return Growth.of(op, find(op.key()), me);
  }

  /** The sum of all bucket digests: equal wherever the same mutations are included. */
  public long digest() {
    return digest;
  }

  public long bucketDigest(int bucket) {
    return bucketDigests[bucket];
  }

  /** The digest bucket of a key: the first bits of its hash. */
  public int bucket(Key key) {
    return table.bucket(KeyTable.hash(key));
  }

  /** How many digest buckets there are. */
  public int buckets() {
    return bucketDigests.length;
  }

  /** Takes keys in the unsigned order of their hashes. */
  public interface DigestVisitor {
    /** False ends the walk. */
    boolean key(Key key, long hash, long digest);
  }

  /**
   * Walks the keys of a bucket whose hash is at least {@code start}, unsigned, with the digest of
   * what is held under each, computed anew. Left out are those that contribute nothing to the
   * bucket's digest: leftovers of deleted counters, of which replicas may hold different ones.
   */
  public void digests(int bucket, long start, DigestVisitor visitor) {
    List<Entry> sorted = table.segment(bucket).entries();
    sorted.removeIf(entry -> Long.compareUnsigned(entry.hash(), start) < 0);
    sorted.sort((a, b) -> Long.compareUnsigned(a.hash(), b.hash()));
    for (Entry entry : sorted) {
      long its = entry.recomputedDigest(origins);
      if (its != 0 && !visitor.key(entry.key(), entry.hash(), its)) return;
    }
  }

  /**
   * Computes the digest of a bucket anew, and keeps that one: where memory has changed by itself,
   * the digest must say so for others to see.
   *
   * @return whether the one kept so far was right
   */
  public boolean verify(int bucket) {
    long sum = 0;
    for (Entry entry : table.segment(bucket).entries()) sum += entry.recomputedDigest(origins);
    long change = sum - bucketDigests[bucket];
    if (change == 0) return true;
    digest += change;
    bucketDigests[bucket] = sum;
    table.segment(bucket).forEach(entry -> entry.resum(origins));
    return false;
  }

  int bucketBits() {
    return bucketBits;
  }

  /** The entries of one bucket, in no order, as they are now, whatever changes later. */
  public List<Entry> frozen(int bucket) {
    List<Entry> frozen = new ArrayList<>(table.segment(bucket).size());
    table.segment(bucket).forEach(entry -> frozen.add(entry.frozen()));
    return frozen;
  }

  ItemList newList() {
    return new ItemList(origins, chunkMax);
  }

  MemberSet<Bytes> newSet() {
    return new MemberSet<>(MEMBERS, chunkMax);
  }

  public void forEach(Consumer<Entry> visitor) {
    table.forEach(visitor);
  }

  @Nullable Entry find(Key key) {
    return table.find(key, KeyTable.hash(key));
  }

  /** A command reads this entry. */
  void used(Entry entry) {
    if (recency != null) recency.used(entry);
  }

  void from(long cursor, KeyTable.Run run) {
    table.from(cursor, run);
  }

  /** Why a command writes more than the limits allow; null when it does not. */
  public @Nullable Reply oversized(Command command) {
    return decider.oversized(command);
  }

  /**
   * Decides a command, changing nothing.
   *
   * @param nowMillis wall time here, milliseconds since 1970
   * @param hlc the hybrid clock the operation will have
   * @param me the slot of the author to be
   */
  public Decision decide(Command command, long nowMillis, long hlc, int me) {
    return decider.decide(command, new Decider.Moment(nowMillis, hlc, me));
  }

  /** The live counter chains of an entry. */
  Observed observed(@Nullable Entry entry) {
    int live = 0;
    Chain chains = entry == null ? null : entry.chains();
    for (Chain c = chains; c != null; c = c.next) if (!c.dead()) live++;
    if (live == 0) return Observed.NOTHING;
    Observed seen = new Observed(new int[live], new long[live], new long[live]);
    int i = 0;
    for (Chain c = chains; c != null; c = c.next) {
      if (c.dead()) continue;
      seen.slots()[i] = c.slot;
      seen.lasts()[i] = c.last;
      seen.sums()[i++] = c.sum;
    }
    return seen;
  }

  /**
   * Applies a mutation that is next in causal order.
   *
   * @param seen everything its author had applied before it
   * @param me our own slot
   * @return null, or how the mutation contradicts what is held here: a fault of its author's or of
   *     our memory
   */
  public @Nullable String apply(Mutation mutation, VersionVector seen, int me) {
    int author = Dot.slot(mutation.dot());
    acknowledge(author, seen);
    Op op = mutation.op();
    long hash = KeyTable.hash(op.key());
    Entry found = table.find(op.key(), hash);
    long held = found == null ? 0 : found.footprint();
    DigestSum change = new DigestSum(origins, hash);
    Shown before = shownIfWatched(op.key(), found);
    Entry entry;
    String contradiction = null;
    if (found != null && op instanceof Op.Put put && found.overwrite(mutation, put, seen, change)) {
      entry = found;
    } else {
      FacetEntry opened = found == null ? new FacetEntry(op.key(), hash) : found.opened();
      contradiction = new Change(opened, mutation, seen, author, me, change).carryOut(op);
      entry = opened;
    }
    used(entry);
    finish(hash, found, entry, change.sum(), held);
    tellIfChanged(op.key(), entry, before);
    return contradiction;
  }

  /**
   * Brings what is known of the whole up to date after a change of one entry.
   *
   * @param found what the table holds of its key
   * @param entry what it came to
   * @param digestChange how its digest changed
   * @param held its footprint before
   */
  private void finish(long hash, @Nullable Entry found, Entry entry, long digestChange, long held) {
    int bucket = table.bucket(hash);
    digest += digestChange;
    bucketDigests[bucket] += digestChange;
    count(held, entry.footprint());
    expiry.update(bucket, entry);
    table.exchange(found, entry.kept());
  }

  private void count(long held, long holds) {
    footprint += holds - held;
    liveEntries += Long.signum(holds) - Long.signum(held);
  }

  /** One mutation being applied to one entry. */
  private final class Change {
    private final FacetEntry entry;
    private final Mutation mutation;
    private final VersionVector seen;
    private final int author;
    private final int me;
    private final DigestSum change;

    Change(
        FacetEntry entry,
        Mutation mutation,
        VersionVector seen,
        int author,
        int me,
        DigestSum change) {
      this.entry = entry;
      this.mutation = mutation;
      this.seen = seen;
      this.author = author;
      this.me = me;
      this.change = change;
    }

    @Nullable String carryOut(Op op) {
      String contradiction = null;
      switch (op) {
        case Op.Put(var key, var value, var expireAt, var observed) -> {
          cover(observed);
          put(value, expireAt);
        }
        case Op.Delete(var key, var observed, var expired) -> cover(observed);
        case Op.Increment increment -> {
          if (increment.reset() != null) cover(increment.reset());
          contradiction = increment(increment);
        }
        case Op.AddMember(var key, var member, var reset) -> {
          if (reset != null) cover(reset);
          if (entry.set == null) entry.set = newSet();
          entry.set.add(member, mutation.dot(), seen, change);
        }
        case Op.RemoveMember(var key, var member) -> {
          if (entry.set != null) entry.set.remove(member, seen, change);
        }
        case Op.Append(var key, var position, var value, var reset) -> {
          if (reset != null) cover(reset);
          if (entry.list == null) entry.list = newList();
          entry.list.add(position, mutation.dot(), value.array(), change);
        }
        case Op.RemoveItem(var key, var position, var dot) -> {
          // where the item is not here yet it will come, so elsewhere it must stay too
          boolean saw = seen.covers(dot) || defect == Defect.REMOVES_UNSEEN_ITEM;
          if (entry.list != null && saw) entry.list.remove(position, dot, change);
        }
      }
      if (defect == Defect.LOSING_TYPE_REMOVED) removeLosers();
      trim();
      return contradiction;
    }

    private void put(Bytes value, long expireAtMillis) {
      Register version =
          new Register(
              mutation.dot(), mutation.hlc(), expireAtMillis, value.array(), entry.register);
      entry.register = Register.counted(version, change);
      if (defect == Defect.REGISTER_KEEPS_WINNER_ONLY && version.next != null) {
        Register winner = Register.winner(version, origins);
        entry.register =
            new Register(winner.dot, winner.hlc, winner.expireAtMillis, winner.value, null);
      }
    }

    private @Nullable String increment(Op.Increment op) {
      Chain chain = Chain.find(entry.chains, author);
      boolean overLive = op.fresh() && chain != null && !chain.dead();
      if (op.fresh() && chain != null) {
        entry.chains = Chain.without(entry.chains, chain, change);
        chain = null;
      }
      boolean missing = !op.fresh() && chain == null;
      if (chain == null) {
        chain = new Chain(author, Dot.sequence(mutation.dot()));
        chain.next = entry.chains;
        entry.chains = chain;
      }
      chain.extend(Dot.sequence(mutation.dot()), op.delta(), change);
      if (overLive) return "a new counter chain over a live one";
      if (missing) return "an increment of a counter chain that is not here";
      return chain.sum == op.sum() ? null : "a counter sum that differs from its author's";
    }

    /** Removes everything the author had seen under this key. */
    private void cover(Observed observed) {
      entry.register = Register.cover(entry.register, seen, change);
      if (entry.list != null) entry.list.cover(seen, change);
      if (entry.set != null) entry.set.cover(seen, change);
      if (defect == Defect.COUNTER_NEWEST_DOT_WINS) {
        for (Chain c = entry.chains; c != null; c = c.next) {
          if (c.last <= seen.get(c.slot)) entry.chains = Chain.without(entry.chains, c, change);
        }
        return;
      }
      if (entry.chains == null) return;
      IntUnaryOperator places = observed.places();
      Chain kept = null;
      for (Chain c = entry.chains; c != null; c = c.next) {
        int place = places.applyAsInt(c.slot);
        if (place < 0 || !goes(c, observed.lasts()[place], observed.sums()[place])) {
          kept = c;
        } else {
          change.subtract(c.hash(change));
          if (kept == null) entry.chains = c.next;
          else kept.next = c.next;
        }
      }
    }

    /** Resets a chain up to what the author saw of it; whether it need not even be kept. */
    private boolean goes(Chain chain, long last, long sum) {
      boolean saw = last <= seen.get(chain.slot) || defect == Defect.RESETS_UNSEEN_INCREMENTS;
      if (!saw) return false;
      boolean moved = chain.reset(last, sum, mutation.dot(), defect, change);
      if (!chain.dead()) return false;
      if (chain.slot == author) return true; // whoever reset it before, its owner does not go on
      if (!moved) return false;
      boolean ownerKnows = chain.slot == me || settled.get(chain.slot);
      if (ownerKnows || defect == Defect.RESIDUAL_DROPPED_AT_ONCE) return true;
      if (chain.resetDot != Dot.NONE) residuals.add(chain.slot, chain.resetDot, entry);
      return false;
    }

    private void removeLosers() {
      if (entry.list != null && !entry.list.isEmpty()) {
        entry.set = null;
        entry.register = null;
      } else if (entry.set != null && !entry.set.isEmpty()) {
        entry.register = null;
      }
    }

    private void trim() {
      if (entry.list != null && entry.list.isEmpty()) entry.list = null;
      if (entry.set != null && entry.set.isEmpty()) entry.set = null;
    }
  }

  /**
   * Drops the residuals of {@code owner} whose reset is within {@code row}, what the owner has
   * seen.
   */
  public void acknowledge(int owner, VersionVector row) {
    List<Residuals.Waiting> acknowledged = residuals.acknowledged(owner, row);
    for (Residuals.Waiting waiting : acknowledged) drop(owner, waiting);
  }

  /**
   * Drops all residuals of an owner that will never write again and all of whose mutations are
   * applied.
   */
  public void settle(int owner) {
    settled.set(owner);
    for (Residuals.Waiting waiting : residuals.all(owner)) drop(owner, waiting);
  }

  /** An owner that was taken for one that will never write again does. */
  public void unsettle(int owner) {
    settled.clear(owner);
  }

  /** Marks the slots that entries refer to. */
  public void markSlots(BitSet used) {
    table.forEach(entry -> entry.markSlots(used));
  }

  /** A slot gets another owner; no entry refers to it. */
  public void vacate(int slot) {
    settled.clear(slot);
  }

  private void drop(int owner, Residuals.Waiting waiting) {
    FacetEntry entry = waiting.entry();
    Chain chain = Chain.find(entry.chains, owner);
    if (chain == null || !chain.dead()) return;
    if (chain.resetDot != waiting.resetDot() && !settled.get(owner)) return;
    entry.chains = Chain.without(entry.chains, chain, new DigestSum(origins, entry.hash));
    if (entry.chains == null && find(entry.key()) == entry) table.exchange(entry, entry.kept());
  }

  /**
   * What of a joined-in snapshot decides the fate of residuals.
   *
   * @param rule the rule for dots
   * @param me our own slot
   * @param ownerHasSeen whether the chain's owner, by either side's knowledge, has seen the reset
   *     of a dead chain
   */
  public record Joining(Join rule, int me, Predicate<Chain> ownerHasSeen) {}

  KeyTable.Segment segment(int bucket) {
    return table.segment(bucket);
  }

  /** What the entries of a bucket come to. */
  static final class Sums {
    private final Origins origins;
    private long digest;
    private long footprint;
    private long liveEntries;

    Sums(Origins origins) {
      this.origins = origins;
    }

    void add(Entry entry) {
      count(entry, 1);
    }

    void subtract(Entry entry) {
      count(entry, -1);
    }

    private void count(Entry entry, long times) {
      long holds = entry.footprint();
      digest += times * entry.digest(origins);
      footprint += times * holds;
      liveEntries += times * Long.signum(holds);
    }
  }

  /** Puts other entries in the place of all of a bucket. */
  void replace(int bucket, KeyTable.Segment with, Sums sums, ExpiryIndex.Bucket expiring) {
    table.segment(bucket).forEach(entry -> count(entry.footprint(), 0));
    digest += sums.digest - bucketDigests[bucket];
    bucketDigests[bucket] = sums.digest;
    footprint += sums.footprint;
    liveEntries += sums.liveEntries;
    table.replace(bucket, with);
    expiry.replace(expiring);
    if (watching == null) return;
    with.forEach(entry -> tellIfChanged(entry.key(), entry, NOT_SHOWN));
  }

  private static final Shown NOT_SHOWN = new Shown(Dot.NONE, null);

  /** Puts an entry back that {@link #replace} put away. */
  void add(Entry entry) {
    table.add(entry);
    entry.indexedAtMillis(Entry.NEVER);
    finish(entry.hash(), entry, entry, entry.digest(origins), 0);
  }

  /** Joins one entry of a snapshot into ours; theirs stays as it is. */
  void join(Entry theirs, Joining joining) {
    Key key = theirs.key();
    long hash = theirs.hash();
    Entry found = table.find(key, hash);
    if (found == null && theirs.isEmpty()) return;
    Shown shownBefore = shownIfWatched(key, found);
    long held = found == null ? 0 : found.footprint();
    long before = found == null ? 0 : found.digest(origins);
    FacetEntry mine = found == null ? new FacetEntry(key, hash) : found.opened();
    Join rule = joining.rule();
    DigestSum collections = new DigestSum(origins, hash);
    mine.register = Register.join(mine.register, theirs.register(), rule);
    if (mine.list != null || theirs.list() != null) {
      ItemList list = mine.list == null ? newList() : mine.list;
      ItemList theirList = theirs.list();
      list.join(theirList == null ? newList() : theirList, rule, collections);
      mine.list = list.isEmpty() ? null : list;
    }
    if (mine.set != null || theirs.set() != null) {
      MemberSet<Bytes> set = mine.set == null ? newSet() : mine.set;
      MemberSet<Bytes> theirSet = theirs.set();
      set.join(theirSet == null ? newSet() : theirSet, rule, collections);
      mine.set = set.isEmpty() ? null : set;
    }
    mine.chains = joinChains(mine, theirs.chains(), joining);
    finish(hash, found, mine, mine.digest(origins) - before, held);
    tellIfChanged(key, mine, shownBefore);
  }

  private @Nullable Chain joinChains(
      FacetEntry entry, @Nullable Chain theirChains, Joining joining) {
    Chain mine = entry.chains;
    Chain theirs = Chain.frozen(theirChains);
    if (mine == null && theirs == null) return null;
    IntFunction<@Nullable Chain> ofTheirs = Chain.finder(theirs);
    IntFunction<@Nullable Chain> ofMine = Chain.finder(mine);
    List<Chain> joined = new ArrayList<>();
    for (Chain c = mine; c != null; c = c.next) {
      Chain one = Chain.join(c, ofTheirs.apply(c.slot), joining.rule());
      if (one != null) joined.add(one);
    }
    for (Chain c = theirs; c != null; c = c.next) {
      Chain one = ofMine.apply(c.slot) == null ? Chain.join(null, c, joining.rule()) : null;
      if (one != null) joined.add(one);
    }
    Chain chains = null;
    for (Chain c : joined) {
      boolean ownerKnows =
          c.slot == joining.me() || settled.get(c.slot) || joining.ownerHasSeen().test(c);
      if (c.dead() && ownerKnows) continue;
      if (c.dead() && c.resetDot != Dot.NONE) residuals.add(c.slot, c.resetDot, entry);
      c.next = chains;
      chains = c;
    }
    return chains;
  }

  /** When the next key expires, wall time in milliseconds; {@link Entry#NEVER} if none does. */
  public long nextExpiryMillis() {
    Entry first = expiry.first();
    return first == null ? Entry.NEVER : first.indexedAtMillis();
  }

  /**
   * The key that expired first of those that have at this wall time and are still held; or null.
   */
  public @Nullable Key firstExpired(long nowMillis) {
    Entry first = expiry.first();
    return first == null || first.indexedAtMillis() > nowMillis ? null : first.key();
  }

  /** Which expired keys are wanted. */
  public interface ExpiredFilter {
    boolean wanted(int bucket, long expiredAtMillis);
  }

  /**
   * The removal of a key whose room is wanted: one that expired, else, where the limits say so, one
   * not used for long. Null if there is none that may go.
   *
   * @param nowMillis wall time here, milliseconds since 1970
   * @param spared a key that must stay; null for none
   * @param buckets the digest buckets to choose from
   */
  public Op.@Nullable Delete dispensable(
      long nowMillis, @Nullable Key spared, IntPredicate buckets) {
    List<Entry> expired = new ArrayList<>();
    expiry.expired(
        nowMillis,
        buckets,
        entry -> {
          expired.add(entry);
          return expired.size() < EXPIRED_LOOKED_AT_MAX;
        });
    for (Entry e : expired) {
      if (mayGo(e, spared, buckets)) return new Op.Delete(e.key(), observed(e), true);
    }
    Entry coldest = recency == null ? null : recency.coldest(e -> mayGo(e, spared, buckets));
    return coldest == null ? null : new Op.Delete(coldest.key(), observed(coldest), false);
  }

  private boolean mayGo(Entry entry, @Nullable Key spared, IntPredicate buckets) {
    return entry.type() != Entry.Type.NONE
        && (spared == null || !entry.isOf(spared, entry.hash()))
        && buckets.test(table.bucket(entry.hash()));
  }

  /**
   * Removals of keys that expired at or before {@code until}.
   *
   * @param most how many at most
   */
  public List<Op.Delete> expired(long until, int most, ExpiredFilter filter) {
    List<Op.Delete> removals = new ArrayList<>();
    expiry.expired(
        until,
        bucket -> true,
        entry -> {
          if (filter.wanted(table.bucket(entry.hash()), entry.indexedAtMillis())) {
            removals.add(new Op.Delete(entry.key(), observed(entry), true));
          }
          return removals.size() < most;
        });
    return removals;
  }

  /**
   * The digest computed anew from everything held; equal to {@link #digest()} unless memory or code
   * is at fault.
   */
  public long recomputedDigest() {
    long[] sum = new long[1];
    table.forEach(entry -> sum[0] += entry.recomputedDigest(origins));
    return sum[0];
  }

  /** The account computed anew; equal to {@link #footprint()} unless memory or code is at fault. */
  public long recomputedFootprint() {
    long[] sum = new long[1];
    table.forEach(entry -> sum[0] += entry.recomputedFootprint(this));
    return sum[0];
  }
}
