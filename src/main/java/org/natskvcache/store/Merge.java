package org.natskvcache.store;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Join;
import org.natskvcache.crdt.Register;

/**
 * The state of another replica on its way into a keyspace: read entry by entry while the keyspace
 * goes on, then joined in one step, {@link #finish}. That step is short because most of the work is
 * done before it, at the end of each bucket.
 *
 * <p>What can be known before: a key that nobody writes until the end joins then as it would now. A
 * dot of theirs can become one that was applied here only by a mutation of that key. So the keys
 * that need a join are noted when their bucket is complete (both sides differ), and when they are
 * written later ({@link #touched}); a bucket that has little here and much there is taken over
 * whole, and what is here is joined into it.
 *
 * <p>Mutable; owned by the node. Until {@code finish} nothing here can be seen in the keyspace.
 */
public final class Merge {
  /** A bucket with so many times the entries there than here is taken over. */
  private static final int TAKE_OVER_TIMES = 4;

  private static final class Arriving {
    final KeyTable.Segment theirs;
    final ExpiryIndex.Bucket expiring;

    /** Those of {@code theirs}, for a bucket to be taken over. */
    final Keyspace.Sums sums;

    boolean complete;
    boolean takeOver;

    /** Keys to be joined. */
    Set<Key> open = new LinkedHashSet<>();

    /** Whether all keys are to be joined: there are too many open ones to list. */
    boolean allOpen;

    Arriving(int bucket, Keyspace keyspace) {
      theirs = new KeyTable.Segment(keyspace.bucketBits());
      sums = new Keyspace.Sums(keyspace.origins());
      expiring = new ExpiryIndex.Bucket(bucket);
    }

    void open(Key key) {
      if (allOpen) return;
      open.add(key);
      if (open.size() <= OPEN_MIN || open.size() <= 2 * theirs.size()) return;
      allOpen = true;
      open = Set.of();
    }
  }

  /** So many open keys are listed, however small the bucket is. */
  private static final int OPEN_MIN = 1_000;

  final Keyspace keyspace;
  final Join rule;
  private final Arriving[] buckets;

  /**
   * Begins; nothing has been read.
   *
   * @param rule with the live vector of what is applied here, and the vector of their whole state
   */
  public Merge(Keyspace keyspace, Join rule) {
    this.keyspace = keyspace;
    this.rule = rule;
    buckets = new Arriving[keyspace.buckets()];
    for (int i = 0; i < buckets.length; i++) buckets[i] = new Arriving(i, keyspace);
  }

  /** Begins to read an entry of theirs; null if it was read before. */
  public @Nullable EntryLoader loader(int bucket, Key key) {
    EntryLoader loader = new EntryLoader(key, this);
    boolean belongs = keyspace.bucket(key) == bucket;
    boolean known = buckets[bucket].theirs.find(key, loader.entry.hash) != null;
    return belongs && !known ? loader : null;
  }

  void add(EntryLoader loader) {
    Entry entry = loader.entry.kept();
    if (entry == null) return;
    Arriving arriving = buckets[keyspace.bucket(entry.key())];
    arriving.theirs.add(entry);
    if (loader.covered) arriving.open(entry.key());
  }

  /** Something of this key is about to change, or has changed, in the keyspace. */
  public void touched(Key key) {
    buckets[keyspace.bucket(key)].open(key);
  }

  /** All of a bucket is read. */
  public void complete(int bucket) {
    Arriving arriving = buckets[bucket];
    KeyTable.Segment mine = keyspace.segment(bucket);
    arriving.complete = true;
    arriving.takeOver = mine.size() * TAKE_OVER_TIMES <= arriving.theirs.size();
    if (arriving.takeOver) {
      arriving.theirs.forEach(entry -> {
        arriving.sums.add(entry);
        arriving.expiring.update(entry);
      });
      return;
    }
    arriving.open = new LinkedHashSet<>();
    arriving.allOpen = false;
    mine.forEach(entry -> {
      Entry theirs = arriving.theirs.find(entry.key(), entry.hash());
      if (theirs == null ? !staysAlone(entry) : !same(entry, theirs)) arriving.open(entry.key());
    });
    arriving.theirs.forEach(entry -> {
      if (mine.find(entry.key(), entry.hash()) == null) arriving.open(entry.key());
    });
  }

