package org.natskvcache.replication;

import java.io.ByteArrayOutputStream;
import java.util.BitSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.natskvcache.replication.wire.BucketReader;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Key;
import org.natskvcache.store.Merge;

/**
 * A snapshot being received: read chunk by chunk, beside the keyspace. Nothing is changed there
 * until the last one is here; a snapshot that stops half-way leaves no trace. Mutable; owned by the
 * node.
 */
public final class Staging {
  private final SnapshotCodec codec;
  private final int buckets;
  private final Function<SnapshotCodec.Header, @Nullable Merge> merges;

  /** Sections that are here in full. */
  private int section;

  /** Bytes of the next one that are here. */
  private int offset;

  private final ByteArrayOutputStream headerBytes = new ByteArrayOutputStream();
  private SnapshotCodec.@Nullable Read header;
  private @Nullable Merge merge;
  private @Nullable BucketReader reader;
  private @Nullable MalformedFrameException damage;

  /**
   * @param buckets how many sections a whole cut has besides its header
   * @param merges begins the merge of the snapshot with this header; null for one that must not be
   *     joined
   */
  public Staging(
      SnapshotCodec codec, int buckets, Function<SnapshotCodec.Header, @Nullable Merge> merges) {
    this.codec = codec;
    this.buckets = buckets;
    this.merges = merges;
  }

  /** The first section not here in full. */
  public int section() {
    return section;
  }

  /** How many of its bytes are here. */
  public int offset() {
    return offset;
  }

  /**
   * Adds a chunk that begins exactly where the last one ended.
   *
   * @return false if it does not, or claims more sections than there are; nothing is changed then
   */
  public boolean add(Frame.SnapshotChunk chunk) {
    if (chunk.section() != section || chunk.offset() != offset) return false;
    int begun = section;
    for (Frame.Piece piece : chunk.pieces()) {
      if (begun == 1 + buckets) return false;
      if (piece.ends()) begun++;
    }
    try {
      for (Frame.Piece piece : chunk.pieces()) add(piece);
    } catch (MalformedFrameException damaged) {
      damage = damaged;
    }
    return true;
  }

  private void add(Frame.Piece piece) throws MalformedFrameException {
    byte[] bytes = piece.bytes().array();
    if (section == 0) headerBytes.writeBytes(bytes);
    else if (!stopped()) reader().read(bytes);
    offset += bytes.length;
    if (!piece.ends()) return;
    if (section == 0) readHeader();
    else if (!stopped()) endBucket();
    section++;
    offset = 0;
  }

  private void readHeader() throws MalformedFrameException {
    SnapshotCodec.Read read = codec.decodeHeader(headerBytes.toByteArray(), buckets);
    header = read;
    merge = merges.apply(read.header());
  }

  private BucketReader reader() {
    BucketReader open = reader;
    SnapshotCodec.Read read = header;
    Merge into = merge;
    if (open != null) return open;
    if (read == null || into == null) throw new IllegalStateException("a bucket before the header");
    int bucket = section - 1;
    open = new BucketReader(read.table(), (Key key) -> into.loader(bucket, key));
    reader = open;
    return open;
  }

  private void endBucket() throws MalformedFrameException {
    reader().end();
    reader = null;
    if (merge != null) merge.complete(section - 1);
  }

  /** Whether the rest of it is of no use: it cannot be read, or must not be joined. */
  public boolean stopped() {
    return damage != null || header != null && merge == null;
  }

  /** Whether something that was added cannot be read. */
  public boolean unreadable() {
    return damage != null;
  }

  /** What it holds that only later releases know; null when nothing of that kind was read. */
  public @Nullable String unknown() {
    MalformedFrameException why = damage;
    if (why == null || why.kind() != MalformedFrameException.Kind.UNKNOWN_OPERATION) return null;
    return why.getMessage();
  }

  public boolean complete() {
    return section == sections();
  }

  /** How many sections a whole cut has. */
  public int sections() {
    return 1 + buckets;
  }

  /** Marks the slots that what was read refers to. */
  public void markSlots(BitSet used) {
    if (header != null) header.table().markSlots(used);
  }

  /** The header; null while it is not here. */
  public SnapshotCodec.@Nullable Header header() {
    return header == null ? null : header.header();
  }

  /** What has been read of the buckets; null before the header is here. */
  public @Nullable Merge merge() {
    return merge;
  }
}
