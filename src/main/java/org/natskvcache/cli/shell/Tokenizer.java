package org.natskvcache.cli.shell;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.natskvcache.store.Bytes;

/**
 * Splits a line into words, as redis-cli does, but strictly: what is not listed here is an error,
 * never a guess.
 *
 * <ul>
 *   <li>Words are separated by spaces, tabs and carriage returns.
 *   <li>{@code "..."} may hold them, and the escapes {@code \" \\ \n \r \t \0 \xHH}.
 *   <li>{@code '...'} is taken literally; it cannot hold a single quote.
 *   <li>A quote may begin inside a word; a closing quote must end it.
 * </ul>
 *
 * <p>It works on bytes: all its signs are ASCII, which no multi-byte character of UTF-8 contains.
 */
final class Tokenizer {
  private final byte[] line;
  private final List<Bytes> words = new ArrayList<>();
  private int at;

  /** What a line holds. */
  sealed interface Line {
    /** Words in their order; none for a blank line. */
    record Words(List<Bytes> words) implements Line {}

    /**
     * Not a line of words, and why, in a few words that quote nothing of it but an escape's letter.
     */
    record Malformed(String reason) implements Line {}
  }

  private Tokenizer(byte[] line) {
    this.line = line;
  }

  /** The words of one line, which is without its line end. */
  static Line split(byte[] line) {
    return new Tokenizer(line).run();
  }

  private Line run() {
    while (true) {
      while (at < line.length && isBlank(line[at])) at++;
      if (at == line.length) return new Line.Words(List.copyOf(words));
      String trouble = word();
      if (!trouble.isEmpty()) return new Line.Malformed(trouble);
    }
  }

  /** Takes one word; answers what is wrong with it, or nothing. */
  private String word() {
    ByteArrayOutputStream word = new ByteArrayOutputStream();
    while (at < line.length && !isBlank(line[at])) {
      byte b = line[at++];
      if (b != '"' && b != '\'') {
        word.write(b);
        continue;
      }
      String trouble = b == '"' ? doubleQuoted(word) : singleQuoted(word);
      if (!trouble.isEmpty()) return trouble;
      if (at < line.length && !isBlank(line[at]))
        return "a closing quote must be followed by a space";
    }
    words.add(new Bytes(word.toByteArray()));
    return "";
  }

  private String singleQuoted(ByteArrayOutputStream word) {
    while (at < line.length) {
      byte b = line[at++];
      if (b == '\'') return "";
      word.write(b);
    }
    return "a single quote is not closed";
  }

  private String doubleQuoted(ByteArrayOutputStream word) {
    while (at < line.length) {
      byte b = line[at++];
      if (b == '"') return "";
      if (b != '\\') {
        word.write(b);
        continue;
      }
      if (at == line.length) break;
      String trouble = escape(word);
      if (!trouble.isEmpty()) return trouble;
    }
    return "a double quote is not closed";
  }

  private String escape(ByteArrayOutputStream word) {
    byte letter = line[at++];
    switch (letter) {
      case '"', '\\' -> word.write(letter);
      case 'n' -> word.write('\n');
      case 'r' -> word.write('\r');
      case 't' -> word.write('\t');
      case '0' -> word.write(0);
      case 'x' -> {
        int high = at + 1 < line.length ? Character.digit(line[at], 16) : -1;
        int low = at + 1 < line.length ? Character.digit(line[at + 1], 16) : -1;
        if (high < 0 || low < 0) return "\\x must be followed by two hexadecimal digits";
        word.write(high << 4 | low);
        at += 2;
      }
      default -> {
        return "unknown escape in double quotes; known are \\\" \\\\ \\n \\r \\t \\0 \\xHH";
      }
    }
    return "";
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t' || b == '\r';
  }
}
