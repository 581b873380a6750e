package org.natskvcache.replication.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.ItemList;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Register;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Entry;

/** Writes the section of one digest bucket, as much of it at a time as is wanted. */
public final class BucketWriter {
  private final List<Entry> entries;
  private final SnapshotCodec.Table table;
  private int next = -1;

  /** What is left of the entry begun: items, then members. */
  private ItemList.@Nullable Walk items;

  private @Nullable MemberSet<Bytes> set;
  private MemberSet<Bytes>.@Nullable Walk members;

  /**
   * @param entries those of the bucket, which do not change any more
   */
  public BucketWriter(List<Entry> entries, SnapshotCodec.Table table) {
    this.entries = entries;
    this.table = table;
  }

  /**
   * Writes on until {@code out} holds more than {@code size} bytes.
   *
   * @return whether the section is whole
   */
  public boolean write(ByteWriter out, int size) {
    while (out.size() <= size) if (!step(out)) return true;
    return false;
  }

  /** Writes a small piece; false if none is left. */
  private boolean step(ByteWriter out) {
    if (items != null) {
      if (items.next()) item(items, out);
      else items = null;
    } else if (set != null) {
      out.varint(set.size());
      members = set.walk();
      set = null;
    } else if (members != null) {
      if (members.next()) member(members, out);
      else members = null;
    } else if (next < 0) {
      out.varint(entries.size());
      next = 0;
    } else if (next < entries.size()) {
      begin(entries.get(next++), out);
    } else {
      return false;
    }
    return true;
  }

  private void begin(Entry entry, ByteWriter out) {
    out.bytes(entry.key().stored().array());
    ItemList list = entry.list();
    set = entry.set();
    Register register = entry.register();
    int facets = register == null ? 0 : SnapshotCodec.REGISTER;
    if (entry.chains() != null) facets |= SnapshotCodec.CHAINS;
    if (list != null) facets |= SnapshotCodec.LIST;
    if (set != null) facets |= SnapshotCodec.SET;
    out.u8(facets);
    if (register != null) registers(register, out);
    if (entry.chains() != null) chains(entry.chains(), out);
    if (list != null) {
      out.varint(list.size());
      items = list.walk();
    }
  }

  private void registers(Register versions, ByteWriter out) {
    int count = 0;
    for (Register r = versions; r != null; r = r.next) count++;
    out.varint(count);
    for (Register r = versions; r != null; r = r.next) {
      dot(r.dot, out);
      out.u64(r.hlc);
      out.varint(r.expireAtMillis);
      out.bytes(r.value);
    }
  }

  private void chains(Chain chains, ByteWriter out) {
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
      if (c.resetDot != Dot.NONE) dot(c.resetDot, out);
    }
  }

  private void item(ItemList.Walk item, ByteWriter out) {
    out.u64(item.position());
    dot(item.dot(), out);
    out.bytes(item.value());
  }

  private void member(MemberSet<Bytes>.Walk member, ByteWriter out) {
    long[] dots = member.dots();
    out.bytes(member.member().array());
    out.varint(dots.length);
    for (long dot : dots) dot(dot, out);
  }

  private void dot(long dot, ByteWriter out) {
    out.varint(table.index(Dot.slot(dot)));
    out.varint(Dot.sequence(dot));
  }
}
