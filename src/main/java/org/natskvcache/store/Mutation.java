package org.natskvcache.store;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;

/**
 * One change, named by its dot.
 *
 * <p>What its author had seen, its context, is given as the difference from the author's mutation
 * before it: a receiver that has applied that one knows the whole. The author's own entry is
 * implied.
 *
 * @param dot origin and sequence, see {@link org.natskvcache.crdt.Dot}
 * @param hlc hybrid logical clock of the author
 * @param contextSlots origins whose mark rose since the author's mutation before
 * @param contextDeltas by how much, each at least 1
 * @param contextForgotten what the author has forgotten, if that changed since its mutation before:
 *     then the marks given are whole, not differences, and the author has no others; else null
 * @param rowHash hash of the author's whole context row after this mutation, to notice drift; 0 if
 *     not known
 * @param op the change
 */
public record Mutation(
    long dot,
    long hlc,
    int[] contextSlots,
    long[] contextDeltas,
    @Nullable Forgotten contextForgotten,
    long rowHash,
    Op op) {
  /**
   * Greatest clock and greatest position in a list. Readers refuse more, so that no peer can push a
   * clock to its end; who writes stops there.
   */
  public static final long TIME_MAX = 1L << 62;

  private static final int OVERHEAD = 96;

  /** The same mutation, with the hash of its author's row. */
  public Mutation withRowHash(long hash) {
    return new Mutation(dot, hlc, contextSlots, contextDeltas, contextForgotten, hash, op);
  }

  /** The same mutation, with what its author had forgotten. */
  public Mutation withForgotten(Forgotten forgotten) {
    return new Mutation(dot, hlc, contextSlots, contextDeltas, forgotten, rowHash, op);
  }

  /** About how much memory this takes, bytes; for bounds, not for accounting. */
  public int weight() {
    int variable =
        switch (op) {
          case Op.Put(var key, var value, var at, var seen) ->
              key.stored().size() + value.size() + 20 * seen.size();
          case Op.Delete(var key, var seen, var expired) -> key.stored().size() + 20 * seen.size();
          case Op.AddMember(var key, var member, var reset) -> key.stored().size() + member.size();
          case Op.RemoveMember(var key, var member) -> key.stored().size() + member.size();
          case Op.Append(var key, var position, var value, var reset) ->
              key.stored().size() + value.size();
          case Op.Increment i -> i.key().stored().size();
          case Op.RemoveItem r -> r.key().stored().size();
        };
    return OVERHEAD + variable + 12 * contextSlots.length;
  }

  /** Marks the slots that this refers to. */
  public void markSlots(BitSet used) {
    used.set(Dot.slot(dot));
    for (int slot : contextSlots) used.set(slot);
    for (int slot : observed().slots()) used.set(slot);
    if (op instanceof Op.RemoveItem remove) used.set(Dot.slot(remove.itemDot()));
  }

  /** The counter chains it resets. */
  public Observed observed() {
    Observed seen =
        switch (op) {
          case Op.Put put -> put.seen();
          case Op.Delete delete -> delete.seen();
          case Op.Increment increment -> increment.reset();
          case Op.AddMember add -> add.reset();
          case Op.Append append -> append.reset();
          case Op.RemoveMember _ -> null;
          case Op.RemoveItem _ -> null;
        };
    return seen == null ? Observed.NOTHING : seen;
  }
}
