package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/**
 * The sections of a cut: the header (vector, clock, rows, bucket vectors), then one section for
 * each digest bucket ({@link BucketWriter}, {@link BucketReader}). Origins are named by their place
 * in the header's vector.
 */
public final class SnapshotCodec {
  static final int REGISTER = 1;
  static final int CHAINS = 2;
  static final int LIST = 4;
  static final int SET = 8;

  private final Origins origins;

  public SnapshotCodec(Origins origins) {
    this.origins = origins;
  }

  /**
   * What a cut says of itself.
   *
   * @param vector everything the cut includes, and nothing else
   * @param rows by slot, the context of the last mutation of each origin
   * @param bucketVectors one for each digest bucket
   */
  public record Header(
      VersionVector vector,
      long hlc,
      List<@Nullable VersionVector> rows,
      List<VersionVector> bucketVectors) {}

  /**
   * The origins a cut may name in the order they are written, and back: those with a mark in its
   * vector and those it has forgotten but may still hold something of.
   */
  public static final class Table {
    private final VersionVector vector;
    private final int[] slots;
    private final int[] indexes;

    public Table(VersionVector vector, Origins origins) {
      this.vector = vector;
      slots =
          IntStream.range(0, origins.slots())
              .filter(slot -> !origins.isFree(slot) && vector.get(slot) > 0)
              .toArray();
      indexes = new int[origins.slots()];
      Arrays.fill(indexes, -1);
      for (int i = 0; i < slots.length; i++) indexes[slots[i]] = i;
    }

    private Table(VersionVector vector, int[] slots) {
      this.vector = vector;
      this.slots = slots;
      this.indexes = new int[0];
    }

    /** Marks the slots that are named. */
    public void markSlots(BitSet used) {
      for (int slot : slots) used.set(slot);
    }

    int index(int slot) {
      return indexes[slot];
    }

    int slot(ByteReader in) throws MalformedFrameException {
      return slots[(int) in.varint(slots.length - 1L)];
    }

    /** A sequence of the origin in {@code slot} that the cut includes. */
    long sequence(int slot, ByteReader in) throws MalformedFrameException {
      long sequence = in.varint(vector.get(slot));
      if (sequence == 0) throw new MalformedFrameException("a sequence of 0");
      return sequence;
    }

    long dot(ByteReader in) throws MalformedFrameException {
      int slot = slot(in);
      return Dot.of(slot, sequence(slot, in));
    }
  }

  /** The header's section. */
  public ByteWriter encode(Header header, Table table) {
    ByteWriter out = new ByteWriter(1024);
    out.varint(table.slots.length);
    for (int slot : table.slots) {
      out.origin(origins.id(slot));
      out.varint(header.vector.mark(slot));
    }
    out.u64(header.hlc);
    for (int slot : table.slots) {
      VersionVector row = slot < header.rows.size() ? header.rows.get(slot) : null;
      if (row == null) out.varint(0);
      else sparse(row, table, out);
    }
    out.varint(header.bucketVectors.size());
    for (VersionVector bucket : header.bucketVectors) sparse(bucket, table, out);
    if (anyForgotten(header)) {
      forgotten(header.vector.forgotten(), out);
      for (int slot : table.slots) {
        VersionVector row = slot < header.rows.size() ? header.rows.get(slot) : null;
        forgotten(row == null ? null : row.forgotten(), out);
      }
    }
    return out;
  }

  private static boolean anyForgotten(Header header) {
    return header.vector.forgotten() != null
        || header.rows.stream().anyMatch(row -> row != null && row.forgotten() != null);
  }

  private static void forgotten(@Nullable Forgotten forgotten, ByteWriter out) {
    out.u8(forgotten == null ? 0 : 1);
    if (forgotten == null) return;
    out.origin(forgotten.until());
    out.u64(forgotten.hash());
  }

  private static @Nullable Forgotten forgotten(ByteReader in) throws MalformedFrameException {
    return in.u8() == 0 ? null : new Forgotten(in.origin(), in.u64());
  }

  private static void sparse(VersionVector vector, Table table, ByteWriter out) {
    int count = 0;
    for (int slot = vector.next(0); slot >= 0; slot = vector.next(slot + 1)) {
      if (table.index(slot) >= 0) count++;
    }
    out.varint(count);
    for (int slot = vector.next(0); slot >= 0; slot = vector.next(slot + 1)) {
      if (table.index(slot) < 0) continue;
      out.varint(table.index(slot));
      out.varint(vector.mark(slot));
    }
  }

  /** A header as read, with the table its sections refer to. */
  public record Read(Header header, Table table) {}

  /**
   * Reads a header; one that cannot be read leaves no names behind. It may name all that wrote what
   * the group holds.
   */
  public Read decodeHeader(byte[] section, int buckets) throws MalformedFrameException {
    origins.begin(Origins.SNAPSHOT_NAMES_MAX);
    try {
      return header(new ByteReader(section, 0, section.length), buckets);
    } catch (MalformedFrameException refused) {
      origins.rollback();
      throw refused;
    }
  }

  private Read header(ByteReader in, int buckets) throws MalformedFrameException {
    int count = in.count(17);
    VersionVector vector = new VersionVector(origins);
    Table table = new Table(vector, new int[count]);
    BitSet named = new BitSet();
    for (int i = 0; i < count; i++) {
      int slot = Names.held(origins, in.origin());
      long mark = in.varint(Dot.SEQUENCE_MAX);
      if (named.get(slot)) throw new MalformedFrameException("an origin twice");
      named.set(slot);
      table.slots[i] = slot;
      vector.raise(slot, mark);
    }
    long hlc = MutationCodec.time(in.u64());
    List<@Nullable VersionVector> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      while (rows.size() <= table.slots[i]) rows.add(null);
      rows.set(table.slots[i], sparse(table, in));
    }
    if (in.varint() != buckets) throw new MalformedFrameException("another number of buckets");
    List<VersionVector> bucketVectors = new ArrayList<>(buckets);
    for (int i = 0; i < buckets; i++) bucketVectors.add(sparse(table, in));
    if (in.remaining() > 0) {
      vector.forgotten(forgotten(in));
      for (int slot : table.slots) {
        Forgotten forgotten = forgotten(in);
        VersionVector row = rows.get(slot);
        if (row != null) row.forgotten(forgotten);
      }
    }
    in.end();
    for (int slot : table.slots) {
      if (vector.get(slot) == 0) throw new MalformedFrameException("an origin without a mark");
    }
    return new Read(new Header(vector, hlc, rows, bucketVectors), table);
  }

  private VersionVector sparse(Table table, ByteReader in) throws MalformedFrameException {
    long[] dots = new long[in.count(2)];
    for (int i = 0; i < dots.length; i++) {
      dots[i] = Dot.of(table.slot(in), in.varint(Dot.SEQUENCE_MAX));
    }
    return VersionVector.of(origins, dots);
  }
}
