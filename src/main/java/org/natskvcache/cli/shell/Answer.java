package org.natskvcache.cli.shell;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Reply;

/** What a command of the shell came to, in the kinds redis-cli prints. */
sealed interface Answer {
  record Ok() implements Answer {}

  record Nil() implements Answer {}

  record Amount(long value) implements Answer {}

  record Text(Bytes bytes) implements Answer {}

  record Items(List<Answer> items) implements Answer {}

  /**
   * @param message a code word in capitals, then a sentence without values
   */
  record Failure(String message) implements Answer {}

  /** The answer that says what the reply says. */
  static Answer of(Reply reply) {
    return switch (reply) {
      case Reply.Done() -> new Ok();
      case Reply.Value(var bytes) -> new Text(bytes);
      case Reply.Absent() -> new Nil();
      case Reply.Flag(var yes) -> new Amount(yes ? 1 : 0);
      case Reply.Amount(var value) -> new Amount(value);
      case Reply.Values(var values) -> texts(values);
      case Reply.Page page -> texts(page.keys());
      case Reply.Batch(var replies) -> new Items(replies.stream().map(Answer::of).toList());
      case Reply.Rejected rejected -> new Failure(code(rejected.reason()) + rejected.detail());
    };
  }

  private static String code(Reply.Reason reason) {
    return switch (reason) {
      case WRONG_TYPE -> "WRONGTYPE ";
      case FULL -> "OOM command not allowed when ";
      default -> "ERR ";
    };
  }

  /** How many there are. */
  static Answer count(Reply reply) {
    return reply instanceof Reply.Values(var values) ? new Amount(values.size()) : of(reply);
  }

  /** The sum over a batch. */
  static Answer sum(Reply reply) {
    if (!(reply instanceof Reply.Batch(var replies))) return of(reply);
    Failure failure = failureOf(replies);
    if (failure != null) return failure;
    long sum = 0;
    for (Reply one : replies) {
      if (of(one) instanceof Amount(var value)) sum += value;
    }
    return new Amount(sum);
  }

  /** What the last of a batch came to. */
  static Answer last(Reply reply) {
    if (!(reply instanceof Reply.Batch(var replies))) return of(reply);
    Failure failure = failureOf(replies);
    return failure != null ? failure : of(replies.getLast());
  }

  /** The first failure of a batch; null if there is none. */
  private static @Nullable Failure failureOf(List<Reply> replies) {
    for (Reply reply : replies) {
      if (of(reply) instanceof Failure failure) return failure;
    }
    return null;
  }

  private static Items texts(List<Bytes> values) {
    List<Answer> items = new ArrayList<>(values.size());
    for (Bytes value : values) items.add(new Text(value));
    return new Items(items);
  }

  /** The message of the failure that this is or holds; null if there is none. */
  default @Nullable String failure() {
    return switch (this) {
      case Failure(var message) -> message;
      case Items(var items) -> {
        for (Answer item : items) {
          if (item.failure() != null) yield item.failure();
        }
        yield null;
      }
      case Ok _, Nil _, Amount _, Text _ -> null;
    };
  }

  /** As redis-cli prints it, lines separated by {@code \n}, none at the end. */
  default String render() {
    return switch (this) {
      case Ok() -> "OK";
      case Nil() -> "(nil)";
      case Amount(var value) -> "(integer) " + value;
      case Text(var bytes) -> Quoted.of(bytes);
      case Failure(var message) -> "(error) " + message;
      case Items(var items) -> numbered(items);
    };
  }

  private static String numbered(List<Answer> items) {
    if (items.isEmpty()) return "(empty array)";
    int width = Integer.toString(items.size()).length();
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < items.size(); i++) {
      String number = Integer.toString(i + 1);
      if (i > 0) lines.append('\n');
      lines
          .append(" ".repeat(width - number.length()))
          .append(number)
          .append(") ")
          .append(items.get(i).render());
    }
    return lines.toString();
  }
}
