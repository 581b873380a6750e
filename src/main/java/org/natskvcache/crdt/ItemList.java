package org.natskvcache.crdt;

import java.util.Arrays;

/**
 * A list that grows at its tail: items ordered by (position, origin, sequence). An author takes the
 * greater of its hybrid clock and one past the visible tail as position, so an append lands after
 * everything its author saw, whatever the clocks say; concurrent appends are ordered by time.
 *
 * <p>Appending takes constant time, a late concurrent insert or a removal moves one chunk at most
 * ({@link SortedRows}). Mutable; owned by its entry.
 */
public final class ItemList {
  /** Receives items in list order. */
  public interface Visitor {
    void item(long position, long dot, byte[] value);
  }

  private final Origins origins;
  private final int chunkMax;
  private SortedRows<byte[]> rows;

  /** The digest of all items. */
  private long sum;

  /** What the arrays of the values take. */
  private long valueBytes;

  /**
   * @param chunkMax most items that move, or are copied, for one change, at least 2
   */
  public ItemList(Origins origins, int chunkMax) {
    this(origins, chunkMax, empty(origins, chunkMax));
  }

  private ItemList(Origins origins, int chunkMax, SortedRows<byte[]> rows) {
    this.origins = origins;
    this.chunkMax = chunkMax;
    this.rows = rows;
  }

  private static SortedRows<byte[]> empty(Origins origins, int chunkMax) {
    return new SortedRows<>((dot, v, otherDot, w) -> origins.compare(dot, otherDot), chunkMax);
  }

  /** The list as it is now, whatever is changed here later. */
  public ItemList frozen() {
    ItemList frozen = new ItemList(origins, chunkMax, rows.frozen());
    frozen.sum = sum;
    frozen.valueBytes = valueBytes;
    return frozen;
  }

  public int size() {
    return rows.size();
  }

  public boolean isEmpty() {
    return rows.size() == 0;
  }

  /** What the list takes, see {@link Footprint}. */
  public long footprint() {
    return Footprint.LIST + (long) Footprint.ITEM * rows.size() + valueBytes;
  }

  /** The greatest position held; 0 when empty. */
  public long tail() {
    return rows.lastKey();
  }

  /** Adds an item at its place; false if it is there already. */
  public boolean add(long position, long dot, byte[] value, DigestSum digest) {
    if (!rows.add(position, dot, value)) return false;
    come(position, dot, value, digest);
    return true;
  }

  private void come(long position, long dot, byte[] value, DigestSum digest) {
    count(digest, digest.item(position, dot, value), Footprint.array(value.length));
  }

  private void gone(long position, long dot, byte[] value, DigestSum digest) {
    count(digest, -digest.item(position, dot, value), -Footprint.array(value.length));
  }

  private void count(DigestSum digest, long change, long bytes) {
    digest.add(change);
    sum += change;
    valueBytes += bytes;
  }

  /** Removes exactly the item with this place and dot, if it is there. */
  public void remove(long position, long dot, DigestSum digest) {
    long place = rows.find(position, dot, NO_VALUE);
    if (!rows.holds(place) || rows.dot(place) != dot || rows.key(place) != position) return;
    gone(position, dot, rows.value(place), digest);
    rows.remove(place);
  }

  private static final byte[] NO_VALUE = {};

  /** Drops every item that {@code seen} covers. */
  public void cover(VersionVector seen, DigestSum digest) {
    if (rows.coveredBy(seen)) {
      rows = empty(origins, chunkMax);
      count(digest, -sum, -valueBytes);
      return;
    }
    rows.cover(seen, (position, dot, value) -> gone(position, dot, value, digest));
  }

  /** Visits the items from index {@code from} to {@code to}, both inclusive and within the list. */
  public void range(int from, int to, Visitor visitor) {
    long place = rows.place(from);
    for (int left = to - from + 1; left > 0; left--, place = rows.next(place)) {
      visitor.item(rows.key(place), rows.dot(place), rows.value(place));
    }
  }

  /** Visits all items. */
  public void forEach(Visitor visitor) {
    rows.forEach(visitor::item);
  }

  /** Visits the first item equal to {@code value}; false if there is none. */
  public boolean first(byte[] value, Visitor visitor) {
    for (long place = rows.first(); rows.holds(place); place = rows.next(place)) {
      if (!Arrays.equals(rows.value(place), value)) continue;
      visitor.item(rows.key(place), rows.dot(place), value);
      return true;
    }
    return false;
  }

  /** Items one by one, for who writes them down with pauses. */
  public final class Walk {
    private long place = rows.first();
    private long at;

    /** Goes to the first item, then to the next; false after the last. */
    public boolean next() {
      if (!rows.holds(place)) return false;
      at = place;
      place = rows.next(place);
      return true;
    }

    public long position() {
      return rows.key(at);
    }

    public long dot() {
      return rows.dot(at);
    }

    public byte[] value() {
      return rows.value(at);
    }
  }

  /** A walk over a list that is not changed meanwhile. */
  public Walk walk() {
    return new Walk();
  }

  /** Joins the state {@code theirs} into this one; that one stays as it is. */
  public void join(ItemList theirs, Join join, DigestSum digest) {
    if (rows.fewBeside(theirs.rows, join)) {
      SortedRows<byte[]> mine = rows;
      rows = theirs.rows.frozen();
      count(digest, theirs.sum - sum, theirs.valueBytes - valueBytes);
      mine.forEach((position, dot, value) -> {
        if (join.keepsMine(dot, false)) add(position, dot, value, digest);
      });
      return;
    }
    rows =
        rows.join(
            theirs.rows,
            join,
            (position, dot, value) -> gone(position, dot, value, digest),
            (position, dot, value) -> come(position, dot, value, digest));
  }

  /** The digest of the whole list. */
  public long sum() {
    return sum;
  }

  /** Computes the digest anew, by an empty one, and keeps that. */
  public void resum(DigestSum empty) {
    addTo(empty);
    sum = empty.sum();
  }

  /** The digest of the whole list, computed anew. */
  public void addTo(DigestSum digest) {
    forEach((position, dot, value) -> digest.add(digest.item(position, dot, value)));
  }
}
