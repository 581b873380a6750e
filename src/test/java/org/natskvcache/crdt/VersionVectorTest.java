package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VersionVectorTest {
  private final Origins origins = new Origins();

  private VersionVector vector(long... marks) {
    VersionVector vector = new VersionVector(origins);
    for (int i = 0; i < marks.length; i++) {
      vector.raise(origins.slot(new OriginId(i, i)), marks[i]);
    }
    return vector;
  }

  @Test
  void emptyVectorCoversNothingButItself() {
    VersionVector empty = vector();
    assertEquals(0, empty.hash());
    assertTrue(empty.covers(vector()));
    assertFalse(empty.covers(vector(1)));
    assertFalse(empty.covers(Dot.of(0, 1)));
    assertEquals(0, empty.get(1_000));
  }

  @Test
  void raisingNeverLowers() {
    VersionVector vector = vector(5);
    long hash = vector.hash();
    vector.raise(0, 3);
    vector.raise(0, 5);
    assertEquals(5, vector.get(0));
    assertEquals(hash, vector.hash());
  }

  @Test
  void coversDotsUpToItsMark() {
    VersionVector vector = vector(0, 5);
    assertTrue(vector.covers(Dot.of(1, 5)));
    assertFalse(vector.covers(Dot.of(1, 6)));
    assertFalse(vector.covers(Dot.of(0, 1)));
    assertFalse(vector.covers(Dot.of(77, 1)));
  }

  @Test
  void concurrentVectorsCoverNeitherOther() {
    assertFalse(vector(1, 2).covers(vector(2, 1)));
    assertFalse(vector(2, 1).covers(vector(1, 2)));
    assertTrue(vector(2, 2).covers(vector(2, 1)));
  }

  @Test
  void lengthOfTheArrayDoesNotMatterForEquality() {
    VersionVector small = vector(1, 2);
    VersionVector large = new VersionVector(origins);
    large.raise(origins.slot(new OriginId(99, 99)), 0);
    for (int i = 0; i < 50; i++) origins.slot(new OriginId(1_000 + i, 0));
    large.raise(0, 1);
    large.raise(1, 2);
    assertEquals(small, large);
    assertEquals(small.hashCode(), large.hashCode());
    assertNotEquals(small, vector(1, 3));
    assertNotEquals(small, (Object) "a string");
  }

  @Test
  void copyIsIndependent() {
    VersionVector vector = vector(1);
    VersionVector copy = vector.copy();
    vector.raise(0, 2);
    assertEquals(1, copy.get(0));
    assertNotEquals(vector.hash(), copy.hash());
  }

  @Test
  void raiseAllIsTheLeastUpperBound() {
    VersionVector vector = vector(3, 1);
    vector.raiseAll(vector(2, 5, 1));
    assertEquals(vector(3, 5, 1), vector);
    assertEquals(vector(3, 5, 1).hash(), vector.hash());
  }

  @Test
  void termsAddUpToTheHash() {
    VersionVector vector = vector(3, 0, 7);
    assertEquals(vector.hash(), vector.term(0) + vector.term(1) + vector.term(2));
    assertEquals(0, vector.term(1));
  }

  @Test
  void mapHasTheNonZeroMarksByOrigin() {
    assertEquals(
        new TreeMap<>(java.util.Map.of(new OriginId(0, 0), 3L, new OriginId(2, 2), 7L)),
        vector(3, 0, 7).toMap());
  }

  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void hashIsEqualOnReplicasThatMetTheOriginsInAnotherOrder(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<OriginId> ids = new ArrayList<>();
    for (int i = 0; i < 20; i++) ids.add(new OriginId(random.nextLong(), random.nextLong()));
    List<OriginId> shuffled = new ArrayList<>(ids);
    Collections.shuffle(shuffled, new Random(seed));
    Origins here = new Origins();
    Origins there = new Origins();
    VersionVector mine = new VersionVector(here);
    VersionVector theirs = new VersionVector(there);
    shuffled.forEach(there::slot);
    for (int step = 0; step < 200; step++) {
      OriginId id = ids.get(random.nextInt(ids.size()));
      mine.raise(here.slot(id), random.nextInt(1_000));
    }
    List<OriginId> written = new ArrayList<>(mine.toMap().keySet());
    Collections.shuffle(written, new Random(seed + 1));
    for (OriginId id : written) theirs.raise(there.slot(id), mine.get(here.slot(id)));
    assertEquals(mine.hash(), theirs.hash());
    assertEquals(mine.toMap(), theirs.toMap());
    assertEquals(mine.toString(), theirs.toString());
  }
}
