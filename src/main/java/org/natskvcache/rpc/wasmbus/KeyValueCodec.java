package org.natskvcache.rpc.wasmbus;

import java.util.ArrayList;
import java.util.List;
import org.natskvcache.rpc.MutationReplies;
import org.natskvcache.rpc.Utf8;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Reply;

/**
 * Maps the operations of {@code wasmcloud:keyvalue} to commands, and replies to results. Keys and
 * values of this contract are text: what is not UTF-8 is an error both ways. Missing arguments read
 * as empty or 0, as in the reference. Source: wasmCloud/interfaces, keyvalue.smithy.
 */
public final class KeyValueCodec {
  private static final long MILLIS_PER_SECOND = 1000;
  private static final long UNSIGNED_MAX = 0xffffffffL;

  private static final Fields INCREMENT = Fields.of("key", "value");
  private static final Fields SET = Fields.of("key", "value", "expires");
  private static final Fields LIST_ITEM = Fields.of("listName", "value");
  private static final Fields LIST_RANGE = Fields.of("listName", "start", "stop");
  private static final Fields SET_MEMBER = Fields.of("setName", "value");

  private static final Answer NOT_TEXT =
      new Answer.Failure("value is not UTF-8 text; this contract cannot express it");

  private KeyValueCodec() {}

  /** What an operation's bytes ask for. */
  public sealed interface Request {
    /** Something to carry out. */
    record Call(Operation operation, Command command) implements Request {}

    /** An operation or an argument we do not know; the text is for the caller. */
    record Refused(String error) implements Request {}
  }

  /** What to answer. */
  public sealed interface Answer {
    /** The encoded result; empty for an operation without one. */
    record Result(Bytes bytes) implements Answer {}

    /** The text is for the caller. */
    record Failure(String error) implements Answer {}
  }

  /** Reads an operation's name and its encoded argument. */
  public static Request decode(String operationName, Bytes msg) {
    var known = Operation.parse(operationName);
    if (known.isEmpty()) {
      return new Request.Refused(Operation.unknown(operationName));
    }
    Operation operation = known.get();
    try {
      return new Request.Call(operation, command(operation, new MessagePackReader(msg.array())));
    } catch (MessagePackException e) {
      return new Request.Refused(
          "deserialization: '" + operation.argument() + "': deserialization: " + e.getMessage());
    }
  }

  private static Command command(Operation operation, MessagePackReader in)
      throws MessagePackException {
    return switch (operation) {
      case INCREMENT -> increment(in);
      case CONTAINS -> new Command.Contains(key(in));
      case DEL -> new Command.Delete(key(in));
      case GET -> new Command.Get(key(in));
      case LIST_ADD -> {
        Member item = member(in, LIST_ITEM);
        yield new Command.ListAdd(item.key(), item.value());
      }
      case LIST_CLEAR -> new Command.ListClear(key(in));
      case LIST_DEL -> {
        Member item = member(in, LIST_ITEM);
        yield new Command.ListRemove(item.key(), item.value());
      }
      case LIST_RANGE -> listRange(in);
      case SET -> set(in);
      case SET_ADD -> {
        Member member = member(in, SET_MEMBER);
        yield new Command.SetAdd(member.key(), member.value());
      }
      case SET_DEL -> {
        Member member = member(in, SET_MEMBER);
        yield new Command.SetRemove(member.key(), member.value());
      }
      case SET_INTERSECTION -> new Command.SetIntersection(keys(in));
      case SET_QUERY -> new Command.SetMembers(key(in));
      case SET_UNION -> new Command.SetUnion(keys(in));
      case SET_CLEAR -> new Command.SetClear(key(in));
    };
  }

  private record Member(Key key, Bytes value) {}

  private static Key key(MessagePackReader in) throws MessagePackException {
    return Key.of(in.text());
  }

  private static List<Key> keys(MessagePackReader in) throws MessagePackException {
    int count = in.arrayHeader();
    if (count == 0) {
      throw new MessagePackException("wrong number of arguments, expected one set name at least");
    }
    var keys = new ArrayList<Key>();
    for (int i = 0; i < count; i++) {
      keys.add(key(in));
    }
    return keys;
  }

