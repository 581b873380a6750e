package org.natskvcache.crdt;

import java.util.Arrays;

/**
 * Rows of (key, dot, value) in the order of their keys, equal keys in an order the owner gives.
 *
 * <p>Held as chunks of a bounded number of rows, so a change moves one chunk at most, and {@link
 * #frozen} can hand out the rows of one moment for the price of a list of chunks: what it shares is
 * copied chunk by chunk, each just before its first change. Mutable; owned by its collection.
 *
 * @param <V> the values' type
 */
final class SortedRows<V> {
  /** Orders rows whose keys are equal and whose dots are not. */
  interface Ties<V> {
    int compare(long dot, V value, long otherDot, V otherValue);
  }

  /** Receives rows in order. */
  interface Visitor<V> {
    void row(long key, long dot, V value);
  }

  private static final class Chunk {
    private static final Object GONE = new Object();

    /** Whose it is to change: the rows of this epoch. */
    final int epoch;

    int size;

    /** Key and dot of each row, side by side because they are read together. */
    private long[] words;

    private Object[] values;

    Chunk(int epoch, int room) {
      this.epoch = epoch;
      words = new long[2 * room];
      values = new Object[room];
    }

    /** The rows of two chunks. */
    Chunk(int epoch, Chunk lower, Chunk upper) {
      this(epoch, lower.size + upper.size);
      size = values.length;
      for (Chunk each : new Chunk[] {lower, upper}) {
        int at = each == lower ? 0 : lower.size;
        System.arraycopy(each.words, 0, words, 2 * at, 2 * each.size);
        System.arraycopy(each.values, 0, values, at, each.size);
      }
    }

    /** Rows {@code from} to {@code to}, exclusive, of another chunk. */
    Chunk(int epoch, Chunk of, int from, int to) {
      this.epoch = epoch;
      size = to - from;
      words = Arrays.copyOfRange(of.words, 2 * from, 2 * to);
      values = Arrays.copyOfRange(of.values, from, to);
    }

    long key(int row) {
      return words[2 * row];
    }

    long dot(int row) {
      return words[2 * row + 1];
    }

    Object value(int row) {
      return values[row];
    }

    void insert(int at, long key, long dot, Object value, int rowsMax) {
      if (size == values.length) {
        int room = Math.min(rowsMax, Math.max(4, size + size / 2));
        words = Arrays.copyOf(words, 2 * room);
        values = Arrays.copyOf(values, room);
      }
      System.arraycopy(words, 2 * at, words, 2 * at + 2, 2 * (size - at));
      System.arraycopy(values, at, values, at + 1, size - at);
      words[2 * at] = key;
      words[2 * at + 1] = dot;
      values[at] = value;
      size++;
    }

    void remove(int at) {
      size--;
      System.arraycopy(words, 2 * at + 2, words, 2 * at, 2 * (size - at));
      System.arraycopy(values, at + 1, values, at, size - at);
      values[size] = GONE;
    }

    void cutOff(int from) {
      Arrays.fill(values, from, size, GONE);
      size = from;
    }
  }

  /** Stands where there is no chunk. */
  private static final Chunk NONE = new Chunk(0, 0);

  private final Ties<V> ties;
  private final int rowsMax;
  private Chunk[] chunks = new Chunk[1];
  private int chunkCount;

  /** The last key of each chunk, to search in. */
  private long[] lastKeys = new long[1];

  private int size;
  private int epoch;

  /**
   * @param rowsMax most rows of a chunk, at least 2
   */
  SortedRows(Ties<V> ties, int rowsMax) {
    this.ties = ties;
    this.rowsMax = rowsMax;
  }

  /** The rows as they are now; what is changed here or there later is not changed in the other. */
  SortedRows<V> frozen() {
    SortedRows<V> copy = new SortedRows<>(ties, rowsMax);
    copy.chunks = Arrays.copyOf(chunks, chunkCount);
    copy.chunkCount = chunkCount;
    copy.lastKeys = lastKeys.clone();
    copy.size = size;
    copy.epoch = ++epoch;
    return copy;
  }

  int size() {
    return size;
  }

  // ---------------------------------------------------------------- places

  /** A place is a chunk's index and a row's in it; one past the last row is (chunks, 0). */
  private static long place(int chunk, int row) {
    return (long) chunk << 32 | row;
  }

  private static int chunk(long place) {
    return (int) (place >>> 32);
  }

  private static int row(long place) {
    return (int) place;
  }

  /** The place of the first row. */
  long first() {
    return 0;
  }

  /** The place of row {@code index}, counted from the nearer end. */
  long place(int index) {
    if (index >= size / 2) {
      int after = size - index;
      int chunk = chunkCount - 1;
      for (; chunk >= 0 && after > chunks[chunk].size; chunk--) after -= chunks[chunk].size;
      return after == 0 ? place(chunkCount, 0) : place(chunk, chunks[chunk].size - after);
    }
    int before = index;
    int chunk = 0;
    for (; before >= chunks[chunk].size; chunk++) before -= chunks[chunk].size;
    return place(chunk, before);
  }

  boolean holds(long place) {
    return chunk(place) < chunkCount;
  }

