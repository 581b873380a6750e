package org.natskvcache.nats;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

/** The plainest replica that can stand behind a door: one map, no peers. */
final class MapReplica implements Replica {
  private final Map<Key, Object> entries = new HashMap<>();
  volatile ReplicaStatus.State state = ReplicaStatus.State.STANDALONE;
  volatile boolean connected = true;

  @Override
  public synchronized void call(Command command, Consumer<Reply> answer) {
    Reply reply;
    try {
      reply = run(command);
    } catch (ClassCastException e) {
      reply = new Reply.Rejected(Reply.Reason.WRONG_TYPE, "the key holds another type");
    }
    answer.accept(reply);
  }

  private Reply run(Command command) {
    return switch (command) {
      case Command.Get(var key) ->
          entries.get(key) instanceof Object o ? new Reply.Value((Bytes) o) : new Reply.Absent();
      case Command.Contains(var key) -> new Reply.Flag(entries.containsKey(key));
      case Command.Delete(var key) -> new Reply.Flag(entries.remove(key) != null);
      case Command.Set(var key, var value, var ttlMillis) -> {
        entries.put(key, value);
        yield new Reply.Done();
      }
      case Command.Increment increment -> increment(increment);
      case Command.ListAdd(var key, var value) -> {
        List<Bytes> list = list(key);
        list.add(value);
        entries.put(key, list);
        yield new Reply.Amount(list.size());
      }
      case Command.ListRemove(var key, var value) -> new Reply.Flag(list(key).remove(value));
      case Command.ListRange(var key, var start, var stop) ->
          new Reply.Values(range(list(key), start, stop));
      case Command.ListClear(var key) -> {
        list(key);
        yield new Reply.Flag(entries.remove(key) != null);
      }
      case Command.SetAdd(var key, var member) -> {
        TreeSet<Bytes> set = set(key);
        entries.put(key, set);
        yield new Reply.Amount(set.add(member) ? 1 : 0);
      }
      case Command.SetRemove(var key, var member) ->
          new Reply.Amount(set(key).remove(member) ? 1 : 0);
      case Command.SetMembers(var key) -> new Reply.Values(List.copyOf(set(key)));
      case Command.SetUnion(var keys) -> {
        var all = new TreeSet<Bytes>();
        keys.forEach(key -> all.addAll(set(key)));
        yield new Reply.Values(List.copyOf(all));
      }
      case Command.SetIntersection(var keys) -> {
        var all = new TreeSet<>(set(keys.getFirst()));
        keys.forEach(key -> all.retainAll(set(key)));
        yield new Reply.Values(List.copyOf(all));
      }
      case Command.SetClear(var key) -> {
        set(key);
        yield new Reply.Flag(entries.remove(key) != null);
      }
      case Command.Keys keys -> throw new IllegalStateException("no door under test lists keys");
      case Command.Batch batch ->
          throw new IllegalStateException("no door under test sends batches");
    };
  }

  private Reply increment(Command.Increment command) {
    Bytes old = (Bytes) entries.getOrDefault(command.key(), Bytes.utf8("0"));
    long sum = Long.parseLong(old.utf8()) + command.by();
    if (sum < command.min() || sum > command.max()) {
      return new Reply.Rejected(Reply.Reason.OVERFLOW, "the result is out of range");
    }
    entries.put(command.key(), Bytes.utf8(Long.toString(sum)));
    return new Reply.Amount(sum);
  }

  private static List<Bytes> range(List<Bytes> list, long start, long stop) {
    long from = Math.max(0, start < 0 ? start + list.size() : start);
    long to = Math.min(list.size() - 1L, stop < 0 ? stop + list.size() : stop);
    return from > to ? List.of() : List.copyOf(list.subList((int) from, (int) to + 1));
  }

  @SuppressWarnings("unchecked")
  private List<Bytes> list(Key key) {
    return (ArrayList<Bytes>) entries.getOrDefault(key, new ArrayList<Bytes>());
  }

  @SuppressWarnings("unchecked")
  private TreeSet<Bytes> set(Key key) {
    return (TreeSet<Bytes>) entries.getOrDefault(key, new TreeSet<Bytes>());
  }

  @Override
  public ReplicaStatus status() {
    return new ReplicaStatus(
        new OriginId(1, 1),
        state,
        connected,
        0,
        entries.size(),
        new TreeMap<>(),
        0,
        0,
        List.of(),
        null);
  }

  @Override
  public void receive(byte[] frame) {}

  @Override
  public void connected() {}

  @Override
  public void disconnected() {}

  @Override
  public void close() {}
}
