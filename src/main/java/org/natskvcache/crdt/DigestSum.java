package org.natskvcache.crdt;

import org.jspecify.annotations.Nullable;

/**
 * The change of a digest while one entry is being changed: the sum, modulo 2^64, of the hashes of
 * its items. An item's hash covers its type, key, origin, sequence and content, never a slot.
 */
public final class DigestSum {
  private static final int REGISTER = 1;
  private static final int MEMBER = 2;
  private static final int ITEM = 3;
  private static final int COUNTER = 4;

  private final Origins origins;
  private final long keyHash;
  private long sum;

  public DigestSum(Origins origins, long keyHash) {
    this.origins = origins;
    this.keyHash = keyHash;
  }

  public long sum() {
    return sum;
  }

  public void add(long hash) {
    sum += hash;
  }

  public void subtract(long hash) {
    sum -= hash;
  }

  /** Adds all versions of a register and all live chains of a counter. */
  public void addAll(@Nullable Register versions, @Nullable Chain chains) {
    for (Register r = versions; r != null; r = r.next) sum += r.hash(this);
    for (Chain c = chains; c != null; c = c.next) sum += c.hash(this);
  }

  private long stamp(int type, long dot) {
    long h = Hash64.chain(keyHash, type);
    h = Hash64.chain(h, origins.hash(Dot.slot(dot)));
    return Hash64.chain(h, Dot.sequence(dot));
  }

  /** The hash of one version of a register, whose value is the rest of an array. */
  public long register(long dot, long hlc, long expireAtMillis, byte[] array, int valueFrom) {
    long h = Hash64.chain(stamp(REGISTER, dot), hlc);
    h = Hash64.chain(h, expireAtMillis);
    return Hash64.chain(h, Hash64.of(array, valueFrom, array.length));
  }

  long member(long memberHash, long dot) {
    return Hash64.chain(stamp(MEMBER, dot), memberHash);
  }

  long item(long position, long dot, byte[] value) {
    return Hash64.chain(Hash64.chain(stamp(ITEM, dot), position), Hash64.of(value));
  }

  long counter(int slot, long last, long contribution) {
    return Hash64.chain(stamp(COUNTER, Dot.of(slot, last)), contribution);
  }
}
