package org.natskvcache.replication;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Keyspace;

/**
 * A snapshot being served: one moment of the whole state, sent in sections over some time while the
 * state moves on. A bucket is written down when it is asked for or just before its first change,
 * whichever comes first, so all sections show the same moment. What the receiver has is forgotten
 * here.
 *
 * <p>Mutable; owned by the node.
 */
public final class Cut {
  private final Keyspace keyspace;
  private final SnapshotCodec codec;
  private final SnapshotCodec.Table table;

  /** Section 0 is the header, section 1 + b is bucket b; null: not written down yet. */
  private final @Nullable Bytes[] sections;

  private int released;

  public Cut(Keyspace keyspace, SnapshotCodec codec, SnapshotCodec.Header header) {
    this.keyspace = keyspace;
    this.codec = codec;
    table = new SnapshotCodec.Table(header.vector(), keyspace.origins());
    sections = new Bytes[1 + header.bucketVectors().size()];
    sections[0] = new Bytes(codec.encode(header, table));
  }

  /** The header of a cut at this moment. */
  public static SnapshotCodec.Header header(
      Delivery delivery, BucketVectors buckets, Origins origins, long hlc) {
    List<@Nullable VersionVector> rows = new ArrayList<>();
    for (int slot = 0; slot < origins.slots(); slot++) {
      VersionVector row = delivery.rowIfKnown(slot);
      rows.add(row == null ? null : row.copy());
    }
    List<VersionVector> bucketVectors = new ArrayList<>();
    for (int bucket = 0; bucket < buckets.size(); bucket++) bucketVectors.add(buckets.get(bucket));
    return new SnapshotCodec.Header(delivery.applied().copy(), hlc, rows, bucketVectors);
  }

  /** Marks the slots that sections still to be written may name. */
  public void markSlots(BitSet used) {
    table.markSlots(used);
  }

  /** To be called before anything in {@code bucket} changes. */
  public void beforeChange(int bucket) {
    if (bucket + 1 >= released) section(bucket + 1);
  }

  /** Writes down everything that is left, before many buckets change at once. */
  public void beforeInstall() {
    for (int section = released; section < sections.length; section++) section(section);
  }

  private byte[] section(int section) {
    Bytes written = sections[section];
    if (written == null) {
      written = new Bytes(codec.encode(keyspace.entries(section - 1), table));
      sections[section] = written;
    }
    return written.array();
  }

  /** A part of the cut and whether the cut ends with it. */
  public record Part(int section, int offset, List<Frame.Piece> pieces, boolean last) {
    /** How many bytes of sections it carries. */
    public int bytes() {
      return Frame.Piece.bytes(pieces);
    }
  }

  /** The receiver has everything before {@code section}: it need not be kept. */
  public void release(int section) {
    for (; released < Math.min(section, sections.length); released++) sections[released] = null;
  }

  /** Whether the receiver has everything. */
  public boolean isReleased() {
    return released == sections.length;
  }

  /**
   * The part from a position on.
   *
   * @param bytes about how large it may be
   * @return null if the position is not one of this cut, or behind what was released
   */
  public @Nullable Part part(int section, int offset, int bytes) {
    if (section < released || section >= sections.length) return null;
    if (offset > section(section).length) return null;
    List<Frame.Piece> pieces = new ArrayList<>();
    int left = bytes;
    int at = offset;
    for (int s = section; s < sections.length && left > 0; s++, at = 0) {
      byte[] whole = section(s);
      int length = Math.min(left, whole.length - at);
      byte[] piece = java.util.Arrays.copyOfRange(whole, at, at + length);
      boolean ends = at + length == whole.length;
      pieces.add(new Frame.Piece(ends, new Bytes(piece)));
      left -= Math.max(1, length);
      if (!ends) return new Part(section, offset, pieces, false);
      if (s == sections.length - 1) return new Part(section, offset, pieces, true);
    }
    return new Part(section, offset, pieces, false);
  }

  /** The position after a part. */
  public static int nextSection(Part part) {
    int ended = 0;
    for (Frame.Piece piece : part.pieces()) if (piece.ends()) ended++;
    return part.section() + ended;
  }

  /** The offset in {@link #nextSection}. */
  public static int nextOffset(Part part) {
    Frame.Piece last = part.pieces().getLast();
    if (last.ends()) return 0;
    return (part.pieces().size() == 1 ? part.offset() : 0) + last.bytes().size();
  }
}
