package org.natskvcache.store;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
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
  private final KeyTable table;
  private final ExpiryIndex expiry = new ExpiryIndex();
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

  /** What a watched entry shows; null for one that nobody watches. */
  private @Nullable Shown shownIfWatched(Entry entry) {
    if (watching == null || !watching.wants(entry.key())) return null;
    long winner = entry.register == null ? Dot.NONE : Register.winner(entry.register, origins).dot;
    return new Shown(winner, scalar(entry));
  }

  private void tellIfChanged(Entry entry, @Nullable Shown before) {
    Shown after = before == null ? null : shownIfWatched(entry);
    if (after == null || before == null || watching == null) return;
    boolean same = after.value == null ? before.value == null : after.equals(before);
    if (same) return;
    watching.changed(entry.key(), after.value);
  }

  /**
   * What an entry shows as a string or counter, which is decimal text; null when it shows neither.
   * The local clock has no say: an expired one still shows.
   */
  public @Nullable Bytes scalar(Entry entry) {
    if (entry.type() != Entry.Type.SCALAR) return null;
    if (entry.register == null) return Decimal.format(Chain.total(entry.chains));
    byte[] text = Register.winner(entry.register, origins).value;
    Long number = Chain.anyLive(entry.chains) ? Decimal.parse(text) : null;
    return number == null ? new Bytes(text) : Decimal.format(number + Chain.total(entry.chains));
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
    return bucketOf(KeyTable.hash(key));
  }

  private int bucketOf(long hash) {
    return bucketBits == 0 ? 0 : (int) (hash >>> (64 - bucketBits));
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
    List<Entry> sorted = entries(bucket);
    sorted.removeIf(entry -> Long.compareUnsigned(entry.hash, start) < 0);
    sorted.sort((a, b) -> Long.compareUnsigned(a.hash, b.hash));
    for (Entry entry : sorted) {
      long its = entry.digest(origins);
      if (its != 0 && !visitor.key(entry.key(), entry.hash, its)) return;
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
    for (Entry entry : entries(bucket)) sum += entry.digest(origins);
    long change = sum - bucketDigests[bucket];
    digest += change;
    bucketDigests[bucket] = sum;
    return change == 0;
  }

  /** The entries of one bucket, in no order. */
  public List<Entry> entries(int bucket) {
    return table.bucket(bucket, bucketBits);
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
    Chain chains = entry == null ? null : entry.chains;
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
    Entry entry = table.find(op.key(), hash);
    if (entry == null) {
      entry = new Entry(op.key(), hash);
      table.add(entry);
    }
    long held = entry.footprint();
    DigestSum change = new DigestSum(origins, hash);
    Change one = new Change(entry, mutation, seen, author, me, change);
    Shown before = shownIfWatched(entry);
    String contradiction = one.carryOut(op);
    finish(entry, change.sum(), held);
    used(entry);
    tellIfChanged(entry, before);
    return contradiction;
  }

  /**
   * Brings what is known of the whole up to date after a change of one entry.
   *
   * @param digestChange how its digest changed
   * @param held its footprint before
   */
  private void finish(Entry entry, long digestChange, long held) {
    digest += digestChange;
    bucketDigests[bucketOf(entry.hash)] += digestChange;
    long holds = entry.footprint();
    footprint += holds - held;
    liveEntries += Long.signum(holds) - Long.signum(held);
    expiry.update(entry);
    if (entry.isEmpty()) table.remove(entry);
  }

  /** One mutation being applied to one entry. */
  private final class Change {
    private final Entry entry;
    private final Mutation mutation;
    private final VersionVector seen;
    private final int author;
    private final int me;
    private final DigestSum change;

    Change(
        Entry entry, Mutation mutation, VersionVector seen, int author, int me, DigestSum change) {
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
          if (entry.set == null) entry.set = new MemberSet<>(MEMBERS);
          entry.set.add(member, mutation.dot(), seen, change);
        }
        case Op.RemoveMember(var key, var member) -> {
          if (entry.set != null) entry.set.remove(member, seen, change);
        }
        case Op.Append(var key, var position, var value, var reset) -> {
          if (reset != null) cover(reset);
          if (entry.list == null) entry.list = new ItemList(origins);
          entry.list.add(position, mutation.dot(), value.array(), change);
        }
        case Op.RemoveItem(var key, var position, var dot) -> {
          if (entry.list != null) entry.list.remove(position, dot, change);
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
      for (int i = 0; i < observed.size(); i++) {
        Chain chain = Chain.find(entry.chains, observed.slots()[i]);
        if (chain == null) continue;
        boolean moved =
            chain.reset(observed.lasts()[i], observed.sums()[i], mutation.dot(), defect, change);
        if (!moved || !chain.dead()) continue;
        boolean ownerKnows = chain.slot == me || chain.slot == author || settled.get(chain.slot);
        if (ownerKnows || defect == Defect.RESIDUAL_DROPPED_AT_ONCE) {
          entry.chains = Chain.without(entry.chains, chain, change);
        } else if (chain.resetDot != Dot.NONE) {
          residuals.add(chain.slot, chain.resetDot, entry);
        }
      }
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

  /** Marks the slots that entries refer to. */
  public void markSlots(BitSet used) {
    table.forEach(entry -> entry.markSlots(used));
  }

  /** A slot gets another owner; no entry refers to it. */
  public void vacate(int slot) {
    settled.clear(slot);
  }

  private void drop(int owner, Residuals.Waiting waiting) {
    Entry entry = waiting.entry();
    Chain chain = Chain.find(entry.chains, owner);
    if (chain == null || !chain.dead()) return;
    if (chain.resetDot != waiting.resetDot() && !settled.get(owner)) return;
    entry.chains = Chain.without(entry.chains, chain, new DigestSum(origins, entry.hash));
    if (entry.isEmpty() && find(entry.key()) == entry) table.remove(entry);
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

  /** Joins one bucket of a snapshot into ours; {@code theirs} is consumed. */
  public void join(int bucket, List<Entry> theirs, Joining joining) {
    Map<Key, Entry> theirEntries = new HashMap<>();
    for (Entry entry : theirs) theirEntries.put(entry.key(), entry);
    for (Entry mine : entries(bucket)) {
      Entry other = theirEntries.remove(mine.key());
      join(mine, other == null ? new Entry(mine.key(), mine.hash) : other, joining);
    }
    for (Entry other : theirs) {
      if (!theirEntries.containsKey(other.key())) continue;
      Entry mine = new Entry(other.key(), other.hash);
      table.add(mine);
      join(mine, other, joining);
    }
  }

  private void join(Entry mine, Entry theirs, Joining joining) {
    Shown shownBefore = shownIfWatched(mine);
    long held = mine.footprint();
    long before = mine.digest(origins);
    Join rule = joining.rule();
    mine.register = Register.join(mine.register, theirs.register, rule);
    if (mine.list != null || theirs.list != null) {
      ItemList list = mine.list == null ? new ItemList(origins) : mine.list;
      ItemList other = theirs.list == null ? new ItemList(origins) : theirs.list;
      ItemList joined = list.join(other, rule);
      mine.list = joined.isEmpty() ? null : joined;
    }
    if (mine.set != null || theirs.set != null) {
      MemberSet<Bytes> set = mine.set == null ? new MemberSet<>(MEMBERS) : mine.set;
      set.join(theirs.set == null ? new MemberSet<>(MEMBERS) : theirs.set, rule);
      mine.set = set.isEmpty() ? null : set;
    }
    mine.chains = joinChains(mine.chains, theirs.chains, joining);
    finish(mine, mine.digest(origins) - before, held);
    tellIfChanged(mine, shownBefore);
  }

  private @Nullable Chain joinChains(
      @Nullable Chain mine, @Nullable Chain theirs, Joining joining) {
    List<Chain> joined = new ArrayList<>();
    for (Chain c = mine; c != null; c = c.next) {
      Chain one = Chain.join(c, Chain.find(theirs, c.slot), joining.rule());
      if (one != null) joined.add(one);
    }
    for (Chain c = theirs; c != null; c = c.next) {
      Chain one = Chain.find(mine, c.slot) == null ? Chain.join(null, c, joining.rule()) : null;
      if (one != null) joined.add(one);
    }
    Chain chains = null;
    for (Chain c : joined) {
      boolean ownerKnows =
          c.slot == joining.me() || settled.get(c.slot) || joining.ownerHasSeen().test(c);
      if (c.dead() && ownerKnows) continue;
      c.next = chains;
      chains = c;
    }
    return chains;
  }

  /** Finds all residuals anew, after buckets were joined. */
  public void reindexResiduals() {
    residuals.clear();
    record Place(int owner, long resetDot, Entry entry) {}
    List<Place> places = new ArrayList<>();
    table.forEach(entry -> {
      for (Chain c = entry.chains; c != null; c = c.next) {
        if (c.dead()) places.add(new Place(c.slot, c.resetDot, entry));
      }
    });
    places.sort(Comparator.comparingLong(Place::resetDot));
    for (Place place : places) residuals.add(place.owner, place.resetDot, place.entry);
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
    int looked = 0;
    for (Entry e = expiry.first();
        e != null && e.indexedAtMillis() <= nowMillis && looked++ < EXPIRED_LOOKED_AT_MAX;
        e = expiry.after(e)) {
      if (mayGo(e, spared, buckets)) return new Op.Delete(e.key(), observed(e), true);
    }
    Entry coldest = recency == null ? null : recency.coldest(e -> mayGo(e, spared, buckets));
    return coldest == null ? null : new Op.Delete(coldest.key(), observed(coldest), false);
  }

  private boolean mayGo(Entry entry, @Nullable Key spared, IntPredicate buckets) {
    return entry.type() != Entry.Type.NONE
        && (spared == null || !entry.isOf(spared))
        && buckets.test(bucketOf(entry.hash));
  }

  /**
   * Removals of keys that expired at or before {@code until}.
   *
   * @param most how many at most
   */
  public List<Op.Delete> expired(long until, int most, ExpiredFilter filter) {
    List<Op.Delete> removals = new ArrayList<>();
    for (Entry e = expiry.first();
        e != null && e.indexedAtMillis() <= until && removals.size() < most;
        e = expiry.after(e)) {
      if (!filter.wanted(bucketOf(e.hash), e.indexedAtMillis())) continue;
      removals.add(new Op.Delete(e.key(), observed(e), true));
    }
    return removals;
  }

  /**
   * The digest computed anew from everything held; equal to {@link #digest()} unless memory or code
   * is at fault.
   */
  public long recomputedDigest() {
    long[] sum = new long[1];
    table.forEach(entry -> sum[0] += entry.digest(origins));
    return sum[0];
  }

  /** The account computed anew; equal to {@link #footprint()} unless memory or code is at fault. */
  public long recomputedFootprint() {
    long[] sum = new long[1];
    table.forEach(entry -> sum[0] += entry.recomputedFootprint(origins));
    return sum[0];
  }
}
