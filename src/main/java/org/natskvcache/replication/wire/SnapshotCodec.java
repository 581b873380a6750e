package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Entry;
import org.natskvcache.store.EntryLoader;
import org.natskvcache.store.Key;

/**
 * The sections of a cut: the header (vector, clock, rows, bucket vectors), then one section for
 * each digest bucket. Origins are named by their place in the header's vector.
 */
public final class SnapshotCodec {
  private static final int REGISTER = 1;
  private static final int CHAINS = 2;
  private static final int LIST = 4;
  private static final int SET = 8;

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

    private int index(int slot) {
      return indexes[slot];
    }

    private int slot(ByteReader in) throws MalformedFrameException {
      return slots[(int) in.varint(slots.length - 1L)];
    }

    /** A sequence of the origin in {@code slot} that the cut includes. */
    private long sequence(int slot, ByteReader in) throws MalformedFrameException {
      long sequence = in.varint(vector.get(slot));
      if (sequence == 0) throw new MalformedFrameException("a sequence of 0");
      return sequence;
    }

    private long dot(ByteReader in) throws MalformedFrameException {
      int slot = slot(in);
      return Dot.of(slot, sequence(slot, in));
    }
  }

  public byte[] encode(Header header, Table table) {
    ByteWriter out = new ByteWriter(1024);
    out.varint(table.slots.length);
    for (int slot : table.slots) {
      out.origin(origins.id(slot));
      out.varint(header.vector.mark(slot));
    }
    out.u64(header.hlc);
    for (int slot : table.slots) {
      VersionVector row = slot < header.rows.size() ? header.rows.get(slot) : null;
      sparse(row == null ? new VersionVector(origins) : row, table, out);
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
    return out.toBytes();
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
    for (int slot : table.slots) if (vector.mark(slot) > 0) count++;
    out.varint(count);
    for (int slot : table.slots) {
      if (vector.mark(slot) == 0) continue;
      out.varint(table.index(slot));
      out.varint(vector.mark(slot));
    }
  }

  /** A header as read, with the table its sections refer to. */
  public record Read(Header header, Table table) {}

  public Read decodeHeader(byte[] section, int buckets) throws MalformedFrameException {
    ByteReader in = new ByteReader(section, 0, section.length);
    int count = in.count(17);
    if (origins.slots() + count >= Origins.SLOTS_MAX) {
      throw new MalformedFrameException("too many origins");
    }
    VersionVector vector = new VersionVector(origins);
    Table table = new Table(vector, new int[count]);
    BitSet named = new BitSet();
    for (int i = 0; i < count; i++) {
      int slot = origins.slot(in.origin());
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
    VersionVector vector = new VersionVector(origins);
    for (int i = in.count(2); i > 0; i--) vector.raise(table.slot(in), in.varint(Dot.SEQUENCE_MAX));
    return vector;
  }

  public byte[] encode(List<Entry> bucket, Table table) {
    ByteWriter out = new ByteWriter(64 + 64 * bucket.size());
    out.varint(bucket.size());
    for (Entry entry : bucket) encode(entry, table, out);
    return out.toBytes();
  }

  private static void encode(Entry entry, Table table, ByteWriter out) {
    out.bytes(entry.key().stored().array());
    int facets = entry.register() == null ? 0 : REGISTER;
    if (entry.chains() != null) facets |= CHAINS;
    if (entry.list() != null) facets |= LIST;
    if (entry.set() != null) facets |= SET;
    out.u8(facets);
    if (entry.register() != null) registers(entry.register(), table, out);
    if (entry.chains() != null) chains(entry.chains(), table, out);
    if (entry.list() != null) {
      out.varint(entry.list().size());
      entry
          .list()
          .forEach((position, dot, value) -> {
            out.u64(position);
            dot(dot, table, out);
            out.bytes(value);
          });
    }
    if (entry.set() != null) {
      out.varint(entry.set().size());
      entry
          .set()
          .dots()
          .forEach((member, dots) -> {
            out.bytes(member.array());
            out.varint(dots.length);
            for (long dot : dots) dot(dot, table, out);
          });
    }
  }

  private static void registers(Register versions, Table table, ByteWriter out) {
    int count = 0;
    for (Register r = versions; r != null; r = r.next) count++;
    out.varint(count);
    for (Register r = versions; r != null; r = r.next) {
      dot(r.dot, table, out);
      out.u64(r.hlc);
      out.varint(r.expireAtMillis);
      out.bytes(r.value);
    }
  }

  private static void chains(Chain chains, Table table, ByteWriter out) {
    int count = 0;
    for (Chain c = chains; c != null; c = c.next) count++;
    out.varint(count);
    for (Chain c = chains; c != null; c = c.next) {
      out.varint(table.index(c.slot));
      out.varint(c.start);
      out.varint(c.last);
      out.varint(c.base);
      out.zigzag(c.sum);
      out.zigzag(c.baseSum);
      out.u8(c.resetDot == Dot.NONE ? 0 : 1);
      if (c.resetDot != Dot.NONE) dot(c.resetDot, table, out);
    }
  }

  private static void dot(long dot, Table table, ByteWriter out) {
    out.varint(table.index(Dot.slot(dot)));
    out.varint(Dot.sequence(dot));
  }

  /** The entries of a bucket: each key once, and nothing that the cut's vector does not include. */
  public List<Entry> decodeBucket(byte[] section, Table table) throws MalformedFrameException {
    ByteReader in = new ByteReader(section, 0, section.length);
    int count = in.count(2);
    List<Entry> entries = new ArrayList<>(count);
    Set<Key> keys = new HashSet<>();
    for (int i = 0; i < count; i++) {
      Entry entry = entry(table, in);
      if (!keys.add(entry.key())) throw new MalformedFrameException("a key twice");
      entries.add(entry);
    }
    in.end();
    return entries;
  }

  private Entry entry(Table table, ByteReader in) throws MalformedFrameException {
    EntryLoader entry = new EntryLoader(new Key(new Bytes(in.bytes())), origins);
    int facets = in.u8();
    if ((facets & REGISTER) != 0) registers(table, in, entry);
    if ((facets & CHAINS) != 0) chains(table, in, entry);
    if ((facets & LIST) != 0) items(table, in, entry);
    if ((facets & SET) != 0) {
      for (int i = in.count(4); i > 0; i--) {
        Bytes member = new Bytes(in.bytes());
        long[] dots = new long[in.count(2)];
        for (int d = 0; d < dots.length; d++) dots[d] = table.dot(in);
        entry.member(member, dots);
      }
    }
    return entry.entry();
  }

  /** Versions are concurrent, so no two are of one origin. */
  private static void registers(Table table, ByteReader in, EntryLoader entry)
      throws MalformedFrameException {
    Set<Integer> owners = new HashSet<>();
    for (int i = in.count(12); i > 0; i--) {
      long dot = table.dot(in);
      if (!owners.add(Dot.slot(dot)))
        throw new MalformedFrameException("two versions of one origin");
      long hlc = MutationCodec.time(in.u64());
      long expireAt = in.varint(Long.MAX_VALUE - 1);
      entry.register(dot, hlc, expireAt, in.bytes());
    }
  }

  private static void chains(Table table, ByteReader in, EntryLoader entry)
      throws MalformedFrameException {
    Set<Integer> owners = new HashSet<>();
    for (int i = in.count(7); i > 0; i--) {
      int owner = table.slot(in);
      Chain chain = new Chain(owner, table.sequence(owner, in));
      chain.last = table.sequence(owner, in);
      chain.base = in.varint(chain.last);
      chain.sum = in.zigzag();
      chain.baseSum = in.zigzag();
      if (in.u8() != 0) chain.resetDot = table.dot(in);
      if (chain.start > chain.last || !owners.add(owner)) {
        throw new MalformedFrameException("a counter chain that cannot be");
      }
      entry.chain(chain);
    }
  }

  private void items(Table table, ByteReader in, EntryLoader entry) throws MalformedFrameException {
    long positionBefore = -1;
    long dotBefore = Dot.NONE;
    for (int i = in.count(11); i > 0; i--) {
      long position = MutationCodec.time(in.u64());
      long dot = table.dot(in);
      if (position < positionBefore
          || position == positionBefore && origins.compare(dotBefore, dot) >= 0) {
        throw new MalformedFrameException("items out of order");
      }
      positionBefore = position;
      dotBefore = dot;
      entry.item(position, dot, in.bytes());
    }
  }
}
