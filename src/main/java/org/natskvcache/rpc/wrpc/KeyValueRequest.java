package org.natskvcache.rpc.wrpc;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Namespace;
import org.natskvcache.store.Reply;

/**
 * What a component asks for.
 *
 * @param bucket name of the bucket, UTF-8
 * @param keys in the order sent, UTF-8
 * @param values of the keys, as many, where the function sets them; else none
 * @param number the delta or the cursor, unsigned; 0 without one
 */
public record KeyValueRequest(
    KeyValueFunction function, Bytes bucket, List<Bytes> keys, List<Bytes> values, long number) {
  /** Keys asked for at once; a page may be shorter or empty and yet not the last. */
  static final int PAGE_KEYS = 10_000;

  private static final Bytes DEFAULT_BUCKET = Bytes.utf8("default");

  /**
   * Why the request cannot be a command, whatever the cache holds; null when it can. Counters are
   * signed inside, so that the other doors can count down.
   */
  public Reply.@Nullable Rejected refusal() {
    return function == KeyValueFunction.INCREMENT && number < 0
        ? new Reply.Rejected(Reply.Reason.OVERFLOW, "the delta is above 2^63-1")
        : null;
  }

  /**
   * The command it stands for.
   *
   * @param linkName name of the caller's link, and of the cache: as a bucket it means the keys that
   *     every door sees, as {@code default} and the empty name do
   */
  public Command command(String linkName) {
    Namespace namespace = namespace(linkName);
    return switch (function) {
      case GET -> new Command.Get(namespace.key(keys.getFirst()));
      case SET -> new Command.Set(namespace.key(keys.getFirst()), values.getFirst(), 0);
      case DELETE -> new Command.Delete(namespace.key(keys.getFirst()));
      case EXISTS -> new Command.Contains(namespace.key(keys.getFirst()));
      case LIST_KEYS -> new Command.Keys(namespace, Bytes.EMPTY, number, PAGE_KEYS);
      case INCREMENT ->
          new Command.Increment(namespace.key(keys.getFirst()), number, 0, Long.MAX_VALUE);
      case GET_MANY -> each(namespace, Command.Get::new);
      case DELETE_MANY -> each(namespace, Command.Delete::new);
      case SET_MANY -> {
        List<Command> sets = new ArrayList<>(keys.size());
        for (int i = 0; i < keys.size(); i++) {
          sets.add(new Command.Set(namespace.key(keys.get(i)), values.get(i), 0));
        }
        yield new Command.Batch(sets);
      }
    };
  }

  private Namespace namespace(String linkName) {
    return bucket.size() == 0
            || bucket.equals(DEFAULT_BUCKET)
            || bucket.equals(Bytes.utf8(linkName))
        ? Namespace.DEFAULT
        : Namespace.named(bucket);
  }

  private Command each(Namespace namespace, Function<Key, Command> command) {
    List<Command> commands = new ArrayList<>(keys.size());
    for (Bytes key : keys) commands.add(command.apply(namespace.key(key)));
    return new Command.Batch(commands);
  }
}
