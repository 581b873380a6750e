package org.natskvcache.store;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.DigestSum;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Footprint;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.ItemList;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;
import org.natskvcache.crdt.VersionVector;

/**
 * One version of a string that never expires, and nothing else, in one array of which only {@code
 * used} changes; a new version comes with a new array:
 *
 * <pre>
 * 0     8     16     18           20    20 + n
 * | dot | hlc | used | n, of key  | key | value |
 * </pre>
 */
final class PlainEntry extends Entry {
  /** The longest key that fits, bytes. */
  private static final int KEY_BYTES_MAX = 0xffff;

  private static final int HLC = 8;
  private static final int USED = 16;
  private static final int KEY_BYTES = 18;
  private static final int KEY = 20;

  /** This object, bytes. */
  private static final int BYTES = 16;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  private PlainEntry(byte[] body) {
    super(body);
  }

  /** An entry of this version alone, which must have neither expiry nor others beside it. */
  PlainEntry(byte[] key, Register version, short used) {
    this(body(version.dot, version.hlc, used, key, 0, key.length, version.value));
  }

  private static byte[] body(
      long dot, long hlc, short used, byte[] keyFrom, int from, int keyBytes, byte[] value) {
    byte[] body = new byte[KEY + keyBytes + value.length];
    LONGS.set(body, 0, dot);
    LONGS.set(body, HLC, hlc);
    SHORTS.set(body, USED, used);
    SHORTS.set(body, KEY_BYTES, (short) keyBytes);
    System.arraycopy(keyFrom, from, body, KEY, keyBytes);
    System.arraycopy(value, 0, body, KEY + keyBytes, value.length);
    return body;
  }

  /** Whether a string under a key of so many bytes can be held so. */
  static boolean suits(int keyBytes, long expireAtMillis) {
    return expireAtMillis == 0 && keyBytes <= KEY_BYTES_MAX;
  }

  static long footprint(int keyBytes, int valueBytes) {
    return PLACE_BYTES + BYTES + Footprint.array(KEY + keyBytes + valueBytes);
  }

  private long dot() {
    return (long) LONGS.get(body, 0);
  }

  private long hlc() {
    return (long) LONGS.get(body, HLC);
  }

  /** Where the key ends and the value begins. */
  private int keyEnd() {
    return KEY + ((short) SHORTS.get(body, KEY_BYTES) & 0xffff);
  }

  private byte[] keyArray() {
    return Arrays.copyOfRange(body, KEY, keyEnd());
  }

  @Override
  public Key key() {
    return new Key(new Bytes(keyArray()));
  }

  @Override
  boolean isOf(Key other, long hash) {
    byte[] key = other.stored().array();
    return Arrays.equals(body, KEY, keyEnd(), key, 0, key.length);
  }

  @Override
  long hash() {
    return Hash64.of(body, KEY, keyEnd());
  }

  @Override
  public Register register() {
    byte[] value = Arrays.copyOfRange(body, keyEnd(), body.length);
    return new Register(dot(), hlc(), 0, value, null);
  }

  @Override
  public @Nullable Chain chains() {
    return null;
  }

  @Override
  public @Nullable ItemList list() {
    return null;
  }

  @Override
  public @Nullable MemberSet<Bytes> set() {
    return null;
  }

  @Override
  long onlyDot() {
    return dot();
  }

  @Override
  long indexedAtMillis() {
    return NEVER;
  }

  @Override
  void indexedAtMillis(long at) {}

  @Override
  long toBeIndexedAtMillis() {
    return NEVER;
  }

  @Override
  long expireAtMillis() {
    return NEVER;
  }

  @Override
  short used() {
    return (short) SHORTS.get(body, USED);
  }

  @Override
  void used(int when) {
    SHORTS.set(body, USED, (short) when);
  }

  @Override
  Type type() {
    return Type.SCALAR;
  }

  @Override
  Bytes scalar(Origins origins) {
    return new Bytes(body, keyEnd());
  }

  @Override
  boolean isEmpty() {
    return false;
  }

  @Override
  long footprint() {
    return PLACE_BYTES + BYTES + Footprint.array(body.length);
  }

  @Override
  long openedFootprint() {
    int keyBytes = keyEnd() - KEY;
    return FacetEntry.footprint(keyBytes) + Register.footprint(body.length - keyEnd());
  }

  @Override
  long recomputedFootprint(Keyspace keyspace) {
    return footprint();
  }

  @Override
  void markSlots(BitSet used) {
    used.set(Dot.slot(dot()));
  }

  @Override
  Entry frozen() {
    return new PlainEntry(body);
  }

  private long digest(DigestSum of) {
    return of.register(dot(), hlc(), 0, body, keyEnd());
  }

  @Override
  long digest(Origins origins) {
    return digest(new DigestSum(origins, hash()));
  }

  @Override
  void resum(Origins origins) {}

  @Override
  long recomputedDigest(Origins origins) {
    return digest(origins);
  }

  @Override
  boolean overwrite(Mutation mutation, Op.Put put, VersionVector seen, DigestSum change) {
    if (put.expireAtMillis() != 0 || !seen.covers(dot())) return false;
    change.subtract(digest(change));
    byte[] value = put.value().array();
    body = body(mutation.dot(), mutation.hlc(), used(), body, KEY, keyEnd() - KEY, value);
    change.add(digest(change));
    return true;
  }

  @Override
  FacetEntry opened() {
    FacetEntry opened = new FacetEntry(keyArray(), hash());
    opened.register = register();
    opened.used(used());
    return opened;
  }

  @Override
  Entry kept() {
    return this;
  }
}
