package org.natskvcache.store;

import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.DigestSum;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Register;

/**
 * Fills an entry that belongs to no keyspace yet, piece by piece, as it is read from a snapshot.
 */
public final class EntryLoader {
  final FacetEntry entry;
  private final Merge merge;
  private final DigestSum digest;

  private long lastPosition = -1;
  private long lastDot = Dot.NONE;

  /** Whether some of it, by what is applied here, may have been removed here. */
  boolean covered;

  EntryLoader(Key key, Merge merge) {
    entry = new FacetEntry(key, KeyTable.hash(key));
    this.merge = merge;
    digest = new DigestSum(merge.keyspace.origins(), entry.hash);
  }

  private void saw(long dot) {
    covered |= merge.rule.mineSeen().covers(dot);
  }

  /** Adds a version of the string. */
  public void register(long dot, long hlc, long expireAtMillis, byte[] value) {
    saw(dot);
    entry.register = new Register(dot, hlc, expireAtMillis, value, entry.register);
  }

  /** Adds a counter's chain. */
  public void chain(Chain chain) {
    // a dead one may have to go at once
    covered |= chain.dead() || chain.start <= merge.rule.mineSeen().get(chain.slot);
    chain.next = entry.chains;
    entry.chains = chain;
  }

  /** Adds an item; false if it does not come after those that are there. */
  public boolean item(long position, long dot, byte[] value) {
    saw(dot);
    boolean follows =
        position > lastPosition
            || position == lastPosition && merge.keyspace.origins().compare(lastDot, dot) < 0;
    if (!follows) return false;
    lastPosition = position;
    lastDot = dot;
    if (entry.list == null) entry.list = merge.keyspace.newList();
    return entry.list.add(position, dot, value, digest);
  }

  /** Adds a dot of a member; false if it is there already. */
  public boolean member(Bytes member, long dot) {
    saw(dot);
    if (entry.set == null) entry.set = merge.keyspace.newSet();
    return entry.set.load(member, dot, digest);
  }

  /** Nothing more comes for this entry. */
  public void done() {
    merge.add(this);
  }
}
