package org.natskvcache.cli.shell;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.store.Bytes;

class TokenizerTest {
  private static List<Bytes> words(byte[] line) {
    return assertInstanceOf(Tokenizer.Line.Words.class, Tokenizer.split(line)).words();
  }

  private static void assertWords(String line, String... expected) {
    assertEquals(
        List.of(expected),
        words(line.getBytes(StandardCharsets.UTF_8)).stream().map(Bytes::utf8).toList(),
        line);
  }

  @Test
  void wordsAreSeparatedByBlanks() {
    assertWords("GET a", "GET", "a");
    assertWords("  GET\t a  \r", "GET", "a");
    assertWords("");
    assertWords(" \t\r ");
  }

  @Test
  void doubleQuotesTakeEscapes() {
    assertWords("\"a b\"", "a b");
    assertWords("\"\"", "");
    assertWords("\"\\\"\\\\\\n\\r\\t\\0\\x41\"", "\"\\\n\r\t\0A");
    assertWords("\"it's\"", "it's");
  }

  @Test
  void singleQuotesAreLiteral() {
    assertWords("'a \\n \"b'", "a \\n \"b");
    assertWords("''", "");
  }

  @Test
  void quotesMayBeginInsideAWord() {
    assertWords("a\"b c\"", "ab c");
    assertWords("a'b c' d", "ab c", "d");
  }

  @Test
  void backslashOutsideQuotesIsItself() {
    assertWords("a\\nb", "a\\nb");
  }

  @Test
  void otherCharactersPassUnchanged() {
    assertWords("é 日本 '😀 x' #no-comment-here", "é", "日本", "😀 x", "#no-comment-here");
    assertArrayEquals(
        new byte[] {(byte) 0xff, (byte) 0x80},
        words(new byte[] {(byte) 0xff, (byte) 0x80}).getFirst().array());
    assertArrayEquals(
        new byte[] {(byte) 0xff},
        words("\"\\xFf\"".getBytes(StandardCharsets.UTF_8)).getFirst().array());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"",
        "a \"b",
        "\"a\\",
        "\"a\\\"",
        "'",
        "'a",
        "a'b",
        "\"a\"b",
        "'a'b",
        "'a'\"b\"",
        "\"\\q\"",
        "\"\\x\"",
        "\"\\x1\"",
        "\"\\xg1\"",
        "\"\\x1g\"",
        "\"\\x",
        "\"\\x4",
        "\"\\'\"",
        "SET a \"SECRET\\q\"",
        "SET a 'SECRET"
      })
  void malformedLinesAreRefusedWithoutQuotingThem(String line) {
    var malformed =
        assertInstanceOf(
            Tokenizer.Line.Malformed.class, Tokenizer.split(line.getBytes(StandardCharsets.UTF_8)));
    assertTrue(
        malformed.reason().contains("quote") || malformed.reason().contains("\\x"),
        malformed.reason());
    assertTrue(!malformed.reason().contains("SECRET"));
  }

  @Test
  void whatIsPrintedCanBeTypedAgain() {
    Random random = new Random(42);
    for (int round = 0; round < 5_000; round++) {
      byte[] bytes = new byte[random.nextInt(12)];
      random.nextBytes(bytes);
      if (round % 2 == 0)
        bytes = new String(bytes, StandardCharsets.UTF_16LE).getBytes(StandardCharsets.UTF_8);
      String printed = Quoted.of(new Bytes(bytes));
      assertEquals(
          List.of(new Bytes(bytes)), words(printed.getBytes(StandardCharsets.UTF_8)), printed);
      assertEquals(1, printed.lines().count(), printed);
    }
  }

  @Test
  void anyBytesGiveWordsOrARefusal() {
    Random random = new Random(7);
    byte[] alphabet = "\"'\\x0n a\t\r\0\u00e9".getBytes(StandardCharsets.UTF_8);
    for (int round = 0; round < 20_000; round++) {
      byte[] line = new byte[random.nextInt(10)];
      for (int i = 0; i < line.length; i++) line[i] = alphabet[random.nextInt(alphabet.length)];
      Tokenizer.split(line);
    }
  }
}
