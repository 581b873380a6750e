package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
  void namespacesDoNotMeetTheDefaultOne() {
    Key other = new Key(new Bytes(new byte[] {0, 1, 'b', 'k'}));
    assertFalse(other.inDefaultNamespace());
    assertNotEquals(other, Key.of("\1bk"));
    assertNotEquals(other, Key.of("\0\1bk"));
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
