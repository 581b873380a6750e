package org.natskvcache.store;

/**
 * How much a cache may hold, and what makes room when it is full. Binds those who write here; what
 * peers wrote is always taken.
 *
 * @param bytesMax memory, as {@link Keyspace#footprint()} counts it, bytes; {@link #NONE} for no
 *     limit
 * @param entriesMax keys; {@link #NONE} for no limit
 */
public record Capacity(long bytesMax, long entriesMax, Eviction eviction) {
  /** No limit. */
  public static final long NONE = Long.MAX_VALUE;

  public static final Capacity UNLIMITED = new Capacity(NONE, NONE, Eviction.NONE);

  /** What makes room for a write that does not fit. */
  public enum Eviction {
    /** Nothing but what expired: the write is refused. */
    NONE,
    /** The keys used least recently are deleted. */
    LRU
  }

  /** Writes here stop at this, 95 % of the whole, so that what peers write at once has a place. */
  public long localBytesMax() {
    return bytesMax == NONE ? NONE : bytesMax - bytesMax / 20;
  }
}