  private static Command increment(MessagePackReader in) throws MessagePackException {
    Bytes key = Bytes.EMPTY;
    long by = 0;
    Struct struct = in.struct(INCREMENT);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> key = in.text();
        default -> by = in.integer(Integer.MIN_VALUE, Integer.MAX_VALUE);
      }
    }
    return new Command.Increment(Key.of(key), by, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  private static Command set(MessagePackReader in) throws MessagePackException {
    Bytes key = Bytes.EMPTY;
    Bytes value = Bytes.EMPTY;
    long expiresSeconds = 0;
    Struct struct = in.struct(SET);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> key = in.text();
        case 1 -> value = in.text();
        default -> expiresSeconds = in.integer(0, UNSIGNED_MAX);
      }
    }
    return new Command.Set(Key.of(key), value, expiresSeconds * MILLIS_PER_SECOND);
  }

  private static Member member(MessagePackReader in, Fields fields) throws MessagePackException {
    Bytes key = Bytes.EMPTY;
    Bytes value = Bytes.EMPTY;
    Struct struct = in.struct(fields);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> key = in.text();
        default -> value = in.text();
      }
    }
    return new Member(Key.of(key), value);
  }

  private static Command listRange(MessagePackReader in) throws MessagePackException {
    Bytes list = Bytes.EMPTY;
    long start = 0;
    long stop = 0;
    Struct struct = in.struct(LIST_RANGE);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> list = in.text();
        case 1 -> start = in.integer(Integer.MIN_VALUE, Integer.MAX_VALUE);
        default -> stop = in.integer(Integer.MIN_VALUE, Integer.MAX_VALUE);
      }
    }
    return new Command.ListRange(Key.of(list), start, stop);
  }

  /** Writes the result of an operation. */
  public static Answer encode(Operation operation, Reply reply, MutationReplies mutationReplies) {
    if (reply instanceof Reply.Rejected rejected) {
      return new Answer.Failure(rejected.text());
    }
    if (operation.mutates() && mutationReplies == MutationReplies.DEFAULT) {
      return defaultResult(operation);
    }
    return switch (reply) {
      case Reply.Done() when operation.result() == Operation.Result.NOTHING -> result(Bytes.EMPTY);
      case Reply.Flag(boolean yes) when operation.result() == Operation.Result.FLAG ->
          result(flag(yes));
      case Reply.Amount(long value) when operation.result() == Operation.Result.COUNT ->
          result(integer(value));
      case Reply.Absent() when operation.result() == Operation.Result.VALUE ->
          result(value(Bytes.EMPTY, false));
      case Reply.Value(Bytes value) when operation.result() == Operation.Result.VALUE ->
          isText(value) ? result(value(value, true)) : NOT_TEXT;
      case Reply.Values(List<Bytes> values) when operation.result() == Operation.Result.TEXTS ->
          values.stream().allMatch(KeyValueCodec::isText) ? texts(values) : NOT_TEXT;
      default ->
          throw new IllegalStateException(
              operation + " was answered with a " + reply.getClass().getSimpleName());
    };
  }

  private static Answer defaultResult(Operation operation) {
    return switch (operation.result()) {
      case NOTHING -> result(Bytes.EMPTY);
      case FLAG -> result(flag(false));
      case COUNT -> result(integer(0));
      case VALUE, TEXTS -> throw new IllegalStateException(operation + " is no mutation");
    };
  }

  private static boolean isText(Bytes value) {
    return value.to(Utf8::isValid);
  }

  private static Answer result(Bytes bytes) {
    return new Answer.Result(bytes);
  }

  private static Answer result(MessagePackWriter out) {
    return new Answer.Result(new Bytes(out.toByteArray()));
  }

  private static MessagePackWriter flag(boolean yes) {
    return new MessagePackWriter(1).flag(yes);
  }

  private static MessagePackWriter integer(long value) {
    return new MessagePackWriter(9).integer(value);
  }

  private static MessagePackWriter value(Bytes value, boolean exists) {
    var out = new MessagePackWriter(24 + value.size());
    return out.mapHeader(2).text("value").text(value).text("exists").flag(exists);
  }

  /** Refuses what could not travel before it takes more memory. */
  private static Answer texts(List<Bytes> values) {
    long size = values.stream().mapToLong(Bytes::size).sum();
    if (size > StoredObject.BODY_BYTES_MAX) {
      return new Answer.Failure(InvocationResponse.tooLargeText(StoredObject.BODY_BYTES_MAX));
    }
    var out = new MessagePackWriter((int) size + 5 * values.size() + 5);
    out.arrayHeader(values.size());
    values.forEach(out::text);
    return result(out);
  }
}
