package org.natskvcache.rpc.wrpc;

import java.util.List;
import org.natskvcache.rpc.Utf8;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Reply;
import org.natskvcache.wrpc.ValueWriter;

/**
 * Writes results. An error reaches the component only from {@code get} and {@code increment}; from
 * every other function it makes the host end the component's call, so it is answered only where
 * going on would be worse.
 */
public final class KeyValueResult {
  /** Longest result, bytes: what is longer is an error. */
  public static final int BYTES_MAX = 32 << 20;

  private static final int OK = 0;
  private static final int ERROR = 1;
  private static final int ACCESS_DENIED = 1;
  private static final int OTHER = 2;

  private KeyValueResult() {}

  /** The error of a caller that is not linked. */
  public static byte[] accessDenied() {
    return new ValueWriter(2).variant(ERROR).variant(ACCESS_DENIED).toByteArray();
  }

  /** Writes what a request came to. */
  public static byte[] encode(KeyValueRequest request, Reply reply) {
    if (reply instanceof Reply.Rejected rejected) return error(rejected.text());
    return switch (request.function()) {
      case GET -> value(reply);
      case SET, DELETE -> done();
      case EXISTS -> ok(2).bool(as(Reply.Flag.class, reply).yes()).toByteArray();
      case LIST_KEYS -> page(as(Reply.Page.class, reply));
      case INCREMENT -> ok(11).u64(as(Reply.Amount.class, reply).value()).toByteArray();
      case GET_MANY -> values(request.keys(), as(Reply.Batch.class, reply).replies());
      case SET_MANY, DELETE_MANY -> all(as(Reply.Batch.class, reply).replies());
    };
  }

  private static <R extends Reply> R as(Class<R> wanted, Reply reply) {
    if (!wanted.isInstance(reply)) {
      throw new IllegalStateException("answered with a " + reply.getClass().getSimpleName());
    }
    return wanted.cast(reply);
  }

  private static ValueWriter ok(int expected) {
    return new ValueWriter(expected).variant(OK);
  }

  private static byte[] done() {
    return ok(1).toByteArray();
  }

  private static byte[] error(String text) {
    return new ValueWriter(text.length() + 8)
        .variant(ERROR)
        .variant(OTHER)
        .string(text)
        .toByteArray();
  }

  private static byte[] value(Reply reply) {
    if (reply instanceof Reply.Absent) return ok(2).option(false).toByteArray();
    Bytes value = as(Reply.Value.class, reply).bytes();
    return value.to(ok(value.size() + 8).option(true)::bytes).toByteArray();
  }

  /** Keys that another door made of bytes that are no text cannot be told here: left out. */
  private static byte[] page(Reply.Page page) {
    List<Bytes> keys = page.keys().stream().filter(key -> Utf8.isValid(key.array())).toList();
    ValueWriter out = ok(keys.stream().mapToInt(key -> key.size() + 2).sum() + 24);
    out.list(keys.size());
    keys.forEach(key -> out.bytes(key.array()));
    out.option(!page.last());
    if (!page.last()) out.u64(page.next());
    return out.toByteArray();
  }

  private static byte[] all(List<Reply> replies) {
    for (Reply reply : replies) {
      if (reply instanceof Reply.Rejected rejected) return error(rejected.text());
    }
    return done();
  }

  /**
   * One slot for each key, in the order asked for. A list or a set, which only other doors make, is
   * none, as it is in the Redis provider: an error would end the component's call.
   */
  private static byte[] values(List<Bytes> keys, List<Reply> replies) {
    long size = 16;
    for (int i = 0; i < replies.size(); i++) {
      size +=
          replies.get(i) instanceof Reply.Value(Bytes value)
              ? keys.get(i).size() + value.size() + 11L
              : 1;
    }
    if (size > BYTES_MAX) {
      return error("too large: the values have more than " + BYTES_MAX + " bytes together");
    }
    ValueWriter out = ok((int) size).list(replies.size());
    for (int i = 0; i < replies.size(); i++) {
      if (replies.get(i) instanceof Reply.Value(Bytes value)) {
        value.to(out.option(true).bytes(keys.get(i).array())::bytes);
      } else {
        out.option(false);
      }
    }
    return out.toByteArray();
  }
}
