package org.natskvcache.sim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
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
  record Written(long dot, VersionVector seen, long hlc, Op op) {}

  private final Origins origins;
  private final Map<Key, Map<Long, Written>> byKey = new LinkedHashMap<>();
  private final Map<Integer, VersionVector> rows = new LinkedHashMap<>();
  private long count;

  Specification(Origins origins) {
    this.origins = origins;
  }

  long count() {
    return count;
  }

  Iterable<Key> keys() {
    return byKey.keySet();
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
    Written written = new Written(mutation.dot(), seen, mutation.hlc(), mutation.op());
    Map<Long, Written> key = byKey.computeIfAbsent(mutation.op().key(), k -> new TreeMap<>());
    String wrong = mutation.op() instanceof Op.Append append ? misplaced(append, seen, key) : null;
    key.put(mutation.dot(), written);
    count++;
    return wrong;
  }

  /** An item must land after every item its author saw. */
  private static @Nullable String misplaced(
      Op.Append append, VersionVector seen, Map<Long, Written> key) {
    if (append.reset() != null) return null;
    for (Written other : key.values()) {
      if (!(other.op instanceof Op.Append earlier) || !seen.covers(other.dot)) continue;
      if (earlier.position() < append.position() || overwritten(other, seen, key)) continue;
      return "an item was placed before one its author saw";
    }
    return null;
  }

  private static boolean overwritten(
      Written write, VersionVector included, Map<Long, Written> key) {
    for (Written other : key.values()) {
      if (included.covers(other.dot) && overwrites(other, write)) return true;
    }
    return false;
  }

  private static boolean overwrites(Written later, Written write) {
    if (later.dot == write.dot || !later.seen.covers(write.dot)) return false;
    return switch (later.op) {
      case Op.Put p -> true;
      case Op.Delete d -> true;
      case Op.Increment i -> i.reset() != null;
      case Op.Append a -> a.reset() != null;
      case Op.AddMember add -> add.reset() != null || sameMember(write, add.member());
      case Op.RemoveMember remove -> sameMember(write, remove.member());
      case Op.RemoveItem remove -> write.dot == remove.itemDot();
    };
  }

  private static boolean sameMember(Written write, Bytes member) {
    return write.op instanceof Op.AddMember add && add.member().equals(member);
  }

  /**
   * Whether {@code key} shows anything at a replica that includes exactly the mutations up to
   * {@code included} and whose clock says {@code wallMillis}: a key expires as a whole, with the
   * last of its values, one without expiry being never.
   */
  boolean shows(Key key, Map<OriginId, Long> included, long wallMillis) {
    Map<Long, Written> all = byKey.getOrDefault(key, Map.of());
    VersionVector vector = vector(included);
    boolean any = false;
    long until = Long.MIN_VALUE;
    for (Written write : all.values()) {
      boolean content = !(write.op instanceof Op.Delete);
      content &= !(write.op instanceof Op.RemoveMember || write.op instanceof Op.RemoveItem);
      if (!content || !vector.covers(write.dot) || overwritten(write, vector, all)) continue;
      any = true;
      if (write.op instanceof Op.Put put) {
        until = Math.max(until, put.expireAtMillis() == 0 ? Long.MAX_VALUE : put.expireAtMillis());
      }
    }
    return any && (until == Long.MIN_VALUE || until > wallMillis);
  }

  private VersionVector vector(Map<OriginId, Long> included) {
    VersionVector vector = new VersionVector(origins);
    included.forEach((id, sequence) -> vector.raise(origins.slot(id), sequence));
    return vector;
  }

  /**
   * The content of {@code key} at a replica that includes exactly the mutations up to {@code
   * included}.
   */
  String expected(Key key, Map<OriginId, Long> included) {
    Map<Long, Written> all = byKey.getOrDefault(key, Map.of());
    VersionVector vector = vector(included);
    Content content = new Content();
    for (Written write : all.values()) {
      if (!vector.covers(write.dot) || overwritten(write, vector, all)) continue;
      String stamp = stamp(origins, write.dot);
      switch (write.op) {
        case Op.Put put -> content.register(stamp, write.hlc, put.expireAtMillis(), put.value());
        case Op.AddMember add -> content.member(add.member(), stamp);
        case Op.Append append -> content.item(append.position(), stamp, append.value());
        case Op.Increment increment ->
            content.increment(
                origins.id(Dot.slot(write.dot)), Dot.sequence(write.dot), increment.delta());
        default -> {}
      }
    }
    return content.toString();
  }

  private static String stamp(Origins origins, long dot) {
    return origins.id(Dot.slot(dot)) + ":" + "%06d".formatted(Dot.sequence(dot));
  }

  /** The content of a key as a replica holds it; {@code origins} are the replica's own. */
  static String held(@Nullable Entry entry, Origins origins) {
    Content content = new Content();
    if (entry == null) return content.toString();
    for (Register r = entry.register(); r != null; r = r.next) {
      content.register(stamp(origins, r.dot), r.hlc, r.expireAtMillis, new Bytes(r.value));
    }
    for (Chain c = entry.chains(); c != null; c = c.next) {
      if (!c.dead()) content.increment(origins.id(c.slot), c.last, c.contribution());
    }
    if (entry.list() != null) {
      entry
          .list()
          .forEach((position, dot, value) ->
              content.item(position, stamp(origins, dot), new Bytes(value)));
    }
    if (entry.set() != null) {
      entry
          .set()
          .forEach((member, dots) -> {
            for (long dot : dots) content.member(member, stamp(origins, dot));
          });
    }
    return content.toString();
  }

  /**
   * What a key holds, printed the same whatever the order it was collected in, but for the list,
   * whose order counts.
   */
  private static final class Content {
    private final TreeSet<String> registers = new TreeSet<>();
    private final TreeSet<String> members = new TreeSet<>();
    private final List<String> items = new ArrayList<>();
    private final SortedMap<OriginId, long[]> counters = new TreeMap<>();

    void register(String stamp, long hlc, long expireAt, Bytes value) {
      registers.add(stamp + "@" + hlc + "/" + expireAt + "=" + value.utf8());
    }

    void member(Bytes member, String stamp) {
      members.add(member.utf8() + "@" + stamp);
    }

    void item(long position, String stamp, Bytes value) {
      items.add("%020d".formatted(position) + "/" + stamp + "=" + value.utf8());
    }

    void increment(OriginId owner, long sequence, long delta) {
      long[] sum = counters.computeIfAbsent(owner, o -> new long[2]);
      sum[0] = Math.max(sum[0], sequence);
      sum[1] += delta;
    }

    @Override
    public String toString() {
      StringBuilder out = new StringBuilder();
      out.append(registers).append(members);
      out.append(items.stream().sorted().toList());
      counters.forEach((owner, sum) ->
          out.append(owner).append(':').append(sum[0]).append('=').append(sum[1]).append(';'));
      return out.toString();
    }
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
