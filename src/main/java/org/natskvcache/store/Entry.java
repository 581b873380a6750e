package org.natskvcache.store;

import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.DigestSum;
import org.natskvcache.crdt.ItemList;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;

/**
 * All that is held under one key. Normally one facet is there; concurrent writes of different types
 * leave several, of which one shows: string or counter before list before set. Mutable; owned by
 * the keyspace.
 */
public final class Entry {
  /** "Never", as a time. */
  public static final long NEVER = Long.MAX_VALUE;

  /** What an entry shows. */
  enum Type {
    SCALAR,
    LIST,
    SET,
    /** Nothing: only residuals are left. */
    NONE
  }

  final Key key;
  final long hash;

  /** Next in the table's chain. */
  @Nullable Entry next;

  @Nullable Register register;
  @Nullable Chain chains;
  @Nullable ItemList list;
  @Nullable MemberSet<Bytes> set;

  /** Where the expiry index holds this entry; {@link #NEVER} if it does not. */
  long indexedAtMillis = NEVER;

  Entry(Key key, long hash) {
    this.key = key;
    this.hash = hash;
  }

  public Key key() {
    return key;
  }

  public @Nullable Register register() {
    return register;
  }

  public @Nullable Chain chains() {
    return chains;
  }

  public @Nullable ItemList list() {
    return list;
  }

  public @Nullable MemberSet<Bytes> set() {
    return set;
  }

  Type type() {
    if (register != null || Chain.anyLive(chains)) return Type.SCALAR;
    if (list != null) return Type.LIST;
    return set != null ? Type.SET : Type.NONE;
  }

  /**
   * When the whole key expires: the latest expiry among the register's versions, one without expiry
   * being never.
   */
  long expireAtMillis() {
    if (register == null) return NEVER;
    long latest = 0;
    for (Register r = register; r != null; r = r.next) {
      latest = Math.max(latest, r.expireAtMillis == 0 ? NEVER : r.expireAtMillis);
    }
    return latest;
  }

  boolean visible(long nowMillis) {
    return type() != Type.NONE && expireAtMillis() > nowMillis;
  }

  boolean isEmpty() {
    return register == null && chains == null && list == null && set == null;
  }

  /** What it holds now, whatever changes later, at a cost that does not depend on its size. */
  Entry frozen() {
    Entry frozen = new Entry(key, hash);
    frozen.register = register;
    frozen.chains = Chain.frozen(chains);
    frozen.list = list == null ? null : list.frozen();
    frozen.set = set == null ? null : set.frozen();
    return frozen;
  }

  /** The digest of everything in this entry. */
  long digest(Origins origins) {
    DigestSum digest = new DigestSum(origins, hash);
    digest.addAll(register, chains);
    return digest.sum() + (list == null ? 0 : list.sum()) + (set == null ? 0 : set.sum());
  }

  /** The digest of everything in this entry, computed anew. */
  long recomputedDigest(Origins origins) {
    DigestSum digest = new DigestSum(origins, hash);
    digest.addAll(register, chains);
    if (list != null) list.addTo(digest);
    if (set != null) set.addTo(digest);
    return digest.sum();
  }
}
