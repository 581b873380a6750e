package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.ByteWriter;
import org.natskvcache.replication.wire.MutationRecord;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;

class ReplayRingTest {
  private final Origins origins = new Origins();
  private final int a = origins.slot(new OriginId(1, 1));
  private final int b = origins.slot(new OriginId(2, 2));

  private static ReplayRing ring(int countMax, long bytesMax) {
    return new ReplayRing(
        new Limits(99, 99, bytesMax, countMax, 99, 99, 99, 99, 99, 99, 1, 2, 9, 1_024));
  }

  private VersionVector vector(long... marks) {
    VersionVector vector = new VersionVector(origins);
    for (int slot = 0; slot < marks.length; slot++) vector.raise(slot, marks[slot]);
    return vector;
  }

  private static List<Long> replay(ReplayRing ring, VersionVector known) {
    List<Mutation> out = new ArrayList<>();
    assertFalse(ring.replay(known, out, last -> false));
    return out.stream().map(Mutation::dot).toList();
  }

  private static int bytes(Mutation mutation) {
    ByteWriter record = new ByteWriter(256);
    MutationRecord.write(mutation, record);
    return record.size() + ReplayRing.INDEX_BYTES;
  }

  @Test
  void replaysWhatIsMissingInTheOrderItWasApplied() {
    ReplayRing ring = ring(100, 1 << 20);
    for (int i = 1; i <= 3; i++) {
      ring.add(DeliveryTest.mutation(a, i));
      ring.add(DeliveryTest.mutation(b, i));
    }
    assertEquals(List.of(Dot.of(b, 2), Dot.of(a, 3), Dot.of(b, 3)), replay(ring, vector(2, 1)));
    assertEquals(6, replay(ring, vector()).size());
    assertEquals(List.of(), replay(ring, vector(3, 3)));
    assertEquals(List.of(), replay(ring, vector(9, 9)));
  }

  @Test
  void replayStopsWhenItIsEnoughAndSaysWhetherThereIsMore() {
    ReplayRing ring = ring(100, 1 << 20);
    for (int i = 1; i <= 3; i++) ring.add(DeliveryTest.mutation(a, i));
    List<Mutation> out = new ArrayList<>();
    assertTrue(ring.replay(vector(), out, last -> Dot.sequence(last.dot()) == 2));
    assertEquals(2, out.size());
    out.clear();
    assertFalse(ring.replay(vector(), out, last -> Dot.sequence(last.dot()) == 3));
    assertEquals(3, out.size());
  }

  @Test
  void oldestLeaveWhenThereAreTooMany() {
    ReplayRing ring = ring(5, 1 << 20);
    for (int i = 1; i <= 12; i++) ring.add(DeliveryTest.mutation(a, i));
    assertEquals(5, ring.size());
    assertTrue(ring.covers(vector(7), vector(12)));
    assertFalse(ring.covers(vector(6), vector(12)));
    assertTrue(ring.covers(vector(20), vector(12)));
    assertEquals(5, replay(ring, vector(7)).size());
  }

  @Test
  void oldestLeaveWhenTheyAreTooLarge() {
    int weight = bytes(DeliveryTest.sized(a, 1, 1_000));
    ReplayRing ring = ring(100, 3L * weight + 1);
    for (int i = 1; i <= 12; i++) ring.add(DeliveryTest.sized(a, i, 1_000));
    assertEquals(3, ring.size());
    assertEquals(3L * weight, ring.bytes());
    ring.add(DeliveryTest.sized(a, 13, 1_000_000));
    assertEquals(0, ring.size());
    assertEquals(0, ring.bytes());
    assertFalse(ring.covers(vector(12), vector(13)));
    ring.add(DeliveryTest.sized(a, 14, 1));
    assertTrue(ring.covers(vector(13), vector(14)));
  }

  @Test
  void whatASnapshotBroughtCannotBeReplayed() {
    ReplayRing ring = ring(100, 1 << 20);
    for (int i = 1; i <= 4; i++) ring.add(DeliveryTest.mutation(a, i));
    for (int i = 1; i <= 4; i++) ring.add(DeliveryTest.mutation(b, i));
    ring.skipTo(a, 10);
    assertFalse(ring.covers(vector(9, 0), vector(10, 4)));
    assertTrue(ring.covers(vector(10, 0), vector(10, 4)));
    assertEquals(4, replay(ring, vector(10, 0)).size());
    ring.add(DeliveryTest.mutation(a, 11));
    assertTrue(ring.covers(vector(10, 4), vector(11, 4)));
    assertEquals(List.of(Dot.of(a, 11)), replay(ring, vector(10, 4)));
  }