  long next(long place) {
    int row = row(place) + 1;
    return row < chunks[chunk(place)].size ? place(chunk(place), row) : place(chunk(place) + 1, 0);
  }

  long key(long place) {
    return chunks[chunk(place)].key(row(place));
  }

  long dot(long place) {
    return chunks[chunk(place)].dot(row(place));
  }

  V value(long place) {
    return value(chunks[chunk(place)], row(place));
  }

  @SuppressWarnings("unchecked") // only values of V are put in
  private V value(Chunk chunk, int row) {
    return (V) chunk.value(row);
  }

  private int compare(Chunk c, int row, long key, long dot, V value) {
    if (c.key(row) != key) return c.key(row) < key ? -1 : 1;
    if (c.dot(row) == dot) return 0; // a dot names one mutation, and that one row
    return ties.compare(c.dot(row), value(c, row), dot, value);
  }

  /** The place of the first row that is not before this one. */
  long find(long key, long dot, V value) {
    int guess =
        chunkCount <= 4 * NEAR ? 0 : evenly(key, lastKeys[0], lastKeys[chunkCount - 1], chunkCount);
    boolean above = guess >= NEAR && lastKeys[guess - NEAR] < key;
    boolean below = guess + NEAR < chunkCount && lastKeys[guess + NEAR] > key;
    int low = above ? guess - NEAR : 0;
    int high = below ? guess + NEAR + 1 : chunkCount;
    while (low < high) {
      int middle = (low + high) >>> 1;
      long last = lastKeys[middle];
      boolean before =
          last != key
              ? last < key
              : compare(chunks[middle], chunks[middle].size - 1, key, dot, value) < 0;
      if (before) low = middle + 1;
      else high = middle;
    }
    return low == chunkCount ? place(low, 0) : place(low, rowIn(low, key, dot, value));
  }

  /** How far from its even place a chunk among many usually is. */
  private static final int NEAR = 64;

  /** Where a key is among so many if they are spread evenly, as hashes are. */
  private static int evenly(long key, long first, long last, int count) {
    // the difference of two longs may not be one
    double share = ((double) key - (double) first) / Math.max(1, (double) last - (double) first);
    return (int) Math.max(0, Math.min(count - 1, share * count));
  }

  private int rowIn(int chunk, long key, long dot, V value) {
    Chunk c = chunks[chunk];
    long before = chunk == 0 ? c.key(0) : lastKeys[chunk - 1];
    int row = evenly(key, before, lastKeys[chunk], c.size);
    // fetches the values at the same time as the words, which halves the wait for memory
    if (c.value(row) == Chunk.GONE) throw new IllegalStateException("a row that is gone");
    while (row > 0 && compare(c, row - 1, key, dot, value) >= 0) row--;
    while (compare(c, row, key, dot, value) < 0) row++;
    return row;
  }

  /** The key of the last row; 0 when there is none. */
  long lastKey() {
    return size == 0 ? 0 : lastKeys[chunkCount - 1];
  }

  void forEach(Visitor<? super V> visitor) {
    for (int i = 0; i < chunkCount; i++) {
      Chunk c = chunks[i];
      for (int row = 0; row < c.size; row++) {
        visitor.row(c.key(row), c.dot(row), value(c, row));
      }
    }
  }

  // ---------------------------------------------------------------- changes

  /** The chunk, ours to change. */
  private Chunk own(int at) {
    Chunk chunk = chunks[at];
    if (chunk.epoch != epoch) chunks[at] = chunk = new Chunk(epoch, chunk, 0, chunk.size);
    return chunk;
  }

  private void addChunk(int at, Chunk chunk) {
    if (chunkCount == chunks.length) {
      chunks = Arrays.copyOf(chunks, chunkCount + chunkCount / 2 + 1);
      lastKeys = Arrays.copyOf(lastKeys, chunks.length);
    }
    System.arraycopy(chunks, at, chunks, at + 1, chunkCount - at);
    System.arraycopy(lastKeys, at, lastKeys, at + 1, chunkCount - at);
    chunks[at] = chunk;
    chunkCount++;
  }

  private void removeChunk(int at) {
    chunkCount--;
    System.arraycopy(chunks, at + 1, chunks, at, chunkCount - at);
    System.arraycopy(lastKeys, at + 1, lastKeys, at, chunkCount - at);
    chunks[chunkCount] = NONE;
  }

  /** To be called after a chunk changed. */
  private void noteLastKey(int at) {
    lastKeys[at] = chunks[at].key(chunks[at].size - 1);
  }

  /** Puts a row where {@link #find} says it belongs. */
  void insert(long place, long key, long dot, V value) {
    int at = chunk(place);
    int row = row(place);
    if (at == chunkCount && at > 0 && chunks[at - 1].size < rowsMax) {
      row = chunks[--at].size; // after all others
    }
    if (at == chunkCount) {
      addChunk(at, new Chunk(epoch, Math.min(rowsMax, 4)));
    } else if (chunks[at].size == rowsMax) {
      Chunk lower = own(at);
      int half = lower.size / 2;
      addChunk(at + 1, new Chunk(epoch, lower, half, lower.size));
      lower.cutOff(half);
      noteLastKey(at);
      noteLastKey(at + 1);
      if (row > half) {
        at++;
        row -= half;
      }
    }
    own(at).insert(row, key, dot, value, rowsMax);
    noteLastKey(at);
    size++;
  }

