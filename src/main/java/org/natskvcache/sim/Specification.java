package org.natskvcache.sim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;

/**
 * What a key must hold, said as plainly as possible: a write is there unless some other mutation
 * that had seen it overwrites it; a counter is the sum of the increments that are there. A function
 * of a set of mutations, so two replicas that include the same ones must hold the same.
 */
final class Specification {
  /** A mutation with its whole context, in the slots of the observer. */
  private static final class Written {
    final long dot;
    final VersionVector seen;
    final long hlc;
    final Op op;

    /** The dots of all mutations that overwrite this one, whoever includes them. */
    private long[] overwriters = new long[4];

    private int overwriterCount;

    Written(long dot, VersionVector seen, long hlc, Op op) {
      this.dot = dot;
      this.seen = seen;
      this.hlc = hlc;
      this.op = op;
    }

    void overwrittenBy(long later) {
      if (overwriterCount == overwriters.length) {
        overwriters = Arrays.copyOf(overwriters, overwriterCount * 2);
      }
      overwriters[overwriterCount++] = later;
    }

    /** Whether a replica that includes exactly {@code included} includes an overwriting one. */
    boolean isOverwritten(VersionVector included) {
      for (int i = 0; i < overwriterCount; i++) if (included.covers(overwriters[i])) return true;
      return false;
    }
  }

  private final Origins origins;
  private final Map<Key, List<Written>> byKey = new LinkedHashMap<>();
  private final Map<Integer, VersionVector> rows = new LinkedHashMap<>();

  /** The last mutation of each origin that was observed. */
  private final VersionVector observed;

  private final Set<Key> doubted = new HashSet<>();

  private long count;

  Specification(Origins origins) {
    this.origins = origins;
    observed = new VersionVector(origins);
  }

  /** Whether all that {@code included} names was observed; an answer may be ahead of that. */
  boolean knows(VersionVector included) {
    return observed.covers(included);
  }

  long count() {
    return count;
  }

  Iterable<Key> keys() {
    return byKey.keySet();
  }

  /**
   * Somebody lied about what it saw of the counter under this key, which all believe alike. What
   * that comes to is not specified; the rest of the key is.
   */
  void doubtCounter(Key key) {
    doubted.add(key);
  }

  boolean doubtsCounter(Key key) {
    return doubted.contains(key);
  }

  /** An origin starts anew under an old name: only a broken variant does. */
  void restart(OriginId id) {
    rows.remove(origins.slot(id));
  }

  /**
   * Takes a mutation as its author published it; those of one origin in order. Null, or what is
   * wrong with it.
   *
   * @param forgotten how much its author had applied of the origins it has forgotten, of which the
   *     mutation tells no more than a sum
   */
  @Nullable String observe(Mutation mutation, Map<OriginId, Long> forgotten) {
    int slot = Dot.slot(mutation.dot());
    if (mutation.contextForgotten() != null) rows.remove(slot);
    VersionVector row = rows.computeIfAbsent(slot, s -> new VersionVector(origins));
    row.raise(slot, Dot.sequence(mutation.dot()) - 1);
    for (int i = 0; i < mutation.contextSlots().length; i++) {
      int other = mutation.contextSlots()[i];
      row.raise(other, row.get(other) + mutation.contextDeltas()[i]);
    }
    Forgotten horizon = mutation.contextForgotten();
    if (horizon != null) {
      forgotten.forEach((id, mark) -> {
        int gone = origins.slot(id);
        if (horizon.includes(id) && row.mark(gone) == 0) row.raise(gone, mark);
      });
    }
    VersionVector seen = row.copy();
    row.raise(slot, Dot.sequence(mutation.dot()));
    observed.raise(slot, Dot.sequence(mutation.dot()));
    Written written = new Written(mutation.dot(), seen, mutation.hlc(), mutation.op());
    List<Written> key = byKey.computeIfAbsent(mutation.op().key(), k -> new ArrayList<>());
    // its author may have heard of a removal before it was published
    String wrong =
        mutation.op() instanceof Op.Append append && knows(seen)
            ? misplaced(append, seen, key)
            : null;
    add(written, key);
    count++;
    return wrong;
  }

