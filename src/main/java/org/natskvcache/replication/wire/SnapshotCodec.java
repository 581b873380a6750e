package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
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

  /** The origins of a cut's vector in the order they are written, and back. */
  public static final class Table {
    private final int[] slots;
    private final int[] indexes;

    public Table(VersionVector vector) {
      int count = 0;
      for (int slot = 0; slot < vector.slots(); slot++) if (vector.get(slot) > 0) count++;
      slots = new int[count];
      indexes = new int[vector.slots()];
      int index = 0;
      for (int slot = 0; slot < vector.slots(); slot++) {
        indexes[slot] = vector.get(slot) > 0 ? index : -1;
        if (vector.get(slot) > 0) slots[index++] = slot;
      }
    }

    private Table(int[] slots) {
      this.slots = slots;
      this.indexes = new int[0];
    }

    int index(int slot) {
      return indexes[slot];
    }

    int slot(ByteReader in) throws MalformedFrameException {
      return slots[(int) in.varint(slots.length - 1L)];
    }
  }

  /** The header's section. */
  public ByteWriter encode(Header header, Table table) {
    ByteWriter out = new ByteWriter(1024);
    out.varint(table.slots.length);
    for (int slot : table.slots) {
      out.origin(origins.id(slot));
      out.varint(header.vector.get(slot));
    }
    out.u64(header.hlc);
    for (int slot : table.slots) {
      VersionVector row = slot < header.rows.size() ? header.rows.get(slot) : null;
      sparse(row == null ? new VersionVector(origins) : row, table, out);
    }
    out.varint(header.bucketVectors.size());
    for (VersionVector bucket : header.bucketVectors) sparse(bucket, table, out);
    return out;
  }

  private static void sparse(VersionVector vector, Table table, ByteWriter out) {
    int count = 0;
    for (int slot : table.slots) if (vector.get(slot) > 0) count++;
    out.varint(count);
    for (int slot : table.slots) {
      if (vector.get(slot) == 0) continue;
      out.varint(table.index(slot));
      out.varint(vector.get(slot));
    }
  }

  /** A header as read, with the table its sections refer to. */
  public record Read(Header header, Table table) {}

  public Read decodeHeader(byte[] section, int buckets) throws MalformedFrameException {
    ByteReader in = new ByteReader(section, 0, section.length);
    int count = in.count(17);
    if (origins.size() + count >= Origins.SLOTS_MAX) {
      throw new MalformedFrameException("too many origins");
    }
    Table table = new Table(new int[count]);
    VersionVector vector = new VersionVector(origins);
    for (int i = 0; i < count; i++) {
      table.slots[i] = origins.slot(in.origin());
      vector.raise(table.slots[i], in.varint(Dot.SEQUENCE_MAX));
    }
    long hlc = in.u64();
    if (hlc < 0 || hlc > 1L << 62) throw new MalformedFrameException("a time out of range");
    List<@Nullable VersionVector> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      while (rows.size() <= table.slots[i]) rows.add(null);
      rows.set(table.slots[i], sparse(table, in));
    }
    if (in.varint() != buckets) throw new MalformedFrameException("another number of buckets");
    List<VersionVector> bucketVectors = new ArrayList<>(buckets);
    for (int i = 0; i < buckets; i++) bucketVectors.add(sparse(table, in));
    in.end();
    return new Read(new Header(vector, hlc, rows, bucketVectors), table);
  }

  private VersionVector sparse(Table table, ByteReader in) throws MalformedFrameException {
    VersionVector vector = new VersionVector(origins);
    for (int i = in.count(2); i > 0; i--) vector.raise(table.slot(in), in.varint(Dot.SEQUENCE_MAX));
    return vector;
  }
}
