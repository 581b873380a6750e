package org.natskvcache.store;

/**
 * Every bound of a cache, with its unit. Nothing in the core grows without one of these.
 *
 * @param keyBytesMax longest key in its stored form, bytes
 * @param entryBytesMax key plus value (or member, or item), bytes
 * @param ringBytesMax recent mutations kept for replay, bytes
 * @param ringMutationsMax recent mutations kept for replay, count
 * @param heldBackBytesMax mutations waiting for an earlier one, bytes
 * @param heldBackMutationsMax mutations waiting for an earlier one, count
 * @param heldCallsMax calls held while joining, count; beyond it a call is answered at once
 * @param frameBytes target size of a frame of mutations, bytes
 * @param replayBytes mutations sent for one replay request, bytes
 * @param chunkBytes target size of a snapshot chunk, bytes
 * @param cutsMax snapshot cuts served at once, count
 * @param digestBucketBits log2 of the number of digest buckets; the same in a whole group
 * @param pageKeysMax longest page of a key listing, count
 * @param silentOriginsMax origins remembered that wrote something and are gone, count; beyond it
 *     the oldest are forgotten
 * @param capacity how much the cache may hold
 */
public record Limits(
    int keyBytesMax,
    int entryBytesMax,
    long ringBytesMax,
    int ringMutationsMax,
    long heldBackBytesMax,
    int heldBackMutationsMax,
    int heldCallsMax,
    int frameBytes,
    int replayBytes,
    int chunkBytes,
    int cutsMax,
    int digestBucketBits,
    int pageKeysMax,
    int silentOriginsMax,
    Capacity capacity) {
  /** Limits of a cache that may hold whatever comes. */
  public Limits(
      int keyBytesMax,
      int entryBytesMax,
      long ringBytesMax,
      int ringMutationsMax,
      long heldBackBytesMax,
      int heldBackMutationsMax,
      int heldCallsMax,
      int frameBytes,
      int replayBytes,
      int chunkBytes,
      int cutsMax,
      int digestBucketBits,
      int pageKeysMax,
      int silentOriginsMax) {
    this(
        keyBytesMax,
        entryBytesMax,
        ringBytesMax,
        ringMutationsMax,
        heldBackBytesMax,
        heldBackMutationsMax,
        heldCallsMax,
        frameBytes,
        replayBytes,
        chunkBytes,
        cutsMax,
        digestBucketBits,
        pageKeysMax,
        silentOriginsMax,
        Capacity.UNLIMITED);
  }

  /** Payload of a NATS server with default settings, bytes. */
  public static final int DEFAULT_PAYLOAD_MAX = 1 << 20;

  /** Part of a payload kept free for frame overhead, bytes. */
  public static final int FRAME_RESERVE = 16 << 10;

  /**
   * Least payload with which a cache replicates, bytes: requests, answers and heartbeats with the
   * marks of two thousand origins fit, and a quarter of it is the reserve.
   */
  public static final int PAYLOAD_LEAST = 64 << 10;

  public static final Limits DEFAULTS =
      new Limits(
          64 << 10,
          DEFAULT_PAYLOAD_MAX - FRAME_RESERVE,
          64L << 20,
          1 << 20,
          16L << 20,
          1 << 18,
          1 << 16,
          64 << 10,
          1 << 20,
          256 << 10,
          2,
          10,
          100_000,
          1_024);

  /**
   * Most elements of a list or set that move together, or are copied, for one change; a small part
   * of a snapshot chunk.
   */
  public int collectionChunkMax() {
    return Math.clamp(chunkBytes >> 12, 4, 64);
  }

  /** The same limits where they do not let a message grow beyond {@code payloadMax} bytes. */
  public Limits within(int payloadMax) {
    int room = Math.max(1, payloadMax - Math.min(FRAME_RESERVE, payloadMax / 4));
    return new Limits(
        keyBytesMax,
        Math.min(entryBytesMax, room),
        ringBytesMax,
        ringMutationsMax,
        heldBackBytesMax,
        heldBackMutationsMax,
        heldCallsMax,
        Math.min(frameBytes, room),
        replayBytes,
        Math.min(chunkBytes, room),
        cutsMax,
        digestBucketBits,
        pageKeysMax,
        silentOriginsMax,
        capacity);
  }

  /** The same limits with another bound on key plus value. */
  public Limits withEntryBytesMax(int bytes) {
    return new Limits(
        keyBytesMax,
        bytes,
        ringBytesMax,
        ringMutationsMax,
        heldBackBytesMax,
        heldBackMutationsMax,
        heldCallsMax,
        frameBytes,
        replayBytes,
        chunkBytes,
        cutsMax,
        digestBucketBits,
        pageKeysMax,
        silentOriginsMax,
        capacity);
  }

  /**
   * The same limits with logs of mutations that leave most of a heap to the content. One that is
   * held back takes up to twice its {@link Mutation#weight()}; the ring's arrays may be twice as
   * long as what is in them.
   */
  public Limits withLogsFor(long heapBytes) {
    return new Limits(
        keyBytesMax,
        entryBytesMax,
        Math.min(ringBytesMax, heapBytes / 16),
        ringMutationsMax,
        Math.min(heldBackBytesMax, heapBytes / 32),
        heldBackMutationsMax,
        heldCallsMax,
        frameBytes,
        replayBytes,
        chunkBytes,
        cutsMax,
        digestBucketBits,
        pageKeysMax,
        silentOriginsMax,
        capacity);
  }

  /** The same limits for a cache that may hold so much. */
  public Limits withCapacity(Capacity changed) {
    return new Limits(
        keyBytesMax,
        entryBytesMax,
        ringBytesMax,
        ringMutationsMax,
        heldBackBytesMax,
        heldBackMutationsMax,
        heldCallsMax,
        frameBytes,
        replayBytes,
        chunkBytes,
        cutsMax,
        digestBucketBits,
        pageKeysMax,
        silentOriginsMax,
        changed);
  }
}
