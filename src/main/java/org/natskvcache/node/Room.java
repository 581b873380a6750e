package org.natskvcache.node;

import java.util.BitSet;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Capacity;
import org.natskvcache.store.Key;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * Keeps what is written here within the capacity of the cache. A write that does not fit first
 * removes what expired; then it is refused, or, where keys are evicted, removes as many of those
 * not used for long as it needs itself. All removals are ordinary mutations.
 *
 * <p>All replicas hold the same, so all are full at once: if each brought the account back under
 * the limit, they would remove different keys and far too many. Therefore a writer makes room for
 * its own write only, and leaves alone what peers wrote beyond the limit, at the same time or on
 * the other side of a partition. That is removed in the background, by each replica its share: of
 * the buckets it is elected for. Owned by the node.
 */
final class Room {
  /** Most removals one write makes; each takes a few microseconds under the lock. */
  private static final int REMOVALS_MAX = 10_000;

  /** Most removals at one look at what peers wrote beyond the limit. */
  private static final int TRIMMED_MAX = 1_000;

  private final ReplicatedState state;
  private final Capacity capacity;
  private final long bytesMax;
  private final long entriesMax;
  private final boolean evicts;
  private final Events events;

  /** What began and was told. */
  private boolean refusing;

  private boolean evicting;
  private boolean exceeded;

  private long refused;
  private long evicted;

  /** Who hears that something began. */
  interface Events {
    void began(Effect.Event.Kind what, String detail);
  }

  Room(ReplicatedState state, Capacity capacity, Events events) {
    this.state = state;
    this.capacity = capacity;
    bytesMax = capacity.localBytesMax();
    entriesMax = capacity.entriesMax();
    evicts = capacity.eviction() == Capacity.Eviction.LRU;
    this.events = events;
  }

  private Keyspace keyspace() {
    return state.keyspace();
  }

  /** What operations that were decided and not yet applied are going to add. */
  final class Need {
    private long bytes;
    private long entries;

    /** Counts an operation; what an earlier one frees is left out of account. */
    Need add(Op op) {
      bytes += Math.max(0, keyspace().growth(op, state.me()));
      if (Keyspace.growthMax(op) > 0 && keyspace().footprint(op.key()) == 0) entries++;
      return this;
    }
  }

  Need need() {
    return new Need();
  }

  /** Whether so many bytes and entries more are sure to fit. */
  boolean surelyFits(long bytes, long entries) {
    return keyspace().footprint() + bytes <= bytesMax
        && keyspace().liveEntries() + entries <= entriesMax;
  }

  /**
   * Makes room.
   *
   * @param spared a key that must stay; null for none
   * @param author takes the removals, which are to be applied at once
   * @return null when there is room; else why not, and the operations must not be carried out
   */
  @Nullable Reply refusal(Need need, @Nullable Key spared, long wallMillis, Consumer<Op> author) {
    if (need.bytes == 0) return null;
    // what peers wrote beyond the limit is not the writer's to remove, but it must not add to it
    long bytes = evicts ? Math.max(bytesMax, keyspace().footprint()) : bytesMax;
    long entries = evicts ? Math.max(entriesMax, keyspace().liveEntries()) : entriesMax;
    long stays = spared == null ? 0 : keyspace().footprint(spared);
    boolean possible = stays + need.bytes <= bytesMax && need.entries <= entriesMax;
    for (int n = 0; !fits(need, bytes, entries); n++) {
      Op.Delete removal =
          possible && n < REMOVALS_MAX
              ? keyspace().dispensable(wallMillis, spared, bucket -> true)
              : null;
      if (removal == null) return refuse(need);
      remove(removal, author);
    }
    return null;
  }

  private boolean fits(Need need, long bytes, long entries) {
    return keyspace().footprint() + need.bytes <= bytes
        && (need.entries == 0 || keyspace().liveEntries() + need.entries <= entries);
  }

  private void remove(Op.Delete removal, Consumer<Op> author) {
    if (!removal.expired()) {
      evicted++;
      if (!evicting) events.began(Effect.Event.Kind.EVICTING, text());
      evicting = true;
    }
    author.accept(removal);
  }

  private Reply refuse(Need need) {
    refused++;
    if (!refusing) events.began(Effect.Event.Kind.FULL, text());
    refusing = true;
    boolean bytes = keyspace().footprint() + need.bytes > bytesMax;
    String detail =
        bytes
            ? "used memory > MAX_MEMORY: "
                + keyspace().footprint()
                + " bytes are used and "
                + need.bytes
                + " more are needed, of "
                + capacity.bytesMax()
                + " of which 5 % are kept for what peers write"
            : "used keys > MAX_ENTRIES: there are "
                + keyspace().liveEntries()
                + " of "
                + entriesMax;
    return new Reply.Rejected(Reply.Reason.FULL, detail);
  }

  private String text() {
    return "used_bytes="
        + keyspace().footprint()
        + " max_memory="
        + (capacity.bytesMax() == Capacity.NONE ? "none" : capacity.bytesMax())
        + " entries="
        + keyspace().liveEntries()
        + " max_entries="
        + (entriesMax == Capacity.NONE ? "none" : entriesMax);
  }

  /** Notices what peers did; what began may have ended. */
  void look() {
    long bytes = keyspace().footprint();
    long entries = keyspace().liveEntries();
    if (!exceeded && (bytes > capacity.bytesMax() || entries > entriesMax)) {
      exceeded = true;
      events.began(Effect.Event.Kind.LIMIT_EXCEEDED, text());
    }
    // far enough below, so that it is not told over and over
    if ((refusing || evicting || exceeded)
        && bytes < bytesMax - bytesMax / 10
        && entries < entriesMax - entriesMax / 10) {
      refusing = false;
      evicting = false;
      exceeded = false;
    }
  }

  /** Whether keys are to be evicted because peers wrote beyond the limit. */
  boolean excess() {
    return evicts && (keyspace().footprint() > bytesMax || keyspace().liveEntries() > entriesMax);
  }

  /**
   * Removes this replica's share of what is beyond the limit.
   *
   * @param elected the buckets this replica is to remove from
   * @return whether there was more to remove than one look allows
   */
  boolean trim(long wallMillis, IntPredicate elected, Consumer<Op> author) {
    if (!excess()) return false;
    BitSet mine = new BitSet();
    int buckets = state.buckets().size();
    for (int bucket = 0; bucket < buckets; bucket++) if (elected.test(bucket)) mine.set(bucket);
    long bytes = target(keyspace().footprint(), bytesMax, mine.cardinality(), buckets);
    long entries = target(keyspace().liveEntries(), entriesMax, mine.cardinality(), buckets);
    for (int n = 0; n < TRIMMED_MAX; n++) {
      if (keyspace().footprint() <= bytes && keyspace().liveEntries() <= entries) return false;
      Op.Delete removal = keyspace().dispensable(wallMillis, null, mine::get);
      if (removal == null) return false;
      remove(removal, author);
    }
    return true;
  }

  /** What is to be left of {@code held}, where {@code share} of {@code all} is ours to remove. */
  private static long target(long held, long most, int share, int all) {
    double excess = Math.max(0, held - most);
    return held - (long) Math.ceil(excess * share / all);
  }

  long evicted() {
    return evicted;
  }

  long refused() {
    return refused;
  }

  ReplicaStatus.Memory status() {
    return new ReplicaStatus.Memory(
        keyspace().footprint(), capacity.bytesMax(), capacity.entriesMax(), evicted, refused);
  }
}
