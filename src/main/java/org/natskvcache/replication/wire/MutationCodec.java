package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/**
 * The body of a frame of mutations:
 *
 * <pre>
 * firstSequence v | count v | historyHash u64 = 0 | baseHlc u64 | origins v | origin 16 bytes, each
 * count times: contexts v | (origin v, +delta v) each | op u8 | flags u8 | hlc zigzag, from the one before | key | arguments
 * rowHash u64
 * </pre>
 */
final class MutationCodec {
  private static final int PUT = 1;
  private static final int DELETE = 2;
  private static final int INCREMENT = 3;
  private static final int ADD_MEMBER = 4;
  private static final int REMOVE_MEMBER = 5;
  private static final int APPEND = 6;
  private static final int REMOVE_ITEM = 7;

  private static final int EXPIRES = 1;
  private static final int EXPIRED = 2;
  private static final int FRESH = 4;
  private static final int RESET = 8;

  private final Origins origins;
  private final ByteWriter records = new ByteWriter(256);

  MutationCodec(Origins origins) {
    this.origins = origins;
  }

  void encode(List<Mutation> mutations, ByteWriter out) {
    Map<Integer, Integer> table = new LinkedHashMap<>();
    records.clear(FrameCodec.BUFFER_KEPT);
    long hlc = mutations.getFirst().hlc();
    long baseHlc = hlc;
    for (Mutation mutation : mutations) {
      encode(mutation, hlc, slot -> index(slot, table), records);
      hlc = mutation.hlc();
    }
    out.varint(Dot.sequence(mutations.getFirst().dot()));
    out.varint(mutations.size());
    out.u64(0);
    out.u64(baseHlc);
    out.varint(table.size());
    for (int slot : table.keySet()) out.origin(origins.id(slot));
    out.raw(records.array(), 0, records.size());
    out.u64(mutations.getLast().rowHash());
  }

  private static int index(int slot, Map<Integer, Integer> table) {
    Integer known = table.get(slot);
    if (known != null) return known;
    table.put(slot, table.size());
    return table.size() - 1;
  }

  /**
   * Writes one mutation.
   *
   * @param table what to write for a slot
   */
  static void encode(Mutation mutation, long hlcBefore, IntUnaryOperator table, ByteWriter out) {
    int[] slots = mutation.contextSlots();
    out.varint(slots.length);
    for (int i = 0; i < slots.length; i++) {
      out.varint(table.applyAsInt(slots[i]));
      out.varint(mutation.contextDeltas()[i]);
    }
    Op op = mutation.op();
    out.u8(code(op));
    out.u8(flags(op));
    out.zigzag(mutation.hlc() - hlcBefore);
    out.bytes(op.key().stored().array());
    switch (op) {
      case Op.Put(var key, var value, var expireAt, var seen) -> {
        if (expireAt != 0) out.varint(expireAt);
        observed(seen, table, out);
        out.bytes(value.array());
      }
      case Op.Delete(var key, var seen, var expired) -> observed(seen, table, out);
      case Op.Increment(var key, var delta, var sum, var fresh, var reset) -> {
        reset(reset, table, out);
        out.zigzag(delta);
        out.zigzag(sum);
      }
      case Op.AddMember(var key, var member, var reset) -> {
        reset(reset, table, out);
        out.bytes(member.array());
      }
      case Op.RemoveMember(var key, var member) -> out.bytes(member.array());
      case Op.Append(var key, var position, var value, var reset) -> {
        reset(reset, table, out);
        out.zigzag(position - mutation.hlc());
        out.bytes(value.array());
      }
      case Op.RemoveItem(var key, var position, var itemDot) -> {
        out.u64(position);
        out.varint(table.applyAsInt(Dot.slot(itemDot)));
        out.varint(Dot.sequence(itemDot));
      }
    }
  }

  private static int code(Op op) {
    return switch (op) {
      case Op.Put p -> PUT;
      case Op.Delete d -> DELETE;
      case Op.Increment i -> INCREMENT;
      case Op.AddMember a -> ADD_MEMBER;
      case Op.RemoveMember r -> REMOVE_MEMBER;
      case Op.Append a -> APPEND;
      case Op.RemoveItem r -> REMOVE_ITEM;
    };
  }

  private static int flags(Op op) {
    return switch (op) {
      case Op.Put put -> put.expireAtMillis() != 0 ? EXPIRES : 0;
      case Op.Delete delete -> delete.expired() ? EXPIRED : 0;
      case Op.Increment i -> (i.fresh() ? FRESH : 0) | (i.reset() != null ? RESET : 0);
      case Op.AddMember add -> add.reset() != null ? RESET : 0;
      case Op.Append append -> append.reset() != null ? RESET : 0;
      case Op.RemoveMember r -> 0;
      case Op.RemoveItem r -> 0;
    };
  }

  private static void reset(@Nullable Observed reset, IntUnaryOperator table, ByteWriter out) {
    if (reset != null) observed(reset, table, out);
  }

