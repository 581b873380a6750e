package org.natskvcache.store;

import org.jspecify.annotations.Nullable;

/**
 * What a mutation does to one key. Decided once by its author, then applied alike everywhere.
 *
 * <p>A non-null {@code reset} marks a write on a key its author saw expired: everything the author
 * had seen is removed first.
 */
public sealed interface Op {
  Key key();

  /** What all live instances must have before this may be written; null for nothing. */
  default @Nullable Feature feature() {
    return null;
  }

  /**
   * @param expireAtMillis wall time of the author at which the value expires, milliseconds since
   *     1970; 0 is never
   */
  record Put(Key key, Bytes value, long expireAtMillis, Observed seen) implements Op {}

  /**
   * @param expired whether this is the removal of an expired key rather than a caller's wish
   */
  record Delete(Key key, Observed seen, boolean expired) implements Op {}

  /**
   * @param sum the author's running sum after this increment, which receivers compare with their
   *     own
   * @param fresh whether this starts a new chain of the author
   */
  record Increment(Key key, long delta, long sum, boolean fresh, @Nullable Observed reset)
      implements Op {}

  record AddMember(Key key, Bytes member, @Nullable Observed reset) implements Op {}

  record RemoveMember(Key key, Bytes member) implements Op {}

  /**
   * @param position place in the list, see {@link org.natskvcache.crdt.ItemList}
   */
  record Append(Key key, long position, Bytes value, @Nullable Observed reset) implements Op {}

  /** Removes exactly one item. */
  record RemoveItem(Key key, long position, long itemDot) implements Op {}
}