  @Test
  void emptyRingCoversOnlyWhatLacksNothing() {
    ReplayRing ring = ring(10, 1 << 20);
    assertTrue(ring.covers(vector(), vector()));
    ring.skipTo(b, 3);
    assertFalse(ring.covers(vector(0, 2), vector(0, 3)));
    assertTrue(ring.covers(vector(0, 3), vector(0, 3)));
  }

  @Test
  void knowsWhatIsReferredToUntilThatIsDropped() {
    ReplayRing ring = ring(2, 1 << 20);
    ring.add(DeliveryTest.mutation(a, 1));
    for (int i = 1; i <= 2; i++) {
      assertEquals(BitSet.valueOf(new long[] {i == 1 ? 0b01 : 0b11}), referredTo(ring));
      ring.add(DeliveryTest.mutation(b, i));
    }
    assertEquals(BitSet.valueOf(new long[] {0b10}), referredTo(ring));
    assertEquals(List.of(Dot.of(b, 1), Dot.of(b, 2)), replay(ring, vector(1)));
  }

  private static BitSet referredTo(ReplayRing ring) {
    BitSet used = new BitSet();
    ring.markSlots(used);
    return used;
  }

  /** The plainest ring: a list whose gaps count and keep their bytes, a floor for each origin. */
  private static final class Model {
    final int countMax;
    final long bytesMax;
    final List<Mutation> held = new ArrayList<>();
    final List<Integer> sizes = new ArrayList<>();
    final long[] applied = new long[3];
    final long[] floor = new long[3];

    Model(int countMax, long bytesMax) {
      this.countMax = countMax;
      this.bytesMax = bytesMax;
    }

    long bytes() {
      return sizes.stream().mapToLong(size -> size).sum();
    }

    void add(Mutation mutation) {
      held.add(mutation);
      sizes.add(ReplayRingTest.bytes(mutation));
      applied[Dot.slot(mutation.dot())]++;
      while (!held.isEmpty() && (held.size() > countMax || bytes() > bytesMax)) {
        Mutation gone = held.removeFirst();
        sizes.removeFirst();
        if (gone != null) floor[Dot.slot(gone.dot())] = Dot.sequence(gone.dot());
      }
    }

    void skipTo(int slot, long sequence) {
      held.replaceAll(m -> m != null && Dot.slot(m.dot()) == slot ? null : m);
      floor[slot] = sequence;
      applied[slot] = sequence;
    }

    boolean covers(long[] known) {
      for (int slot = 0; slot < 3; slot++) {
        if (known[slot] < applied[slot] && known[slot] < floor[slot]) return false;
      }
      return true;
    }

    List<Long> missing(long[] known) {
      return held.stream()
          .filter(m -> m != null && Dot.sequence(m.dot()) > known[Dot.slot(m.dot())])
          .map(Mutation::dot)
          .toList();
    }
  }

  static long[] seeds() {
    long[] seeds = new long[30];
    for (int i = 0; i < seeds.length; i++) seeds[i] = i;
    return seeds;
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void behavesLikeAListProperty(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int countMax = 1 + random.nextInt(40);
    long bytesMax = 200 + random.nextInt(5_000);
    ReplayRing ring = ring(countMax, bytesMax);
    Model model = new Model(countMax, bytesMax);
    origins.slot(new OriginId(3, 3));
    for (int step = 0; step < 600; step++) {
      int slot = random.nextInt(3);
      if (random.nextInt(30) == 0) {
        long to = model.applied[slot] + 1 + random.nextInt(5);
        ring.skipTo(slot, to);
        model.skipTo(slot, to);
      } else {
        Mutation next = DeliveryTest.sized(slot, model.applied[slot] + 1, random.nextInt(100));
        ring.add(next);
        model.add(next);
      }
      assertEquals(model.held.size(), ring.size());
      assertEquals(model.bytes(), ring.bytes());
      long[] known = new long[3];
      for (int s = 0; s < 3; s++) known[s] = random.nextLong(model.applied[s] + 2);
      assertEquals(model.covers(known), ring.covers(vector(known), vector(model.applied)));
      assertEquals(model.missing(known), replay(ring, vector(known)));
    }
  }
}