  private static void observed(Observed seen, IntUnaryOperator table, ByteWriter out) {
    out.varint(seen.size());
    for (int i = 0; i < seen.size(); i++) {
      out.varint(table.applyAsInt(seen.slots()[i]));
      out.varint(seen.lasts()[i]);
      out.zigzag(seen.sums()[i]);
    }
  }

  List<Mutation> decode(OriginId author, ByteReader in) throws MalformedFrameException {
    long first = in.varint(Dot.SEQUENCE_MAX);
    int count = in.count(5);
    if (count == 0 || first == 0 || first + count > Dot.SEQUENCE_MAX) {
      throw new MalformedFrameException("sequences out of range");
    }
    in.u64();
    long hlc = in.u64();
    int tableSize = in.count(16);
    int me = Names.written(origins, author);
    int[] table = new int[tableSize];
    for (int i = 0; i < tableSize; i++) table[i] = Names.written(origins, in.origin());
    IntUnaryOperator named = index -> index < tableSize ? table[index] : -1;
    List<Mutation> mutations = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Mutation mutation = decodeAt(Dot.of(me, first + i), hlc, named, in);
      hlc = mutation.hlc();
      mutations.add(mutation);
    }
    mutations.addLast(mutations.removeLast().withRowHash(in.u64()));
    return mutations;
  }

  private static Mutation decodeAt(long dot, long hlcBefore, IntUnaryOperator table, ByteReader in)
      throws MalformedFrameException {
    try {
      return decode(dot, hlcBefore, table, in);
    } catch (MalformedFrameException malformed) {
      throw malformed.at(Dot.sequence(dot));
    }
  }

  /**
   * Reads one mutation.
   *
   * @param table the slot for what was written; -1 for none
   */
  static Mutation decode(long dot, long hlcBefore, IntUnaryOperator table, ByteReader in)
      throws MalformedFrameException {
    int contexts = in.count(2);
    int[] slots = new int[contexts];
    long[] deltas = new long[contexts];
    for (int i = 0; i < contexts; i++) {
      slots[i] = slot(table, in);
      deltas[i] = in.varint(Dot.SEQUENCE_MAX);
      if (deltas[i] == 0 || slots[i] == Dot.slot(dot)) {
        throw new MalformedFrameException("a context that cannot be");
      }
    }
    int code = in.u8();
    int flags = in.u8();
    long hlc = time(hlcBefore + in.zigzag());
    Key key = new Key(new Bytes(in.bytes()));
    return new Mutation(dot, hlc, slots, deltas, null, 0, op(code, flags, key, hlc, table, in));
  }

  private static Op op(
      int code, int flags, Key key, long hlc, IntUnaryOperator table, ByteReader in)
      throws MalformedFrameException {
    Observed reset =
        (flags & RESET) != 0 && (code == INCREMENT || code == ADD_MEMBER || code == APPEND)
            ? observed(table, in)
            : null;
    return switch (code) {
      case PUT -> {
        long expireAt = (flags & EXPIRES) != 0 ? in.varint(Long.MAX_VALUE - 1) : 0;
        Observed seen = observed(table, in);
        yield new Op.Put(key, new Bytes(in.bytes()), expireAt, seen);
      }
      case DELETE -> new Op.Delete(key, observed(table, in), (flags & EXPIRED) != 0);
      case INCREMENT ->
          new Op.Increment(key, in.zigzag(), in.zigzag(), (flags & FRESH) != 0, reset);
      case ADD_MEMBER -> new Op.AddMember(key, new Bytes(in.bytes()), reset);
      case REMOVE_MEMBER -> new Op.RemoveMember(key, new Bytes(in.bytes()));
      case APPEND -> {
        long position = position(hlc + in.zigzag());
        yield new Op.Append(key, position, new Bytes(in.bytes()), reset);
      }
      case REMOVE_ITEM -> {
        long position = position(in.u64());
        int slot = slot(table, in);
        yield new Op.RemoveItem(key, position, Dot.of(slot, in.varint(Dot.SEQUENCE_MAX)));
      }
      default -> throw MalformedFrameException.unknownOperation("operation " + code);
    };
  }

  /** A position; those below 0 are of a later release. */
  static long position(long value) throws MalformedFrameException {
    if (value < 0) throw MalformedFrameException.unknownOperation("a position below 0");
    return time(value);
  }

  static long time(long value) throws MalformedFrameException {
    if (value < 0 || value > Mutation.TIME_MAX)
      throw new MalformedFrameException("a time out of range");
    return value;
  }

  private static int slot(IntUnaryOperator table, ByteReader in) throws MalformedFrameException {
    int slot = table.applyAsInt((int) in.varint(Integer.MAX_VALUE));
    if (slot < 0) throw new MalformedFrameException("no such origin");
    return slot;
  }

  private static Observed observed(IntUnaryOperator table, ByteReader in)
      throws MalformedFrameException {
    int count = in.count(3);
    if (count == 0) return Observed.NOTHING;
    Observed seen = new Observed(new int[count], new long[count], new long[count]);
    for (int i = 0; i < count; i++) {
      seen.slots()[i] = slot(table, in);
      seen.lasts()[i] = in.varint(Dot.SEQUENCE_MAX);
      seen.sums()[i] = in.zigzag();
    }
    return seen;
  }
}