  /** Whether an entry that they do not have stays as it is. */
  private boolean staysAlone(Entry mine) {
    if (mine.onlyDot() != Dot.NONE) return rule.keepsMine(mine.onlyDot(), false);
    for (Register r = mine.register(); r != null; r = r.next) {
      if (!rule.keepsMine(r.dot, false)) return false;
    }
    for (Chain c = mine.chains(); c != null; c = c.next) {
      if (c.start <= rule.theirsSeen().get(c.slot)) return false;
    }
    return mine.list() == null && mine.set() == null;
  }

  /** Whether both sides surely hold the same; collections are not looked through. */
  private static boolean same(Entry mine, Entry theirs) {
    return mine.onlyDot() != Dot.NONE && mine.onlyDot() == theirs.onlyDot();
  }

  /**
   * Joins everything that was read into the keyspace; buckets that are not complete are left out.
   * This is not to be used again.
   *
   * @param me our own slot
   * @param ownerHasSeen whether the owner of a dead chain, by either side's knowledge, has seen the
   *     reset
   * @param beforeChange told of each bucket that is about to change
   */
  public void finish(int me, Predicate<Chain> ownerHasSeen, IntConsumer beforeChange) {
    var joining = new Keyspace.Joining(rule, me, ownerHasSeen);
    for (int bucket = 0; bucket < buckets.length; bucket++) {
      Arriving arriving = buckets[bucket];
      if (!arriving.complete) continue;
      boolean takeOver =
          arriving.takeOver
              && !arriving.allOpen
              && keyspace.segment(bucket).size() <= arriving.theirs.size();
      if (!takeOver && !arriving.allOpen && !arriving.takeOver && arriving.open.isEmpty()) continue;
      beforeChange.accept(bucket);
      if (takeOver) takeOver(bucket, arriving, joining);
      else if (arriving.takeOver || arriving.allOpen) joinAll(bucket, arriving.theirs, joining);
      else for (Key key : arriving.open) join(key, arriving.theirs, joining);
    }
  }

  private void joinAll(int bucket, KeyTable.Segment theirs, Keyspace.Joining joining) {
    for (Entry mine : keyspace.segment(bucket).entries()) join(mine.key(), theirs, joining);
    for (Entry entry : theirs.entries()) {
      if (keyspace.find(entry.key()) == null) join(entry.key(), theirs, joining);
    }
  }

  private void join(Key key, KeyTable.Segment theirs, Keyspace.Joining joining) {
    long hash = KeyTable.hash(key);
    Entry other = theirs.find(key, hash);
    keyspace.join(other == null ? new FacetEntry(key, hash) : other, joining);
  }

  private void takeOver(int bucket, Arriving arriving, Keyspace.Joining joining) {
    KeyTable.Segment mine = keyspace.segment(bucket);
    var apart = new KeyTable.Segment(keyspace.bucketBits());
    mine.forEach(entry -> moveApart(entry.key(), arriving, apart));
    for (Key key : arriving.open) moveApart(key, arriving, apart);
    List<Entry> held = mine.entries();
    keyspace.replace(bucket, arriving.theirs, arriving.sums, arriving.expiring);
    for (Entry entry : held) keyspace.add(entry);
    for (Entry entry : held) join(entry.key(), apart, joining);
    for (Entry entry : apart.entries()) {
      if (keyspace.find(entry.key()) == null) join(entry.key(), apart, joining);
    }
  }

  /** Takes what they have of a key out of what is taken over. */
  private void moveApart(Key key, Arriving arriving, KeyTable.Segment apart) {
    Entry entry = arriving.theirs.find(key, KeyTable.hash(key));
    if (entry == null) return;
    arriving.sums.subtract(entry);
    arriving.expiring.remove(entry);
    arriving.theirs.remove(entry);
    apart.add(entry);
  }
}