  /** Puts a row at its place; false if it is there already. */
  boolean add(long key, long dot, V value) {
    // most rows come in order
    boolean last = chunkCount > 0 && compareLast(key, dot, value) < 0;
    long place = last ? place(chunkCount, 0) : find(key, dot, value);
    if (!last && holds(place) && compare(chunks[chunk(place)], row(place), key, dot, value) == 0) {
      return false;
    }
    insert(place, key, dot, value);
    return true;
  }

  private int compareLast(long key, long dot, V value) {
    Chunk last = chunks[chunkCount - 1];
    return compare(last, last.size - 1, key, dot, value);
  }

  /** Takes out a row; the place is then that of the row after it. */
  long remove(long place) {
    int at = chunk(place);
    Chunk chunk = own(at);
    chunk.remove(row(place));
    size--;
    if (chunk.size == 0) {
      removeChunk(at);
      return place;
    }
    mergeIfSmall(at);
    noteLastKey(at);
    return row(place) == chunks[at].size ? place(at + 1, 0) : place;
  }

  /** Keeps a collection that shrank from being many chunks of a few rows. */
  private void mergeIfSmall(int at) {
    if (chunks[at].size > rowsMax / 4 || at + 1 == chunkCount) return;
    if (chunks[at].size + chunks[at + 1].size > rowsMax / 2) return;
    chunks[at] = new Chunk(epoch, chunks[at], chunks[at + 1]);
    removeChunk(at + 1);
  }

  /** Takes out all rows whose dots are covered, and tells of them. */
  void cover(VersionVector seen, Visitor<? super V> gone) {
    int kept = 0;
    for (int i = 0; i < chunkCount; i++) {
      Chunk left = uncovered(chunks[i], seen, gone);
      if (left.size == 0) continue;
      chunks[kept] = left;
      noteLastKey(kept++);
    }
    Arrays.fill(chunks, kept, chunkCount, NONE);
    chunkCount = kept;
  }

  private Chunk uncovered(Chunk c, VersionVector seen, Visitor<? super V> gone) {
    Chunk left = c;
    for (int row = 0; row < c.size; row++) {
      boolean covered = seen.covers(c.dot(row));
      if (covered) {
        gone.row(c.key(row), c.dot(row), value(c, row));
        size--;
        if (left == c) left = new Chunk(epoch, c, 0, row);
      } else if (left != c) {
        left.insert(left.size, c.key(row), c.dot(row), c.value(row), rowsMax);
      }
    }
    return left;
  }

  /** Whether all dots are covered. */
  boolean coveredBy(VersionVector seen) {
    for (int i = 0; i < chunkCount; i++) {
      Chunk c = chunks[i];
      for (int row = 0; row < c.size; row++) if (!seen.covers(c.dot(row))) return false;
    }
    return true;
  }

  /**
   * Whether a join is everything of {@code theirs} and little more: much is there, and nothing of
   * it was seen here.
   */
  boolean fewBeside(SortedRows<V> theirs, Join rule) {
    if (8L * size > theirs.size) return false;
    for (int i = 0; i < theirs.chunkCount; i++) {
      Chunk c = theirs.chunks[i];
      for (int row = 0; row < c.size; row++) if (!rule.takesTheirs(c.dot(row))) return false;
    }
    return true;
  }

  /**
   * The join with {@code theirs}; both stay as they are.
   *
   * @param gone told of the rows that are dropped here
   * @param come told of the rows that are taken from there
   */
  SortedRows<V> join(
      SortedRows<V> theirs, Join rule, Visitor<? super V> gone, Visitor<? super V> come) {
    SortedRows<V> joined = new SortedRows<>(ties, rowsMax);
    long mine = first();
    long other = theirs.first();
    while (holds(mine) || theirs.holds(other)) {
      int order = !holds(mine) ? 1 : !theirs.holds(other) ? -1 : compare(mine, theirs, other);
      if (order > 0) {
        if (rule.takesTheirs(theirs.dot(other))) joined.append(theirs, other, come);
        other = theirs.next(other);
        continue;
      }
      if (rule.keepsMine(dot(mine), order == 0)) joined.append(this, mine, (k, d, v) -> {});
      else gone.row(key(mine), dot(mine), value(mine));
      mine = next(mine);
      if (order == 0) other = theirs.next(other);
    }
    return joined;
  }

  private int compare(long place, SortedRows<V> theirs, long theirPlace) {
    return compare(
        chunks[chunk(place)],
        row(place),
        theirs.key(theirPlace),
        theirs.dot(theirPlace),
        theirs.value(theirPlace));
  }

  private void append(SortedRows<V> from, long place, Visitor<? super V> told) {
    long key = from.key(place);
    long dot = from.dot(place);
    V value = from.value(place);
    insert(place(chunkCount, 0), key, dot, value);
    told.row(key, dot, value);
  }
}
