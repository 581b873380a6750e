package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

class StagingTest {
  private final SplittableRandom random = new SplittableRandom(3);
  private final PlainReplica sender = new PlainReplica(new OriginId(1, 1));
  private final PlainReplica receiver = new PlainReplica(new OriginId(2, 2));
  private final Staging staging = receiver.staging();
  private List<byte[]> sections = List.of();

  @BeforeEach
  void fill() {
    for (int i = 0; i < 200; i++) {
      sender.run(PlainReplica.command(random));
      sender.run(new Command.Set(Key.of("key" + i), Bytes.utf8("value"), 0)); // in every bucket
    }
    sections = sender.state();
  }

  private boolean add(int section, int offset, Frame.Piece... pieces) {
    return staging.add(
        new Frame.SnapshotChunk(
            new OriginId(1, 1), 1, 5, section, offset, false, Arrays.asList(pieces)));
  }

  /** Bytes of a section; a piece that reaches its end ends it. */
  private Frame.Piece piece(int section, int from, int to) {
    byte[] whole = sections.get(section);
    assertTrue(to <= whole.length, "section " + section + " is only " + whole.length);
    return new Frame.Piece(to == whole.length, new Bytes(Arrays.copyOfRange(whole, from, to)));
  }

  private Frame.Piece rest(int section, int from) {
    return piece(section, from, sections.get(section).length);
  }

  private void assertAt(int section, int offset) {
    assertEquals(section, staging.section());
    assertEquals(offset, staging.offset());
    assertFalse(staging.unreadable());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 30, 1_000})
  void sectionsAreReadWhereverTheyAreCut(int pieceBytes) {
    while (!staging.complete()) {
      assertEquals(0, receiver.keyspace.size());
      int section = staging.section();
      int end = Math.min(sections.get(section).length, staging.offset() + pieceBytes);
      assertTrue(add(section, staging.offset(), piece(section, staging.offset(), end)));
    }
    assertFalse(staging.unreadable());
    receiver.install(staging);
    assertEquals(sender.summary(), receiver.summary());
  }

  @Test
  void chunkThatBeginsElsewhereChangesNothing() {
    assertTrue(add(0, 0, rest(0, 0), piece(1, 0, 1)));
    assertFalse(add(0, 0, rest(0, 0))); // again
    assertFalse(add(1, 0, rest(1, 0))); // overlapping
    assertFalse(add(1, 2, rest(1, 2))); // after a gap
    assertFalse(add(2, 0, rest(2, 0)));
    assertFalse(add(-1, -1, rest(1, 0)));
    assertAt(1, 1);
    assertTrue(add(1, 1, rest(1, 1), piece(2, 0, 0)));
    assertAt(2, 0);
  }

  @Test
  void chunkOfMoreSectionsThanThereAreChangesNothing() {
    List<Frame.Piece> all = new ArrayList<>(PlainReplica.pieces(sections));
    all.add(new Frame.Piece(false, Bytes.EMPTY));
    assertFalse(add(0, 0, all.toArray(new Frame.Piece[0])));
    assertAt(0, 0);
    assertTrue(add(0, 0, all.subList(0, sections.size()).toArray(new Frame.Piece[0])));
    assertTrue(staging.complete());
    assertFalse(add(sections.size(), 0, rest(1, 0)));
  }

  @Test
  void chunkOfNoPiecesAddsNothing() {
    assertTrue(add(0, 0));
    assertAt(0, 0);
    assertNull(staging.header());
    assertTrue(add(0, 0, rest(0, 0)));
    assertNotNull(staging.header());
  }

  @Test
  void entryOfAnotherBucketCannotBeRead() {
    assertTrue(add(0, 0, rest(0, 0)));
    assertTrue(add(1, 0, new Frame.Piece(true, new Bytes(sections.get(2)))));
    assertTrue(staging.unreadable());
  }
}
