package org.natskvcache.store;

import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.ItemList;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;

/** Fills an entry that belongs to no keyspace yet, as it is read from a snapshot. */
public final class EntryLoader {
  private final Entry entry;
  private final Origins origins;

  public EntryLoader(Key key, Origins origins) {
    entry = new Entry(key, KeyTable.hash(key));
    this.origins = origins;
  }

  public void register(long dot, long hlc, long expireAtMillis, byte[] value) {
    entry.register = new Register(dot, hlc, expireAtMillis, value, entry.register);
  }

  public void chain(Chain chain) {
    chain.next = entry.chains;
    entry.chains = chain;
  }

  public void item(long position, long dot, byte[] value) {
    if (entry.list == null) entry.list = new ItemList(origins);
    entry.list.load(position, dot, value);
  }

  public void member(Bytes member, long[] dots) {
    if (entry.set == null) entry.set = new MemberSet<>(Keyspace.MEMBERS);
    entry.set.load(member, dots);
  }

  /** The entry, which is not to be filled further. */
  public Entry entry() {
    return entry;
  }
}
