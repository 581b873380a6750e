package org.natskvcache.replication;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.BucketWriter;
import org.natskvcache.replication.wire.ByteWriter;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Keyspace;

/**
 * A snapshot being served: one moment of the whole state, sent in sections over some time while the
 * state moves on. What a bucket holds is noted when it is asked for or just before its first
 * change, whichever comes first, so all sections show the same moment; noting shares strings and
 * the chunks of lists and sets with the state, which copies a chunk before it changes it. Bytes are
 * made as they are asked for, and forgotten, like what they were made of, once the receiver has
 * them.
 *
 * <p>Mutable; owned by the node.
 */
public final class Cut {
  /** A section being written down: section 0 is the header, section 1 + b is bucket b. */
  private static final class Section {
    /** Null: it is whole. */
    private @Nullable BucketWriter writer;

    private final ByteWriter bytes;

    /** How many of its first bytes are forgotten. */
    private int forgotten;

    Section(@Nullable BucketWriter writer, ByteWriter bytes) {
      this.writer = writer;
      this.bytes = bytes;
    }

    /** Writes on until {@code end} is behind, or the section whole. */
    void write(int end) {
      if (writer != null && writer.write(bytes, end - forgotten)) writer = null;
    }

    /** How long it is as far as it is written. */
    int length() {
      return forgotten + bytes.size();
    }

    boolean whole() {
      return writer == null;
    }

    byte[] copy(int from, int to) {
      return Arrays.copyOfRange(bytes.array(), from - forgotten, to - forgotten);
    }

    void forget(int to) {
      if (to - forgotten < FORGET_BYTES || to > length()) return;
      bytes.dropFirst(to - forgotten);
      forgotten = to;
    }
  }

  /** So many bytes are forgotten at once, because what comes after them has to move. */
  private static final int FORGET_BYTES = 256 << 10;

  private final Keyspace keyspace;
  private final SnapshotCodec.Table table;

  /** What a bucket held at the moment of the cut; null: what it holds, or it is being written. */
  private final List<@Nullable List<Entry>> noted;

  /** Null: not begun, or released. */
  private final @Nullable Section[] sections;

  private int released;

  public Cut(Keyspace keyspace, SnapshotCodec codec, SnapshotCodec.Header header) {
    this.keyspace = keyspace;
    table = new SnapshotCodec.Table(header.vector(), keyspace.origins());
    int buckets = header.bucketVectors().size();
    noted = new ArrayList<>(Collections.nCopies(buckets, null));
    sections = new Section[1 + buckets];
    sections[0] = new Section(null, codec.encode(header, table));
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
    if (bucket + 1 < released || sections[bucket + 1] != null) return;
    if (noted.get(bucket) == null) noted.set(bucket, keyspace.frozen(bucket));
  }

  private Section section(int number) {
    Section section = sections[number];
    if (section != null) return section;
    List<Entry> entries = noted.get(number - 1);
    if (entries == null) entries = keyspace.frozen(number - 1);
    noted.set(number - 1, null);
    section = new Section(new BucketWriter(entries, table), new ByteWriter(1024));
    sections[number] = section;
    return section;
  }

  /** A part of the cut and whether the cut ends with it. */
  public record Part(int section, int offset, List<Frame.Piece> pieces, boolean last) {
    /** How many bytes of sections it carries. */
    public int bytes() {
      return Frame.Piece.bytes(pieces);
    }
  }

  /** The receiver has everything before this position: it need not be kept. */
  public void release(int section, int offset) {
    for (; released < Math.min(section, sections.length); released++) {
      sections[released] = null;
      if (released > 0) noted.set(released - 1, null);
    }
    Section open = section < sections.length ? sections[section] : null;
    if (open != null && section == released) open.forget(offset);
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
    List<Frame.Piece> pieces = new ArrayList<>();
    int left = bytes;
    int at = offset;
    for (int s = section; s < sections.length && left > 0; s++, at = 0) {
      Section open = section(s);
      int until = (int) Math.min(Integer.MAX_VALUE, (long) at + left);
      open.write(until);
      if (at < open.forgotten || at > open.length()) return null;
      int end = Math.min(until, open.length());
      boolean ends = open.whole() && end == open.length();
      pieces.add(new Frame.Piece(ends, new Bytes(open.copy(at, end))));
      left -= Math.max(1, end - at);
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
