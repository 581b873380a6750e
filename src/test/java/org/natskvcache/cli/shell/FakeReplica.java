package org.natskvcache.cli.shell;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Reply;

/** A cache of plain maps and lists behind the interface, which notes the commands it was given. */
final class FakeReplica implements Replica {
  static final OriginId ORIGIN = new OriginId(0x0123456789abcdefL, 0x42);

  final List<Command> commands = new ArrayList<>();
  final Map<Bytes, Object> entries = new TreeMap<>();
  volatile ReplicaStatus status = status(ReplicaStatus.State.STANDALONE, List.of(), null);
  boolean answersLater;

  static ReplicaStatus status(
      ReplicaStatus.State state, List<ReplicaStatus.Peer> peers, String alarm) {
    return new ReplicaStatus(
        ORIGIN,
        state,
        state != ReplicaStatus.State.JOINING,
        1234,
        3,
        new TreeMap<>(Map.of(ORIGIN, 7L)),
        0xabcL,
        2,
        peers,
        alarm);
  }

  @Override
  public void call(Command command, Consumer<Reply> answer) {
    commands.add(command);
    Reply reply = reply(command);
    if (answersLater) Thread.ofPlatform().start(() -> answer.accept(reply));
    else answer.accept(reply);
  }

  private Reply reply(Command command) {
    try {
      return carryOut(command);
    } catch (ClassCastException e) {
      return new Reply.Rejected(Reply.Reason.WRONG_TYPE, "the key holds another type");
    }
  }

  private Reply carryOut(Command command) {
    return switch (command) {
      case Command.Get(var key) -> {
        Object value = entries.get(key.stored());
        yield value == null
            ? new Reply.Absent()
            : new Reply.Value(value instanceof Long n ? Bytes.utf8("" + n) : (Bytes) value);
      }
      case Command.Contains(var key) -> new Reply.Flag(entries.containsKey(key.stored()));
      case Command.Delete(var key) -> new Reply.Flag(entries.remove(key.stored()) != null);
      case Command.Set(var key, var value, var _) -> {
        if (value.size() > 1000)
          yield new Reply.Rejected(Reply.Reason.TOO_LARGE, "over 1000 bytes");
        entries.put(key.stored(), value);
        yield new Reply.Done();
      }
      case Command.Increment(var key, var by, var _, var _) -> {
        long value = (Long) entries.getOrDefault(key.stored(), 0L) + by;
        entries.put(key.stored(), value);
        yield new Reply.Amount(value);
      }
      case Command.ListAdd(var key, var value) -> {
        list(key).add(value);
        yield new Reply.Amount(list(key).size());
      }
      case Command.ListRemove(var key, var value) -> new Reply.Flag(list(key).remove(value));
      case Command.ListRange(var key, var start, var stop) -> {
        int size = list(key).size();
        int from = (int) Math.max(0, start < 0 ? start + size : start);
        int to = (int) Math.min(size - 1, stop < 0 ? stop + size : stop);
        yield new Reply.Values(
            from > to ? List.of() : List.copyOf(list(key).subList(from, to + 1)));
      }
      case Command.ListClear(var key) -> new Reply.Flag(entries.remove(key.stored()) != null);
      case Command.SetAdd(var key, var member) -> new Reply.Amount(set(key).add(member) ? 1 : 0);
      case Command.SetRemove(var key, var member) ->
          new Reply.Amount(set(key).remove(member) ? 1 : 0);
      case Command.SetMembers(var key) -> new Reply.Values(List.copyOf(set(key)));
      case Command.SetUnion(var keys) -> {
        SortedSet<Bytes> union = new TreeSet<>();
        for (Key key : keys) union.addAll(set(key));
        yield new Reply.Values(List.copyOf(union));
      }
      case Command.SetIntersection(var keys) -> {
        SortedSet<Bytes> common = new TreeSet<>(set(keys.getFirst()));
        for (Key key : keys) common.retainAll(set(key));
        yield new Reply.Values(List.copyOf(common));
      }
      case Command.SetClear(var key) -> new Reply.Flag(entries.remove(key.stored()) != null);
      case Command.Keys(var prefix, var cursor, var _) -> page(prefix, (int) cursor);
      case Command.Batch(var batch) -> new Reply.Batch(batch.stream().map(this::reply).toList());
    };
  }

  /** Pages of two, whatever is asked for, in reverse order: hash order is not sorted either. */
  private Reply page(Bytes prefix, int cursor) {
    List<Bytes> all =
        new ArrayList<>(
            entries.keySet().stream().filter(key -> key.startsWith(prefix)).toList().reversed());
    int end = Math.min(all.size(), cursor + 2);
    boolean last = end == all.size();
    return new Reply.Page(List.copyOf(all.subList(cursor, end)), last, last ? 0 : end);
  }

  @SuppressWarnings("unchecked")
  private List<Bytes> list(Key key) {
    return (List<Bytes>) entries.computeIfAbsent(key.stored(), absent -> new ArrayList<Bytes>());
  }

  @SuppressWarnings("unchecked")
  private SortedSet<Bytes> set(Key key) {
    return (SortedSet<Bytes>) entries.computeIfAbsent(key.stored(), absent -> new TreeSet<Bytes>());
  }

  @Override
  public void receive(byte[] frame) {}

  @Override
  public void connected() {}

  @Override
  public void disconnected() {}

  @Override
  public ReplicaStatus status() {
    return status;
  }

  @Override
  public void close() {}
}
