package org.natskvcache.crdt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A list that grows at its tail: items ordered by (position, origin, sequence). An author takes the
 * greater of its hybrid clock and one past the visible tail as position, so an append lands after
 * everything its author saw, whatever the clocks say; concurrent appends are ordered by time.
 *
 * <p>Held as sorted chunks of up to {@value #CHUNK} items: appending takes constant time, a late
 * concurrent insert or a removal moves one chunk at most. Mutable; owned by its entry.
 */
public final class ItemList {
  private static final int CHUNK = 256;

  /** Receives items in list order. */
  public interface Visitor {
    void item(long position, long dot, byte[] value);
  }

  private static final class Chunk {
    int size;
    long[] positions = new long[4];
    long[] dots = new long[4];
    byte[][] values = new byte[4][];

    void insert(int at, long position, long dot, byte[] value) {
      if (size == positions.length) room(size * 2);
      System.arraycopy(positions, at, positions, at + 1, size - at);
      System.arraycopy(dots, at, dots, at + 1, size - at);
      System.arraycopy(values, at, values, at + 1, size - at);
      positions[at] = position;
      dots[at] = dot;
      values[at] = value;
      size++;
    }

    void remove(int at) {
      size--;
      System.arraycopy(positions, at + 1, positions, at, size - at);
      System.arraycopy(dots, at + 1, dots, at, size - at);
      System.arraycopy(values, at + 1, values, at, size - at);
      values[size] = EMPTY;
      if (positions.length > 8 && size < positions.length / 4) room(positions.length / 2);
    }

    private void room(int items) {
      positions = Arrays.copyOf(positions, items);
      dots = Arrays.copyOf(dots, items);
      values = Arrays.copyOf(values, items);
    }

    Chunk splitHalf() {
      Chunk upper = new Chunk();
      upper.room(CHUNK);
      int from = size / 2;
      upper.size = size - from;
      System.arraycopy(positions, from, upper.positions, 0, upper.size);
      System.arraycopy(dots, from, upper.dots, 0, upper.size);
      System.arraycopy(values, from, upper.values, 0, upper.size);
      Arrays.fill(values, from, size, EMPTY);
      size = from;
      return upper;
    }
  }

  private static final byte[] EMPTY = {};

  private final Origins origins;
  private final List<Chunk> chunks = new ArrayList<>();
  private int size;
  private long valueBytes;

  public ItemList(Origins origins) {
    this.origins = origins;
  }

  public int size() {
    return size;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /** What the list takes, see {@link Footprint}. */
  public long footprint() {
    return Footprint.LIST + (long) Footprint.ITEM * size + valueBytes;
  }

  /** The greatest position held; 0 when empty. */
  public long tail() {
    if (size == 0) return 0;
    Chunk last = chunks.getLast();
    return last.positions[last.size - 1];
  }

  private int compare(Chunk c, int i, long position, long dot) {
    int order = Long.compare(c.positions[i], position);
    return order != 0 ? order : origins.compare(c.dots[i], dot);
  }

  /** The index of the chunk that holds or would hold this place; the list must not be empty. */
  private int chunkOf(long position, long dot) {
    int low = 0;
    int high = chunks.size() - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      Chunk c = chunks.get(middle);
      if (compare(c, c.size - 1, position, dot) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first index in {@code c} that is not before this place. */
  private int indexIn(Chunk c, long position, long dot) {
    int low = 0;
    int high = c.size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (compare(c, middle, position, dot) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds an item at its place. */
  public void add(long position, long dot, byte[] value, DigestSum digest) {
    load(position, dot, value);
    digest.add(digest.item(position, dot, value));
  }

  /** Puts an item at its place without counting it in a digest, as read from a snapshot. */
  public void load(long position, long dot, byte[] value) {
    if (chunks.isEmpty()) chunks.add(new Chunk());
    int at = chunkOf(position, dot);
    Chunk chunk = chunks.get(at);
    if (chunk.size == CHUNK) {
      boolean appending = at == chunks.size() - 1 && compare(chunk, CHUNK - 1, position, dot) < 0;
      Chunk upper = appending ? new Chunk() : chunk.splitHalf();
      chunks.add(at + 1, upper);
      if (appending || compare(chunk, chunk.size - 1, position, dot) < 0) chunk = upper;
    }
    chunk.insert(indexIn(chunk, position, dot), position, dot, value);
    size++;
    valueBytes += Footprint.array(value.length);
  }

  /** Removes exactly the item with this place and dot, if it is there. */
  public void remove(long position, long dot, DigestSum digest) {
    if (size == 0) return;
    int at = chunkOf(position, dot);
    Chunk chunk = chunks.get(at);
    int i = indexIn(chunk, position, dot);
    if (i == chunk.size || chunk.dots[i] != dot || chunk.positions[i] != position) return;
    digest.subtract(digest.item(position, dot, chunk.values[i]));
    valueBytes -= Footprint.array(chunk.values[i].length);
    chunk.remove(i);
    size--;
    if (chunk.size == 0) chunks.remove(at);
  }

  /** Drops every item that {@code seen} covers. */
  public void cover(VersionVector seen, DigestSum digest) {
    List<Chunk> old = new ArrayList<>(chunks);
    chunks.clear();
    size = 0;
    valueBytes = 0;
    for (Chunk c : old) {
      for (int i = 0; i < c.size; i++) {
        if (seen.covers(c.dots[i])) {
          digest.subtract(digest.item(c.positions[i], c.dots[i], c.values[i]));
        } else {
          load(c.positions[i], c.dots[i], c.values[i]);
        }
      }
    }
  }

  /** Visits the items from index {@code from} to {@code to}, both inclusive and within the list. */
  public void range(int from, int to, Visitor visitor) {
    int skip = from;
    int left = to - from + 1;
    for (Chunk c : chunks) {
      if (skip >= c.size) {
        skip -= c.size;
        continue;
      }
      for (int i = skip; i < c.size && left > 0; i++, left--) {
        visitor.item(c.positions[i], c.dots[i], c.values[i]);
      }
      skip = 0;
      if (left == 0) return;
    }
  }

  /** Visits all items. */
  public void forEach(Visitor visitor) {
    if (size > 0) range(0, size - 1, visitor);
  }

  /** Visits the first item equal to {@code value}; false if there is none. */
  public boolean first(byte[] value, Visitor visitor) {
    for (Chunk c : chunks) {
      for (int i = 0; i < c.size; i++) {
        if (Arrays.equals(c.values[i], value)) {
          visitor.item(c.positions[i], c.dots[i], c.values[i]);
          return true;
        }
      }
    }
    return false;
  }

  private boolean holds(long position, long dot) {
    if (size == 0) return false;
    Chunk chunk = chunks.get(chunkOf(position, dot));
    int i = indexIn(chunk, position, dot);
    return i < chunk.size && chunk.dots[i] == dot && chunk.positions[i] == position;
  }

  /** The join of this state with {@code theirs}; both stay as they are. */
  public ItemList join(ItemList theirs, Join join) {
    ItemList joined = new ItemList(origins);
    forEach((position, dot, value) -> {
      if (join.keepsMine(dot, theirs.holds(position, dot))) joined.load(position, dot, value);
    });
    theirs.forEach((position, dot, value) -> {
      if (!holds(position, dot) && join.takesTheirs(dot)) joined.load(position, dot, value);
    });
    return joined;
  }

  /** The digest of the whole list. */
  public void addTo(DigestSum digest) {
    forEach((position, dot, value) -> digest.add(digest.item(position, dot, value)));
  }
}
