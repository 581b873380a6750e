package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "k", "a\0b", "\0", "\0\0", "\0k", "\0\0k", "ä"})
  void everyRawKeyReadsBackAndBelongsToTheDefaultNamespace(String text) {
    Key key = Key.of(text);
    assertEquals(Bytes.utf8(text), key.raw());
    assertTrue(key.inDefaultNamespace());
  }

  @Test
  void leadingNulIsDoubledAndNothingElse() {
    assertArrayEquals(new byte[] {0, 0}, Key.of("\0").stored().array());
    assertArrayEquals(new byte[] {0, 0, 0}, Key.of("\0\0").stored().array());
    assertArrayEquals(new byte[] {0, 0, 'k'}, Key.of("\0k").stored().array());
    assertArrayEquals(new byte[] {'k', 0}, Key.of("k\0").stored().array());
  }

  @Test
  void namedNamespaceIsWrittenBeforeTheKey() {
    Namespace bucket = Namespace.named(Bytes.utf8("b"));
    Key key = bucket.key(Bytes.utf8("k"));
    assertArrayEquals(new byte[] {0, 1, 1, 'b', 'k'}, key.stored().array());
    assertFalse(key.inDefaultNamespace());
    assertEquals(Bytes.utf8("k"), bucket.raw(key));
    assertNull(Namespace.DEFAULT.raw(key));
    byte[] longName = new byte[300];
    assertArrayEquals(
        new byte[] {0, 1, (byte) 0xac, 2, 0},
        Arrays.copyOf(Namespace.named(new Bytes(longName)).key(Bytes.EMPTY).stored().array(), 5));
  }

  @Test
  void noTwoPairsOfNamespaceAndKeyShareAStoredKey() {
    List<String> texts =
        List.of("", "a", "b", "ab", "\0", "\1", "\0\1", "\1\1b", "\0\1\1b", "a".repeat(200));
    Map<Key, String> pairs = new HashMap<>();
    for (String raw : texts) {
      assertNull(pairs.put(Key.of(raw), "default " + raw));
      for (String name : texts) {
        Key key = Namespace.named(Bytes.utf8(name)).key(Bytes.utf8(raw));
        assertNull(pairs.put(key, name + " " + raw));
      }
    }
    for (Key key : pairs.keySet()) {
      long owners =
          Stream.concat(
                  Stream.of(Namespace.DEFAULT),
                  texts.stream().map(Bytes::utf8).map(Namespace::named))
              .filter(namespace -> namespace.raw(key) != null)
              .count();
      assertEquals(1, owners, () -> pairs.get(key));
    }
  }

  @Test
  void bytesAreOrderedUnsigned() {
    Bytes high = new Bytes(new byte[] {(byte) 0x80});
    Bytes low = new Bytes(new byte[] {0x7f});
    assertTrue(high.compareTo(low) > 0);
    assertTrue(Bytes.EMPTY.compareTo(low) < 0);
    assertTrue(high.startsWith(Bytes.EMPTY));
    assertTrue(high.startsWith(high));
    assertFalse(Bytes.EMPTY.startsWith(low));
  }

  @Test
  void bytesDoNotPrintTheirContent() {
    assertEquals("6 bytes", Bytes.utf8("secret").toString());
  }
}
