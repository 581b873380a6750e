package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BytesTest {
  private final Bytes end = new Bytes(new byte[] {'x', 'y', 'a', 'b', 'c'}, 2);

  @Test
  void endOfAnArrayIsItsBytesAlone() {
    Bytes whole = Bytes.utf8("abc");
    assertEquals(whole, end);
    assertEquals(end, whole);
    assertEquals(whole.hashCode(), end.hashCode());
    assertEquals(0, end.compareTo(whole));
    assertTrue(end.compareTo(Bytes.utf8("abd")) < 0);
    assertTrue(Bytes.utf8("ab").compareTo(end) < 0);
    assertNotEquals(Bytes.utf8("xya"), end);
    assertEquals("abc", end.utf8());
    assertEquals("3 bytes", end.toString());
    assertArrayEquals(whole.array(), end.array());
    assertArrayEquals(
        whole.array(),
        end.to((array, from, length) -> Arrays.copyOfRange(array, from, from + length)));
  }

  @Test
  void endOfAnArrayHasPrefixesAndIsOne() {
    assertTrue(end.startsWith(Bytes.EMPTY));
    assertTrue(end.startsWith(Bytes.utf8("ab")));
    assertTrue(end.startsWith(end));
    assertFalse(end.startsWith(Bytes.utf8("xy")));
    assertFalse(end.startsWith(Bytes.utf8("abcd")));
    assertTrue(Bytes.utf8("abcd").startsWith(end));
  }
}
