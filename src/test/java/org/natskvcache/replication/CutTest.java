package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Frame;

class CutTest {
  private final SplittableRandom random = new SplittableRandom(7);
  private final PlainReplica replica = new PlainReplica(new OriginId(1, 1));

  private void write(int commands) {
    for (int i = 0; i < commands; i++) replica.run(PlainReplica.command(random));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 100, 100_000})
  void cutIsTheStateAtItsMomentWhateverChangesWhileItIsSent(int chunkBytes) {
    write(200);
    String before = replica.summary();
    Cut cut = replica.cut();
    PlainReplica receiver = new PlainReplica(new OriginId(2, 2));
    Staging staging = receiver.staging();
    while (!staging.complete()) {
      write(3);
      Cut.Part part = cut.part(staging.section(), staging.offset(), chunkBytes);
      assertNotNull(part);
      assertTrue(PlainReplica.add(staging, part));
      assertEquals(staging.complete(), part.last());
      cut.release(staging.section(), staging.offset());
    }
    assertNotEquals(before, replica.summary());
    receiver.install(staging);
    assertEquals(before, receiver.summary());
  }

  @Test
  void cutIsTheStateBeforeASnapshotWasInstalledMeanwhile() {
    write(100);
    String before = replica.summary();
    Cut cut = replica.cut();
    PlainReplica other = new PlainReplica(new OriginId(2, 2));
    for (int i = 0; i < 100; i++) other.run(PlainReplica.command(random));
    replica.joinIn(other);
    PlainReplica receiver = new PlainReplica(new OriginId(3, 3));
    receiver.install(PlainReplica.read(cut, 50));
    assertEquals(before, receiver.summary());
  }

  @Test
  void partsCanBeAskedForAgainFromAnyPosition() {
    write(60);
    Cut cut = replica.cut();
    List<byte[]> sections = PlainReplica.read(cut, Integer.MAX_VALUE);
    for (int section = 0; section < sections.size(); section++) {
      for (int offset = 0; offset <= sections.get(section).length; offset++) {
        int bytes = 1 + random.nextInt(80);
        Cut.Part part = cut.part(section, offset, bytes);
        assertNotNull(part);
        assertArrayEquals(expected(sections, section, offset, part), sent(part));
        assertTrue(sent(part).length <= bytes);
      }
    }
  }

  private static byte[] sent(Cut.Part part) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Frame.Piece piece : part.pieces()) out.writeBytes(piece.bytes().array());
    return out.toByteArray();
  }

  /** What lies between the position asked for and the position after the part. */
  private static byte[] expected(List<byte[]> sections, int section, int offset, Cut.Part part) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int end = Cut.nextSection(part);
    for (int s = section; s <= end && s < sections.size(); s++) {
      int from = s == section ? offset : 0;
      int to = s == end ? Cut.nextOffset(part) : sections.get(s).length;
      out.writeBytes(Arrays.copyOfRange(sections.get(s), from, to));
    }
    return out.toByteArray();
  }

  @Test
  void positionsOutsideTheCutHaveNoPart() {
    write(20);
    Cut cut = replica.cut();
    List<byte[]> sections = PlainReplica.read(cut, Integer.MAX_VALUE);
    assertNull(cut.part(PlainReplica.SECTIONS, 0, 10));
    assertNull(cut.part(Integer.MAX_VALUE, 0, 10));
    assertNull(cut.part(3, sections.get(3).length + 1, 10));
    assertNull(cut.part(0, Integer.MAX_VALUE, 10));
  }

  @Test
  void releasedSectionsAreGoneAndTheOthersStay() {
    write(60);
    Cut cut = replica.cut();
    List<byte[]> sections = PlainReplica.read(cut, Integer.MAX_VALUE);
    cut.release(4, 0);
    assertNull(cut.part(0, 0, 10));
    assertNull(cut.part(3, 0, 10));
    Cut.Part part = cut.part(4, 0, Integer.MAX_VALUE);
    assertNotNull(part);
    assertArrayEquals(sections.get(4), part.pieces().getFirst().bytes().array());
    cut.release(2, 0); // a late copy of an earlier request
    assertNotNull(cut.part(4, 0, 10));
    write(50);
    cut.release(Integer.MAX_VALUE, 0);
    assertNull(cut.part(PlainReplica.SECTIONS - 1, 0, 10));
  }

  @Test
  void emptyReplicaHasAWholeCut() {
    PlainReplica receiver = new PlainReplica(new OriginId(2, 2));
    receiver.install(PlainReplica.read(replica.cut(), 3));
    assertEquals(replica.summary(), receiver.summary());
  }

  @Test
  void headerCutOffAnywhereIsRefused() {
    write(60);
    byte[] header = replica.state().getFirst();
    for (int length = 0; length < header.length; length++) {
      assertRefused(List.of(Arrays.copyOf(header, length)), length);
    }
    assertRefused(List.of(Arrays.copyOf(header, header.length + 1)), header.length + 1);
  }

  @Test
  void bucketCutOffAnywhereIsRefused() {
    write(200);
    List<byte[]> sections = replica.state();
    for (int bucket = 1; bucket < sections.size(); bucket++) {
      byte[] whole = sections.get(bucket);
      for (int length = 0; length < whole.length; length++) {
        assertRefused(List.of(sections.getFirst(), Arrays.copyOf(whole, length)), length);
      }
    }
  }

  private static void assertRefused(List<byte[]> sections, int length) {
    PlainReplica receiver = new PlainReplica(new OriginId(2, 2));
    Staging staging = receiver.staging();
    PlainReplica.add(staging, new Cut.Part(0, 0, PlainReplica.pieces(sections), false));
    assertTrue(staging.unreadable(), "read though cut to " + length + " bytes");
    assertEquals(0, receiver.keyspace.size());
  }

  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4})
  void garbageEndsInARefusalOrInEntriesButNeverOtherwise(long seed) {
    SplittableRandom garbage = new SplittableRandom(seed);
    write(200);
    List<byte[]> sections = replica.state();
    int refused = 0;
    for (int i = 0; i < 3_000; i++) {
      List<byte[]> damaged = new ArrayList<>(sections);
      int section = garbage.nextInt(sections.size());
      damaged.set(section, damage(garbage, sections.get(section)));
      Staging staging = new PlainReplica(new OriginId(2, 2)).staging();
      PlainReplica.add(staging, new Cut.Part(0, 0, PlainReplica.pieces(damaged), true));
      if (staging.unreadable()) refused++;
    }
    assertTrue(refused > 0);
  }

  private static byte[] damage(SplittableRandom random, byte[] section) {
    byte[] damaged = section.clone();
    switch (random.nextInt(3)) {
      case 0 -> random.nextBytes(damaged);
      case 1 -> damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      default -> damaged[random.nextInt(damaged.length)] = (byte) 0xff;
    }
    return damaged;
  }
}
