package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.replication.Delivery.Verdict.DUPLICATE;
import static org.natskvcache.replication.Delivery.Verdict.HELD_BACK;
import static org.natskvcache.replication.Delivery.Verdict.READY;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

class DeliveryTest {
  private final Origins origins = new Origins();
  private final int a = origins.slot(new OriginId(1, 1));
  private final int b = origins.slot(new OriginId(2, 2));
  private final int c = origins.slot(new OriginId(3, 3));
  private Delivery delivery = delivery(1_000, 1 << 20);

  private Delivery delivery(int heldBackMax, long heldBackBytesMax) {
    Limits limits =
        new Limits(99, 99, 99, 99, heldBackBytesMax, heldBackMax, 99, 99, 99, 99, 1, 2, 9, 1_024);
    return new Delivery(origins, limits, Defect.NONE);
  }

  /** A mutation whose context rose by {@code context}: slot, delta, slot, delta... */
  static Mutation mutation(int slot, long sequence, long... context) {
    return sized(slot, sequence, 1, context);
  }

  static Mutation sized(int slot, long sequence, int valueBytes, long... context) {
    int[] slots = new int[context.length / 2];
    long[] deltas = new long[context.length / 2];
    for (int i = 0; i < slots.length; i++) {
      slots[i] = (int) context[2 * i];
      deltas[i] = context[2 * i + 1];
    }
    Op op = new Op.Put(Key.of("k"), new Bytes(new byte[valueBytes]), 0, Observed.NOTHING);
    return new Mutation(Dot.of(slot, sequence), sequence, slots, deltas, null, 0, op);
  }

  private void apply(Mutation mutation) {
    assertEquals(READY, delivery.judge(mutation));
    delivery.advance(mutation);
  }

  private VersionVector vector(long ofA, long ofB, long ofC) {
    VersionVector vector = new VersionVector(origins);
    vector.raise(a, ofA);
    vector.raise(b, ofB);
    vector.raise(c, ofC);
    return vector;
  }

  @Test
  void nextOfItsOriginIsReady() {
    apply(mutation(a, 1));
    apply(mutation(a, 2));
    assertEquals(2, delivery.applied().get(a));
  }

  @Test
  void appliedOneIsADuplicate() {
    apply(mutation(a, 1));
    assertEquals(DUPLICATE, delivery.judge(mutation(a, 1)));
    assertEquals(0, delivery.heldBack());
  }

  @Test
  void laterOneIsHeldBackUntilTheGapIsFilled() {
    Mutation third = mutation(a, 3);
    assertEquals(HELD_BACK, delivery.judge(third));
    assertEquals(HELD_BACK, delivery.judge(mutation(a, 3))); // again: held once
    assertEquals(1, delivery.heldBack());
    assertEquals(List.of(a), delivery.heldBackOrigins());
    apply(mutation(a, 1));
    assertNull(delivery.nextReady());
    apply(mutation(a, 2));
    assertSame(third, delivery.nextReady());
    delivery.advance(third);
    assertNull(delivery.nextReady());
    assertEquals(0, delivery.heldBack());
  }

  @Test
  void whatItsAuthorHadSeenComesFirst() {
    Mutation dependent = mutation(b, 1, a, 2);
    assertEquals(HELD_BACK, delivery.judge(dependent));
    apply(mutation(a, 1));
    assertNull(delivery.nextReady());
    apply(mutation(a, 2));
    assertSame(dependent, delivery.nextReady());
  }

  @Test
  void contextsAreDifferencesFromTheAuthorsMutationBefore() {
    for (int i = 1; i <= 5; i++) apply(mutation(a, i));
    apply(mutation(b, 1, a, 2));
    apply(mutation(b, 2));
    apply(mutation(b, 3, a, 3));
    assertEquals(HELD_BACK, delivery.judge(mutation(b, 4, a, 1)));
    assertEquals(vector(5, 3, 0), delivery.row(b));
    assertEquals(vector(5, 0, 0), delivery.row(a));
  }

  @Test
  void authorsRowIsReturnedWithItsOwnMarkRaised() {
    apply(mutation(a, 1));
    Mutation mutation = mutation(b, 1, a, 1);
    assertEquals(READY, delivery.judge(mutation));
    assertEquals(vector(1, 1, 0), delivery.advance(mutation));
  }

  @Test
  void unknownOriginHasNoRow() {
    assertNull(delivery.rowIfKnown(c));
    assertEquals(vector(0, 0, 0), delivery.row(c));
    assertNotNull(delivery.rowIfKnown(c));
  }

  @Test
  void overTheCountTheHighestOfTheLongestQueueGoes() {
    delivery = delivery(3, 1 << 20);
    delivery.judge(mutation(a, 2));
    delivery.judge(mutation(a, 3));
    delivery.judge(mutation(b, 2));
    delivery.judge(mutation(a, 4));
    assertEquals(3, delivery.heldBack());
    apply(mutation(a, 1));
    delivery.advance(takeReady(2));
    delivery.advance(takeReady(3));
    assertNull(delivery.nextReady());
    assertEquals(List.of(b), delivery.heldBackOrigins());
    assertEquals(READY, delivery.judge(mutation(a, 4))); // asked for again, it is taken
  }