  /** An item must land after every item its author saw. */
  private static @Nullable String misplaced(
      Op.Append append, VersionVector seen, List<Written> key) {
    if (append.reset() != null) return null;
    for (Written other : key) {
      if (!(other.op instanceof Op.Append earlier) || !seen.covers(other.dot)) continue;
      if (earlier.position() < append.position() || other.isOverwritten(seen)) continue;
      return "an item was placed before one its author saw";
    }
    return null;
  }

  /** One that was carried by a snapshot may be overwritten before its author publishes it. */
  private static void add(Written written, List<Written> key) {
    // only a broken variant gives a name twice
    if (key.removeIf(other -> other.dot == written.dot)) {
      List<Written> others = List.copyOf(key);
      key.clear();
      for (Written other : others) {
        add(new Written(other.dot, other.seen, other.hlc, other.op), key);
      }
    }
    for (Written other : key) {
      if (overwrites(written, other)) other.overwrittenBy(written.dot);
      if (overwrites(other, written)) written.overwrittenBy(other.dot);
    }
    key.add(written);
  }

  private static boolean overwrites(Written later, Written write) {
    boolean would =
        switch (later.op) {
          case Op.Put p -> true;
          case Op.Delete d -> true;
          case Op.Increment i -> i.reset() != null;
          case Op.Append a -> a.reset() != null;
          case Op.AddMember add -> add.reset() != null || sameMember(write, add.member());
          case Op.RemoveMember remove -> sameMember(write, remove.member());
          case Op.RemoveItem remove -> write.dot == remove.itemDot();
        };
    return would && later.seen.covers(write.dot);
  }

  private static boolean sameMember(Written write, Bytes member) {
    return write.op instanceof Op.AddMember add && add.member().equals(member);
  }

  /** What {@code included} says, in the slots of the observer. */
  VersionVector vector(Map<OriginId, Long> included) {
    VersionVector vector = new VersionVector(origins);
    included.forEach((id, sequence) -> vector.raise(origins.slot(id), sequence));
    return vector;
  }

  /**
   * The content of {@code key} at a replica that includes exactly the mutations up to {@code
   * included}, a {@link #vector}.
   */
  Content expected(Key key, VersionVector included) {
    Content content = new Content(origins);
    for (Written write : byKey.getOrDefault(key, List.of())) {
      if (!included.covers(write.dot) || write.isOverwritten(included)) continue;
      switch (write.op) {
        case Op.Put put ->
            content.register(write.dot, write.hlc, put.expireAtMillis(), put.value());
        case Op.AddMember add -> content.member(add.member(), write.dot);
        case Op.Append append -> content.item(append.position(), write.dot, append.value());
        case Op.Increment increment -> {
          if (!doubtsCounter(key)) content.increment(write.dot, increment.delta());
        }
        case Op.Delete d -> {}
        case Op.RemoveMember r -> {}
        case Op.RemoveItem r -> {}
      }
    }
    return content;
  }

  /** The content of a key as a replica holds it; {@code theirs} are the replica's own origins. */
  Content held(@Nullable Entry entry, Origins theirs) {
    Content content = new Content(origins);
    if (entry == null) return content;
    for (Register r = entry.register(); r != null; r = r.next) {
      content.register(ours(r.dot, theirs), r.hlc, r.expireAtMillis, new Bytes(r.value));
    }
    Chain chains = doubtsCounter(entry.key()) ? null : entry.chains();
    for (Chain c = chains; c != null; c = c.next) {
      if (!c.dead()) content.increment(ours(Dot.of(c.slot, c.last), theirs), c.contribution());
    }
    if (entry.list() != null) {
      entry
          .list()
          .forEach((position, dot, value) ->
              content.item(position, ours(dot, theirs), new Bytes(value)));
    }
    if (entry.set() != null) {
      entry
          .set()
          .forEach((member, dots) -> {
            for (long dot : dots) content.member(member, ours(dot, theirs));
          });
    }
    return content;
  }

  private long ours(long dot, Origins theirs) {
    return Dot.of(origins.slot(theirs.id(Dot.slot(dot))), Dot.sequence(dot));
  }

  /**
   * Whether the items come in the order of their positions, which the printed content does not
   * tell.
   */
  static boolean listInOrder(Entry entry) {
    if (entry.list() == null) return true;
    long[] last = {Long.MIN_VALUE};
    boolean[] ordered = {true};
    entry
        .list()
        .forEach((position, dot, value) -> {
          ordered[0] &= position >= last[0];
          last[0] = position;
        });
    return ordered[0];
  }
}
