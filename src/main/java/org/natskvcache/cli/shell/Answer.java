package org.natskvcache.cli.shell;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
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
      case Text(var bytes) -> quoted(bytes);
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

  /**
   * The bytes in double quotes, printable UTF-8 as it is, the rest in the {@link Tokenizer}'s
   * escapes.
   */
  static String quoted(Bytes bytes) {
    byte[] from = bytes.array();
    StringBuilder text = new StringBuilder(from.length + 2).append('"');
    for (int i = 0; i < from.length; ) {
      int length = printable(from, i);
      if (length == 0) {
        escape(text, from[i++]);
      } else {
        text.append(new String(from, i, length, StandardCharsets.UTF_8));
        i += length;
      }
    }
    return text.append('"').toString();
  }

  private static void escape(StringBuilder text, byte b) {
    switch (b) {
      case '"' -> text.append("\\\"");
      case '\\' -> text.append("\\\\");
      case '\n' -> text.append("\\n");
      case '\r' -> text.append("\\r");
      case '\t' -> text.append("\\t");
      default -> text.append("\\x").append(Integer.toHexString(0x100 | b & 0xff).substring(1));
    }
  }

  /**
   * Length of the printable character at {@code at}, bytes; 0 if there is none, or it needs an
   * escape.
   */
  private static int printable(byte[] from, int at) {
    int lead = from[at] & 0xff;
    if (lead < 0x80) return lead >= ' ' && lead != 0x7f && lead != '"' && lead != '\\' ? 1 : 0;
    int length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (at + length > from.length) return 0;
    String character = new String(from, at, length, StandardCharsets.UTF_8);
    // malformed input reads as replacement characters, whose own bytes differ from it
    byte[] again = character.getBytes(StandardCharsets.UTF_8);
    if (again.length != length || Arrays.mismatch(again, 0, length, from, at, at + length) >= 0)
      return 0;
    int point = character.codePointAt(0);
    boolean one = character.codePointCount(0, character.length()) == 1;
    return one && isVisible(point) ? length : 0;
  }

  private static boolean isVisible(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
