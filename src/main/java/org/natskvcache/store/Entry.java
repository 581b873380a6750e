package org.natskvcache.store;

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
 * All that is held under one key. Normally one facet is there; concurrent writes of different types
 * leave several, of which one shows: string or counter before list before set.
 *
 * <p>Most entries are a string that never expires and nothing else, and are held as a {@link
 * PlainEntry}, in two objects. What changes is {@link #opened} first, if it must be, and {@link
 * #kept} in the smaller shape afterwards. Mutable; owned by the keyspace.
 */
public abstract sealed class Entry permits PlainEntry, FacetEntry {
  /** "Never", as a time. */
  public static final long NEVER = Long.MAX_VALUE;

  /** A place in the table beyond the entry itself, bytes: a slot, and the slots that are empty. */
  static final int PLACE_BYTES = 6;

  /** A place in the expiry index, bytes. */
  static final int EXPIRY_BYTES = 32;

  /** What an entry shows. */
  enum Type {
    SCALAR,
    LIST,
    SET,
    /** Nothing: only residuals are left. */
    NONE
  }

  /** Next in the table's chain. */
  @Nullable Entry next;

  /** The key, and what else the shape of the entry puts beside it. */
  byte[] body;

  Entry(byte[] body) {
    this.body = body;
  }

  public abstract Key key();

  abstract boolean isOf(Key other, long hash);

  /** The hash of the key; may have to be computed. */
  abstract long hash();

  /** The versions of the string; may have to be made from what is held. */
  public abstract @Nullable Register register();

  public abstract @Nullable Chain chains();

  public abstract @Nullable ItemList list();

  public abstract @Nullable MemberSet<Bytes> set();

  /** The dot of the one version of the string, if nothing else is held; else {@link Dot#NONE}. */
  abstract long onlyDot();

  /** Where the expiry index holds this entry; {@link #NEVER} if it does not. */
  abstract long indexedAtMillis();

  abstract void indexedAtMillis(long at);

  /** When this was last used, on the clock of {@link Recency}. */
  abstract short used();

  abstract void used(int when);

  abstract Type type();

  /**
   * When the whole key expires: the latest expiry among the register's versions, one without expiry
   * being never.
   */
  abstract long expireAtMillis();

  /**
   * What this shows as a string or counter, which is decimal text; null when it shows neither. The
   * local clock has no say: an expired one still shows.
   */
  abstract @Nullable Bytes scalar(Origins origins);

  boolean visible(long nowMillis) {
    return type() != Type.NONE && expireAtMillis() > nowMillis;
  }

  /** When the expiry index should hold it: as {@link #expireAtMillis}, within what it can tell. */
  abstract long toBeIndexedAtMillis();

  /**
   * What this takes in memory, see {@link Footprint}; residuals alone take nothing. A function of
   * what is live, so that an entry that only residuals keep open counts as a plain one.
   */
  abstract long footprint();

  /** The same, if it were opened. */
  abstract long openedFootprint();

  /** The same, with lists and sets counted item by item. */
  abstract long recomputedFootprint(Keyspace keyspace);

  abstract boolean isEmpty();

  /** Marks the slots that this entry refers to. */
  abstract void markSlots(BitSet used);

  /** What it holds now, whatever changes later, at a cost that does not depend on its size. */
  abstract Entry frozen();

  /** The digest of everything in this entry. */
  abstract long digest(Origins origins);

  /** Puts the digests right that lists and sets keep, where memory has changed by itself. */
  abstract void resum(Origins origins);

  /** The digest of everything in this entry, computed anew. */
  abstract long recomputedDigest(Origins origins);

  /**
   * Puts a string in the place of all there is, if that is all the write comes to and needs no
   * opening; else nothing is changed.
   *
   * @param seen everything the author had applied before
   * @param change takes the change of the digest
   * @return whether it is done
   */
  abstract boolean overwrite(Mutation mutation, Op.Put put, VersionVector seen, DigestSum change);

  /** This in the shape that can be changed: itself, or another entry that is in no table. */
  abstract FacetEntry opened();

  /** What the table is to hold after a change: this, the same in less room, or nothing. */
  abstract @Nullable Entry kept();
}
