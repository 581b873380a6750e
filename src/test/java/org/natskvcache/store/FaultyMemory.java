package org.natskvcache.store;

import org.natskvcache.crdt.Register;

/** Changes what is held behind everybody's back, as a fault of memory would. */
public final class FaultyMemory {
  private FaultyMemory() {}

  /** Flips a bit of the string under a key; its digests do not notice. */
  public static void flip(Keyspace keyspace, Key key) {
    Entry entry = keyspace.find(key);
    if (entry instanceof FacetEntry facets && facets.register != null) {
      Register r = facets.register;
      byte[] rotten = r.value.clone();
      rotten[0] ^= 1;
      facets.register = new Register(r.dot, r.hlc, r.expireAtMillis, rotten, r.next);
    } else {
      entry.body = entry.body.clone();
      entry.body[entry.body.length - 1] ^= 1;
    }
  }
}
