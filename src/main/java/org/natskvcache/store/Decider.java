package org.natskvcache.store;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.ItemList;
import org.natskvcache.crdt.MemberSet;
import org.natskvcache.crdt.Register;

/**
 * Decides commands against what the keyspace shows at one moment: a reply, and the operation to
 * author if something is to change. Changes nothing itself.
 */
final class Decider {
  /**
   * Most entries one page of keys looks at, so that a rare prefix cannot hold the node for long.
   */
  private static final int PAGE_SCAN_MAX = 20_000;

  /** The longest decimal text of a counter. */
  private static final int COUNTER_BYTES = 20;

  /** A page of keys with so many bytes takes no more, so that it fits into one message. */
  private static final int PAGE_BYTES = 512 << 10;

  /** More elements than these are put into the answer by who reads it, so that nobody waits. */
  private static final int AT_ONCE_MAX = 1_000;

  private final Keyspace keyspace;
  private Limits limits;
  private final Defect defect;

  Decider(Keyspace keyspace, Limits limits, Defect defect) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.defect = defect;
  }

  void limits(Limits changed) {
    limits = changed;
  }

  /** The moment and the author of a decision. */
  record Moment(long nowMillis, long hlc, int me) {}

  Decision decide(Command command, Moment at) {
    return switch (command) {
      case Command.Get(var key) -> Decision.of(value(key, at));
      case Command.Contains(var key) -> Decision.of(flag(shown(key, at) != null));
      case Command.Delete(var key) -> delete(key, at);
      case Command.Set(var key, var value, var ttlMillis) -> set(key, value, ttlMillis, at);
      case Command.Increment increment -> increment(increment, at);
      case Command.ListAdd(var key, var value) -> append(key, value, at);
      case Command.ListRemove(var key, var value) -> removeItem(key, value, at);
      case Command.ListRange(var key, var start, var stop) -> range(key, start, stop, at);
      case Command.ListClear(var key) -> clear(key, Entry.Type.LIST, at);
      case Command.SetAdd(var key, var member) -> addMember(key, member, at);
      case Command.SetRemove(var key, var member) -> removeMember(key, member, at);
      case Command.SetMembers(var key) -> combine(List.of(key), false, at);
      case Command.SetUnion(var keys) -> combine(keys, false, at);
      case Command.SetIntersection(var keys) -> combine(keys, true, at);
      case Command.SetClear(var key) -> clear(key, Entry.Type.SET, at);
      case Command.Keys keys -> page(keys, at);
      case Command.Batch b -> throw new IllegalArgumentException("a batch is decided one by one");
    };
  }

  private static Reply flag(boolean yes) {
    return yes ? Decision.YES : Decision.NO;
  }

  private @Nullable Entry shown(Key key, Moment at) {
    Entry entry = keyspace.find(key);
    if (entry == null || !entry.visible(at.nowMillis)) return null;
    keyspace.used(entry);
    return entry;
  }

  private static Decision wrongType(Entry entry, Entry.Type wanted) {
    return Decision.rejected(
        Reply.Reason.WRONG_TYPE,
        "the key holds a " + name(entry.type()) + ", the operation needs a " + name(wanted));
  }

  private static String name(Entry.Type type) {
    return switch (type) {
      case SCALAR -> "string or counter";
      case LIST -> "list";
      case SET -> "set";
      case NONE -> "nothing";
    };
  }

  private @Nullable Decision tooLarge(Key key, int valueBytes) {
    if (key.stored().size() > limits.keyBytesMax()) {
      return Decision.rejected(
          Reply.Reason.TOO_LARGE,
          "the key has " + key.stored().size() + " bytes, the limit is " + limits.keyBytesMax());
    }
    long bytes = (long) key.stored().size() + valueBytes;
    if (bytes > limits.entryBytesMax()) {
      return Decision.rejected(
          Reply.Reason.TOO_LARGE,
          "key and value have " + bytes + " bytes, the limit is " + limits.entryBytesMax());
    }
    return null;
  }

  /** Why a command writes too much, whatever the keyspace holds; null when it does not. */
  @Nullable Reply oversized(Command command) {
    Decision refusal =
        switch (command) {
          case Command.Set(var key, var value, _) -> tooLarge(key, value.size());
          case Command.Increment increment -> tooLarge(increment.key(), COUNTER_BYTES);
          case Command.ListAdd(var key, var value) -> tooLarge(key, value.size());
          case Command.SetAdd(var key, var member) -> tooLarge(key, member.size());
          default -> null; // the others write nothing that a caller made
        };
    return refusal == null ? null : refusal.reply();
  }

  private Reply value(Key key, Moment at) {
    Entry entry = shown(key, at);
    if (entry == null) return Decision.ABSENT;
    Bytes value = keyspace.scalar(entry);
    return value == null ? wrongType(entry, Entry.Type.SCALAR).reply() : new Reply.Value(value);
  }

  private Decision delete(Key key, Moment at) {
    Entry entry = shown(key, at);
    if (entry == null) return Decision.of(Decision.NO);
    return new Decision(Decision.YES, new Op.Delete(key, keyspace.observed(entry), false));
  }

  private Decision set(Key key, Bytes value, long ttlMillis, Moment at) {
    Decision refusal = tooLarge(key, value.size());
    if (refusal != null) return refusal;
    if (ttlMillis < 0) {
      return Decision.rejected(Reply.Reason.BAD_ARGUMENT, "the time to live is negative");
    }
    // a time to live beyond the end of time is none
    long expireAt =
        ttlMillis == 0 || ttlMillis > Long.MAX_VALUE - 1 - at.nowMillis
            ? 0
            : at.nowMillis + ttlMillis;
    Observed seen = keyspace.observed(keyspace.find(key));
    return new Decision(Decision.DONE, new Op.Put(key, value, expireAt, seen));
  }

  private Decision increment(Command.Increment command, Moment at) {
    Decision refusal = tooLarge(command.key(), COUNTER_BYTES);
    if (refusal != null) return refusal;
    Entry held = keyspace.find(command.key());
    Entry entry = shown(command.key(), at);
    long before = 0;
    if (entry != null) {
      if (entry.type() != Entry.Type.SCALAR) return wrongType(entry, Entry.Type.SCALAR);
      before = Chain.total(entry.chains());
      if (entry.register() != null) {
        Long number = Decimal.parse(Register.winner(entry.register(), keyspace.origins()).value);
        if (number == null) {
          return Decision.rejected(
              Reply.Reason.NOT_A_NUMBER, "the value is not a decimal integer of 64 bits");
        }
        before += number;
      }
    }
    long after = before + command.by();
    boolean overflow = ((before ^ after) & (command.by() ^ after)) < 0;
    if (overflow || after < command.min() || after > command.max()) {
      return Decision.rejected(
          Reply.Reason.OVERFLOW,
          "the result would leave the range " + command.min() + " to " + command.max());
    }
    Observed reset = resetIfExpired(held, at);
    Chain own = held == null ? null : Chain.find(held.chains(), at.me);
    boolean fresh = own == null || reset != null;
    long sum = (fresh || own == null ? 0 : own.sum) + command.by();
    return new Decision(
        new Reply.Amount(after), new Op.Increment(command.key(), command.by(), sum, fresh, reset));
  }

  private @Nullable Observed resetIfExpired(@Nullable Entry held, Moment at) {
    if (defect == Defect.WRITE_KEEPS_EXPIRED) return null;
    return held != null && held.expireAtMillis() <= at.nowMillis ? keyspace.observed(held) : null;
  }

  private Decision append(Key key, Bytes value, Moment at) {
    Decision refusal = tooLarge(key, value.size());
    if (refusal != null) return refusal;
    Entry entry = shown(key, at);
    if (entry != null && entry.type() != Entry.Type.LIST) {
      return wrongType(entry, Entry.Type.LIST);
    }
    Entry held = keyspace.find(key);
    long length = entry == null || entry.list() == null ? 0 : entry.list().size();
    long tail = held == null || held.list() == null ? 0 : held.list().tail();
    long position =
        defect == Defect.POSITION_FROM_RAW_CLOCK
            ? at.nowMillis << 16
            : Math.min(Math.max(at.hlc, tail + 1), Mutation.TIME_MAX);
    return new Decision(
        new Reply.Amount(length + 1),
        new Op.Append(key, position, value, resetIfExpired(held, at)));
  }

  private Decision removeItem(Key key, Bytes value, Moment at) {
    Entry entry = shown(key, at);
    if (entry == null) return Decision.of(Decision.NO);
    if (entry.list() == null || entry.type() != Entry.Type.LIST) {
      return wrongType(entry, Entry.Type.LIST);
    }
    Op[] found = new Op[1];
    entry
        .list()
        .first(
            value.array(), (position, dot, v) -> found[0] = new Op.RemoveItem(key, position, dot));
    return new Decision(flag(found[0] != null), found[0]);
  }

  private Decision range(Key key, long start, long stop, Moment at) {
    Entry entry = shown(key, at);
    if (entry == null) return Decision.of(Decision.EMPTY);
    if (entry.list() == null || entry.type() != Entry.Type.LIST) {
      return wrongType(entry, Entry.Type.LIST);
    }
    int size = entry.list().size();
    long from = Math.max(0, start < 0 ? start + size : start);
    long to = Math.min(size - 1L, stop < 0 ? stop + size : stop);
    if (from > to) return Decision.of(Decision.EMPTY);
    if (to - from < AT_ONCE_MAX) {
      return Decision.of(new Reply.Values(items(entry.list(), (int) from, (int) to)));
    }
    ItemList list = entry.list().frozen();
    int count = (int) (to - from + 1);
    return Decision.of(
        new Reply.Values(new LaterList(count, () -> items(list, (int) from, (int) to))));
  }

  private static List<Bytes> items(ItemList list, int from, int to) {
    List<Bytes> values = new ArrayList<>(to - from + 1);
    list.range(from, to, (position, dot, value) -> values.add(new Bytes(value)));
    return values;
  }

  private Decision clear(Key key, Entry.Type type, Moment at) {
    Entry entry = shown(key, at);
    if (entry == null) return Decision.of(Decision.NO);
    if (entry.type() != type) return wrongType(entry, type);
    return new Decision(Decision.YES, new Op.Delete(key, keyspace.observed(entry), false));
  }

  private Decision addMember(Key key, Bytes member, Moment at) {
    Decision refusal = tooLarge(key, member.size());
    if (refusal != null) return refusal;
    Entry entry = shown(key, at);
    if (entry != null && entry.type() != Entry.Type.SET) return wrongType(entry, Entry.Type.SET);
    boolean present = entry != null && entry.set() != null && entry.set().contains(member);
    // published even when present: it protects the member against a remove that has not seen this
    // add
    return new Decision(
        new Reply.Amount(present ? 0 : 1),
        new Op.AddMember(key, member, resetIfExpired(keyspace.find(key), at)));
  }

  private Decision removeMember(Key key, Bytes member, Moment at) {
    Entry entry = shown(key, at);
    if (entry == null) return Decision.of(new Reply.Amount(0));
    if (entry.set() == null || entry.type() != Entry.Type.SET) {
      return wrongType(entry, Entry.Type.SET);
    }
    if (!entry.set().contains(member)) return Decision.of(new Reply.Amount(0));
    return new Decision(new Reply.Amount(1), new Op.RemoveMember(key, member));
  }

  private Decision combine(List<Key> keys, boolean intersection, Moment at) {
    if (keys.isEmpty()) {
      return Decision.rejected(Reply.Reason.BAD_ARGUMENT, "at least one set is needed");
    }
    List<MemberSet<Bytes>> sets = new ArrayList<>();
    long members = 0;
    for (Key key : new LinkedHashSet<>(keys)) { // a name that is repeated must cost no more work
      Entry entry = shown(key, at);
      if (entry != null && entry.type() != Entry.Type.SET) return wrongType(entry, Entry.Type.SET);
      MemberSet<Bytes> set = entry == null || entry.set() == null ? keyspace.newSet() : entry.set();
      sets.add(set);
      members += set.size();
    }
    if (members <= AT_ONCE_MAX) return Decision.of(new Reply.Values(combined(sets, intersection)));
    sets.replaceAll(MemberSet::frozen);
    int count = (int) Math.min(members, Integer.MAX_VALUE);
    return Decision.of(new Reply.Values(new LaterList(count, () -> combined(sets, intersection))));
  }

  private static List<Bytes> combined(List<MemberSet<Bytes>> sets, boolean intersection) {
    List<Bytes> members = new ArrayList<>();
    for (MemberSet<Bytes> set : intersection ? sets.subList(0, 1) : sets) {
      set.forEach((member, dots) -> {
        if (!intersection || sets.stream().allMatch(s -> s.contains(member))) members.add(member);
      });
    }
    members.sort(Comparator.naturalOrder());
    return sets.size() == 1 || intersection ? members : members.stream().distinct().toList();
  }

  private Decision page(Command.Keys command, Moment at) {
    if (command.limit() < 1) {
      return Decision.rejected(Reply.Reason.BAD_ARGUMENT, "the page size must be at least 1");
    }
    int wanted = Math.min(command.limit(), limits.pageKeysMax());
    List<Bytes> keys = new ArrayList<>();
    int[] bytes = new int[1];
    long[] reached = new long[1];
    int[] scanned = new int[1];
    boolean[] more = new boolean[1];
    keyspace.from(
        command.cursor(),
        sorted -> {
          for (Entry entry : sorted) {
            boolean full =
                keys.size() >= wanted || bytes[0] >= PAGE_BYTES || scanned[0] >= PAGE_SCAN_MAX;
            // keys that share a hash share a page, so that the cursor can name the next hash
            if (full && entry.hash() != reached[0]) {
              more[0] = true;
              return false;
            }
            scanned[0]++;
            reached[0] = entry.hash();
            if (!entry.visible(at.nowMillis)) continue;
            Bytes raw = command.namespace().raw(entry.key());
            if (raw == null || !raw.startsWith(command.prefix())) continue;
            keys.add(raw);
            bytes[0] += raw.size();
          }
          return true;
        });
    return Decision.of(new Reply.Page(keys, !more[0], more[0] ? reached[0] + 1 : 0));
  }
}
