package org.natskvcache.store;

import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Footprint;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Register;

/** What an operation that was decided here is going to add to {@link Keyspace#footprint()}. */
final class Growth {
  private Growth() {}

  /** At most so many bytes, whatever is held; 0 for an operation that only takes away. */
  static long most(Op op) {
    long content = content(op, null, 0);
    return content == 0 ? 0 : content + FacetEntry.footprint(op.key().stored().size());
  }

  /** What an operation leaves where there was nothing. */
  private static long alone(Op op) {
    int keyBytes = op.key().stored().size();
    return op instanceof Op.Put put && PlainEntry.suits(keyBytes, put.expireAtMillis())
        ? PlainEntry.footprint(keyBytes, put.value().size())
        : most(op);
  }

  /**
   * So many bytes; negative when an overwriting operation leaves less than before, 0 for one that
   * only takes away.
   *
   * @param held the entry of its key
   * @param me the slot of its author
   */
  static long of(Op op, @Nullable Entry held, int me) {
    long alone = alone(op);
    long before = held == null ? 0 : held.footprint();
    if (alone == 0 || held == null || before == 0) return alone;
    if (overwrites(op)) return alone - before;
    long content = content(op, held, me);
    return content == 0 ? 0 : held.openedFootprint() + content - before;
  }

  /** Whether nothing stays of what its author sees. */
  private static boolean overwrites(Op op) {
    return switch (op) {
      case Op.Put _, Op.Delete _ -> true;
      case Op.Increment increment -> increment.reset() != null;
      case Op.AddMember add -> add.reset() != null;
      case Op.Append append -> append.reset() != null;
      case Op.RemoveMember _, Op.RemoveItem _ -> false;
    };
  }

  private static long content(Op op, @Nullable Entry held, int me) {
    return switch (op) {
      case Op.Put put ->
          Register.footprint(put.value().size())
              + (put.expireAtMillis() == 0 ? 0 : Entry.EXPIRY_BYTES);
      case Op.Increment _ -> {
        Chain own = held == null ? null : Chain.find(held.chains(), me);
        yield own != null && !own.dead() ? 0 : Footprint.CHAIN;
      }
      case Op.AddMember(_, var member, _) -> {
        MemberSet<Bytes> set = held == null ? null : held.set();
        if (set != null && set.contains(member)) yield 0;
        yield (set == null ? Footprint.SET : 0)
            + Footprint.MEMBER
            + Keyspace.MEMBERS.footprint(member);
      }
      case Op.Append(_, _, var value, _) ->
          (held != null && held.list() != null ? 0 : Footprint.LIST)
              + Footprint.ITEM
              + Footprint.array(value.size());
      case Op.Delete _, Op.RemoveMember _, Op.RemoveItem _ -> 0;
    };
  }
}
