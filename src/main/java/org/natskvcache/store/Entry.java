package org.natskvcache.store;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.DigestSum;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Footprint;
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

  /** This object and its share of the table, beyond the key's array; bytes. */
  static final int BYTES = 56;

  /** A place in the expiry index, bytes. */
  static final int EXPIRY_BYTES = 32;

  /** Later times, milliseconds since 1970, are never to the expiry index: after the year 6000. */
  private static final long INDEXED_MAX = (1L << 47) - 1;

  /** What an entry shows. */
  enum Type {
    SCALAR,
    LIST,
    SET,
    /** Nothing: only residuals are left. */
    NONE
  }

  /** The stored form alone: two objects less than a {@link Key}, for each entry there is. */
  private final byte[] key;

  final long hash;

  /** Next in the table's chain. */
  @Nullable Entry next;

  @Nullable Register register;
  @Nullable Chain chains;
  @Nullable ItemList list;
  @Nullable MemberSet<Bytes> set;

  /** Upper 48 bits: {@link #indexedAtMillis}; lower 16: {@link #used}. */
  private long indexedAndUsed = INDEXED_MAX << 16;

  Entry(Key key, long hash) {
    this(key.stored().array(), hash);
  }

  private Entry(byte[] key, long hash) {
    this.key = key;
    this.hash = hash;
  }

  public Key key() {
    return new Key(new Bytes(key));
  }

  boolean isOf(Key other) {
    return Arrays.equals(key, other.stored().array());
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

  /** Where the expiry index holds this entry; {@link #NEVER} if it does not. */
  long indexedAtMillis() {
    long at = indexedAndUsed >> 16;
    return at == INDEXED_MAX ? NEVER : at;
  }

  void indexedAtMillis(long at) {
    indexedAndUsed = indexable(at) << 16 | indexedAndUsed & 0xffff;
  }

  private static long indexable(long at) {
    return Math.clamp(at, 0, INDEXED_MAX);
  }

  /** When this was last used, on the clock of {@link Recency}. */
  short used() {
    return (short) indexedAndUsed;
  }

  void used(int when) {
    indexedAndUsed = indexedAndUsed & ~0xffffL | when & 0xffff;
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

  /** When the expiry index should hold it: as {@link #expireAtMillis}, within what it can tell. */
  long toBeIndexedAtMillis() {
    long at = isEmpty() ? NEVER : indexable(expireAtMillis());
    return at == INDEXED_MAX ? NEVER : at;
  }

  /** What this takes in memory, see {@link Footprint}; residuals alone take nothing. */
  long footprint() {
    long bytes = Chain.footprint(chains);
    if (register != null) {
      bytes += Register.footprint(register);
      if (expireAtMillis() != NEVER) bytes += EXPIRY_BYTES;
    }
    if (list != null) bytes += list.footprint();
    if (set != null) bytes += set.footprint();
    return bytes == 0 ? 0 : bytes + footprint(key.length);
  }

  /** The same, with lists and sets counted item by item. */
  long recomputedFootprint(Keyspace keyspace) {
    long bytes = footprint();
    if (bytes == 0) return 0;
    DigestSum unused = new DigestSum(keyspace.origins(), hash);
    if (list != null) {
      ItemList items = keyspace.newList();
      list.forEach((position, dot, value) -> items.add(position, dot, value, unused));
      bytes += items.footprint() - list.footprint();
    }
    if (set != null) {
      MemberSet<Bytes> members = keyspace.newSet();
      set.forEach((member, dots) -> {
        for (long dot : dots) members.load(member, dot, unused);
      });
      bytes += members.footprint() - set.footprint();
    }
    return bytes;
  }

  /** What an entry takes beyond its content. */
  static long footprint(int keyBytes) {
    return BYTES + Footprint.array(keyBytes);
  }

  boolean isEmpty() {
    return register == null && chains == null && list == null && set == null;
  }

  /** Marks the slots that this entry refers to. */
  void markSlots(BitSet used) {
    for (Register r = register; r != null; r = r.next) used.set(Dot.slot(r.dot));
    for (Chain c = chains; c != null; c = c.next) {
      used.set(c.slot);
      used.set(Dot.slot(c.resetDot));
    }
    if (list != null) list.forEach((position, dot, value) -> used.set(Dot.slot(dot)));
    if (set != null) {
      set.forEach((member, dots) -> {
        for (long dot : dots) used.set(Dot.slot(dot));
      });
    }
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

  /** Puts the digests right that lists and sets keep, where memory has changed by itself. */
  void resum(Origins origins) {
    if (list != null) list.resum(new DigestSum(origins, hash));
    if (set != null) set.resum(new DigestSum(origins, hash));
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
