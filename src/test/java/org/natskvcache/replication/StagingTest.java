package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;

class StagingTest {
  private final Staging staging = new Staging(3);

  private static Frame.Piece piece(boolean ends, String text) {
    return new Frame.Piece(ends, Bytes.utf8(text));
  }

  private boolean add(int section, int offset, Frame.Piece... pieces) {
    return staging.add(
        new Frame.SnapshotChunk(
            new OriginId(1, 1), 5, section, offset, false, Arrays.asList(pieces)));
  }

  private void assertAt(int section, int offset) {
    assertEquals(section, staging.section());
    assertEquals(offset, staging.offset());
  }

  @Test
  void piecesOfASectionAreJoined() {
    assertTrue(add(0, 0, piece(false, "ab")));
    assertAt(0, 2);
    assertTrue(add(0, 2, piece(true, "c"), piece(true, ""), piece(false, "x")));
    assertAt(2, 1);
    assertFalse(staging.complete());
    assertTrue(add(2, 1, piece(true, "y")));
    assertTrue(staging.complete());
    List<byte[]> sections = staging.sections();
    assertArrayEquals("abc".getBytes(), sections.get(0));
    assertArrayEquals(new byte[0], sections.get(1));
    assertArrayEquals("xy".getBytes(), sections.get(2));
  }

  @Test
  void chunkThatBeginsElsewhereChangesNothing() {
    add(0, 0, piece(true, "abc"), piece(false, "d"));
    assertFalse(add(0, 0, piece(true, "abc"))); // again
    assertFalse(add(1, 0, piece(true, "d"))); // overlapping
    assertFalse(add(1, 2, piece(true, "f"))); // after a gap
    assertFalse(add(2, 0, piece(true, "g")));
    assertFalse(add(-1, -1, piece(true, "h")));
    assertAt(1, 1);
    assertEquals(1, staging.sections().size());
  }

  @Test
  void chunkOfMoreSectionsThanThereAreChangesNothing() {
    add(0, 0, piece(true, "a"), piece(false, "b"));
    assertFalse(add(1, 1, piece(true, "c"), piece(true, "d"), piece(true, "e")));
    assertAt(1, 1);
    assertFalse(add(1, 1, piece(true, "c"), piece(true, "d"), piece(false, "")));
    assertAt(1, 1);
    assertTrue(add(1, 1, piece(true, "c"), piece(true, "d")));
    assertTrue(staging.complete());
    assertFalse(add(3, 0, piece(true, "e")));
    assertEquals(3, staging.sections().size());
  }

  @Test
  void chunkOfNoPiecesAddsNothing() {
    assertTrue(add(0, 0));
    assertAt(0, 0);
  }
}
