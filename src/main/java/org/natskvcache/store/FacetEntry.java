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
import org.natskvcache.crdt.VersionVector;

/**
 * An entry that may hold anything, each facet on its own, and the one shape that can be changed.
 * Its {@link #body} is the key.
 */
final class FacetEntry extends Entry {
  /** This object, bytes. */
  private static final int BYTES = 48;

  /** Later times, milliseconds since 1970, are never to the expiry index: after the year 6000. */
  private static final long INDEXED_MAX = (1L << 47) - 1;

  final long hash;

  @Nullable Register register;
  @Nullable Chain chains;
  @Nullable ItemList list;
  @Nullable MemberSet<Bytes> set;

  /** Upper 48 bits: {@link #indexedAtMillis}; lower 16: {@link #used}. */
  private long indexedAndUsed = INDEXED_MAX << 16;

  FacetEntry(Key key, long hash) {
    this(key.stored().array(), hash);
  }

  FacetEntry(byte[] key, long hash) {
    super(key);
    this.hash = hash;
  }

  @Override
  public Key key() {
    return new Key(new Bytes(body));
  }

  @Override
  boolean isOf(Key other, long hash) {
    return this.hash == hash && Arrays.equals(body, other.stored().array());
  }

  @Override
  long hash() {
    return hash;
  }

  @Override
  public @Nullable Register register() {
    return register;
  }

  @Override
  public @Nullable Chain chains() {
    return chains;
  }

  @Override
  public @Nullable ItemList list() {
    return list;
  }

  @Override
  public @Nullable MemberSet<Bytes> set() {
    return set;
  }

  @Override
  long indexedAtMillis() {
    long at = indexedAndUsed >> 16;
    return at == INDEXED_MAX ? NEVER : at;
  }

  @Override
  void indexedAtMillis(long at) {
    indexedAndUsed = indexable(at) << 16 | indexedAndUsed & 0xffff;
  }

  private static long indexable(long at) {
    return Math.clamp(at, 0, INDEXED_MAX);
  }

  @Override
  short used() {
    return (short) indexedAndUsed;
  }

  @Override
  void used(int when) {
    indexedAndUsed = indexedAndUsed & ~0xffffL | when & 0xffff;
  }

  @Override
  Type type() {
    if (register != null || Chain.anyLive(chains)) return Type.SCALAR;
    if (list != null) return Type.LIST;
    return set != null ? Type.SET : Type.NONE;
  }

  @Override
  long expireAtMillis() {
    if (register == null) return NEVER;
    long latest = 0;
    for (Register r = register; r != null; r = r.next) {
      latest = Math.max(latest, r.expireAtMillis == 0 ? NEVER : r.expireAtMillis);
    }
    return latest;
  }

  @Override
  long toBeIndexedAtMillis() {
    long at = isEmpty() ? NEVER : indexable(expireAtMillis());
    return at == INDEXED_MAX ? NEVER : at;
  }

  @Override
  long onlyDot() {
    if (register == null || register.next != null) return Dot.NONE;
    return chains == null && list == null && set == null ? register.dot : Dot.NONE;
  }

  @Override
  @Nullable Bytes scalar(Origins origins) {
    if (type() != Type.SCALAR) return null;
    if (register == null) return Decimal.format(Chain.total(chains));
    byte[] text = Register.winner(register, origins).value;
    Long number = Chain.anyLive(chains) ? Decimal.parse(text) : null;
    return number == null ? new Bytes(text) : Decimal.format(number + Chain.total(chains));
  }

  /** Whether the live content is all that a plain entry holds. */
  private boolean plain() {
    return register != null
        && register.next == null
        && list == null
        && set == null
        && PlainEntry.suits(body.length, register.expireAtMillis)
        && !Chain.anyLive(chains);
  }

  @Override
  long footprint() {
    if (register == null || !plain()) return openedFootprint();
    return PlainEntry.footprint(body.length, register.value.length);
  }

  @Override
  long openedFootprint() {
    long bytes = Chain.footprint(chains);
    if (register != null) {
      bytes += Register.footprint(register);
      if (expireAtMillis() != NEVER) bytes += EXPIRY_BYTES;
    }
    if (list != null) bytes += list.footprint();
    if (set != null) bytes += set.footprint();
    return bytes == 0 ? 0 : bytes + footprint(body.length);
  }

  @Override
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
    return PLACE_BYTES + BYTES + Footprint.array(keyBytes);
  }

  @Override
  boolean isEmpty() {
    return register == null && chains == null && list == null && set == null;
  }

  @Override
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

  @Override
  Entry frozen() {
    FacetEntry frozen = new FacetEntry(body, hash);
    frozen.register = register;
    frozen.chains = Chain.frozen(chains);
    frozen.list = list == null ? null : list.frozen();
    frozen.set = set == null ? null : set.frozen();
    return frozen;
  }

  @Override
  long digest(Origins origins) {
    DigestSum digest = new DigestSum(origins, hash);
    digest.addAll(register, chains);
    return digest.sum() + (list == null ? 0 : list.sum()) + (set == null ? 0 : set.sum());
  }

  @Override
  void resum(Origins origins) {
    if (list != null) list.resum(new DigestSum(origins, hash));
    if (set != null) set.resum(new DigestSum(origins, hash));
  }

  @Override
  long recomputedDigest(Origins origins) {
    DigestSum digest = new DigestSum(origins, hash);
    digest.addAll(register, chains);
    if (list != null) list.addTo(digest);
    if (set != null) set.addTo(digest);
    return digest.sum();
  }

  @Override
  boolean overwrite(Mutation mutation, Op.Put put, VersionVector seen, DigestSum change) {
    return false;
  }

  @Override
  FacetEntry opened() {
    return this;
  }

  @Override
  @Nullable Entry kept() {
    if (isEmpty()) return null;
    if (register == null || chains != null || !plain()) return this;
    return new PlainEntry(body, register, used());
  }
}