  private Mutation takeReady(long sequence) {
    Mutation ready = delivery.nextReady();
    assertNotNull(ready);
    assertEquals(sequence, Dot.sequence(ready.dot()));
    return ready;
  }

  @Test
  void overTheBytesTheHighestGo() {
    int weight = sized(a, 2, 1_000).weight();
    delivery = delivery(1_000, 3L * weight);
    for (int sequence = 2; sequence < 50; sequence++) {
      delivery.judge(sized(a, sequence, 1_000));
      assertTrue(delivery.heldBack() <= 3);
    }
    assertEquals(3, delivery.heldBack());
    delivery.judge(sized(b, 2, 1_000_000)); // larger than the bound by itself
    assertTrue(delivery.heldBack() <= 3);
  }

  @Test
  void snapshotRaisesTheVectorAndTakesTheLaterRows() {
    apply(mutation(a, 1));
    apply(mutation(b, 1, a, 1));
    delivery.judge(mutation(b, 3));
    delivery.judge(mutation(c, 2));
    List<VersionVector> rows = Arrays.asList(vector(9, 9, 9), vector(4, 3, 0), null);
    VersionVector theirs = vector(1, 3, 0);
    delivery.install(theirs, rows);
    assertEquals(vector(1, 3, 0), delivery.applied());
    assertEquals(vector(1, 0, 0), delivery.row(a)); // ours was as late
    assertEquals(vector(4, 3, 0), delivery.row(b));
    assertNull(delivery.nextReady());
    assertEquals(1, delivery.heldBack()); // the one the snapshot included is dropped
    apply(mutation(c, 1));
    takeReady(2);
  }

  @Test
  void closingDropsWhatIsAboveTheFinalSequence() {
    delivery.judge(mutation(a, 2));
    delivery.judge(mutation(a, 3));
    delivery.judge(mutation(a, 4));
    delivery.close(a, 3);
    assertEquals(2, delivery.heldBack());
    delivery.close(b, 3);
    delivery.close(a, 0);
    assertEquals(0, delivery.heldBack());
    assertEquals(List.of(), delivery.heldBackOrigins());
  }

  /** Whatever the order and however often it comes, all is applied in causal order exactly once. */
  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void appliesEverythingOnceInCausalOrderProperty(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Mutation> written = new ArrayList<>();
    List<VersionVector> contexts = new ArrayList<>();
    write(random, written, contexts);
    delivery = delivery(5 + random.nextInt(20), 1 << 20);
    VersionVector all = new VersionVector(origins);
    for (Mutation mutation : written) {
      all.raise(Dot.slot(mutation.dot()), Dot.sequence(mutation.dot()));
    }
    int applied = 0;
    while (!delivery.applied().equals(all)) {
      int i = random.nextInt(written.size());
      if (delivery.judge(written.get(i)) == READY) applied += check(written, contexts, i);
      for (Mutation m = delivery.nextReady(); m != null; m = delivery.nextReady()) {
        applied += check(written, contexts, written.indexOf(m));
      }
      assertTrue(delivery.heldBack() <= 25);
    }
    assertEquals(written.size(), applied);
    for (Mutation mutation : written) assertEquals(DUPLICATE, delivery.judge(mutation));
  }

  private int check(List<Mutation> written, List<VersionVector> contexts, int i) {
    assertTrue(delivery.applied().covers(contexts.get(i)));
    VersionVector row = delivery.advance(written.get(i)).copy();
    VersionVector expected = contexts.get(i).copy();
    expected.raise(Dot.slot(written.get(i).dot()), Dot.sequence(written.get(i).dot()));
    assertEquals(expected, row);
    return 1;
  }

  /** Three authors that have seen random parts of each other. */
  private void write(SplittableRandom random, List<Mutation> out, List<VersionVector> contexts) {
    VersionVector[] seen = {vector(0, 0, 0), vector(0, 0, 0), vector(0, 0, 0)};
    VersionVector[] rows = {vector(0, 0, 0), vector(0, 0, 0), vector(0, 0, 0)};
    for (int i = 0; i < 150; i++) {
      int me = random.nextInt(3);
      if (random.nextInt(3) == 0) seen[me].raiseAll(seen[random.nextInt(3)]);
      List<Long> context = new ArrayList<>();
      for (int slot = 0; slot < 3; slot++) {
        long delta = seen[me].get(slot) - rows[me].get(slot);
        if (slot == me || delta == 0) continue;
        context.add((long) slot);
        context.add(delta);
      }
      contexts.add(seen[me].copy());
      long sequence = seen[me].get(me) + 1;
      out.add(mutation(me, sequence, context.stream().mapToLong(l -> l).toArray()));
      seen[me].raise(me, sequence);
      rows[me].raiseAll(seen[me]);
    }
  }
}
