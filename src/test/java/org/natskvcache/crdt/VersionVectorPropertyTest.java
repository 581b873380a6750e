package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random operations on several vectors, and on the plainest possible ones: whatever can be asked is
 * answered alike. Slots are near each other or far apart, so both inner forms are met, and the way
 * from one to the other.
 */
class VersionVectorPropertyTest {
  private static final int VECTORS = 4;
  private static final int STEPS = 600;

  /** A vector written down as the definition says it: a map, and what is forgotten. */
  private static final class SpecVector {
    private final TreeMap<OriginId, Long> marks = new TreeMap<>();
    private Forgotten forgotten;

    SpecVector copy() {
      SpecVector copy = new SpecVector();
      copy.marks.putAll(marks);
      copy.forgotten = forgotten;
      return copy;
    }

    static long term(OriginId id, long sequence) {
      return Hash64.chain(Hash64.chain(Hash64.mix(id.high()), id.low()), sequence);
    }

    private boolean forgot(OriginId id) {
      return forgotten != null && id.compareTo(forgotten.until()) <= 0;
    }

    private long sum() {
      return forgotten == null ? 0 : forgotten.hash();
    }

    long hash() {
      long hash = sum();
      for (var mark : marks.entrySet()) hash += term(mark.getKey(), mark.getValue());
      return hash;
    }

    long get(OriginId id) {
      long mark = marks.getOrDefault(id, 0L);
      return mark == 0 && forgot(id) ? Dot.SEQUENCE_MAX : mark;
    }

    void raise(OriginId id, long sequence) {
      if (sequence > get(id)) marks.put(id, sequence);
    }

    boolean ahead(SpecVector other) {
      return forgotten != null
          && (other.forgotten == null || forgotten.compareTo(other.forgotten) > 0);
    }

    /** The origins that have a mark here and are forgotten there. */
    List<OriginId> forgottenBy(SpecVector other) {
      return marks.keySet().stream()
          .filter(id -> !other.marks.containsKey(id) && other.forgot(id))
          .toList();
    }

    private long sumWith(SpecVector other) {
      return sum() + forgottenBy(other).stream().mapToLong(id -> term(id, marks.get(id))).sum();
    }

    boolean sameForgotten(SpecVector other) {
      return (forgotten == null && other.forgotten == null)
          || sumWith(other) == other.sumWith(this);
    }

    boolean yieldsTo(SpecVector other) {
      if (forgotten == null ? other.forgotten != null : !forgotten.equals(other.forgotten)) {
        return other.ahead(this);
      }
      List<OriginId> ours = forgottenBy(other);
      List<OriginId> theirs = other.forgottenBy(this);
      return !theirs.isEmpty()
          && (ours.isEmpty() || theirs.getFirst().compareTo(ours.getFirst()) < 0);
    }

    boolean covers(SpecVector other) {
      return other.marks.entrySet().stream().allMatch(m -> m.getValue() <= get(m.getKey()))
          && (sameForgotten(other) || !yieldsTo(other));
    }

    void raiseMarks(SpecVector other) {
      for (var mark : other.marks.entrySet()) raise(mark.getKey(), mark.getValue());
    }

    void forgetAs(SpecVector other) {
      marks.keySet().removeAll(forgottenBy(other));
      forgotten = other.forgotten;
    }

    void raiseAll(SpecVector other) {
      raiseMarks(other);
      if (other.ahead(this)) forgetAs(other);
    }

    void forget(OriginId until, List<OriginId> kept) {
      long sum = sum();
      List<OriginId> gone =
          marks.keySet().stream()
              .filter(id -> id.compareTo(until) <= 0 && !kept.contains(id))
              .toList();
      for (OriginId id : gone) sum += term(id, marks.remove(id));
      forgotten = new Forgotten(forgot(until) ? forgotten.until() : until, sum);
    }
  }

  private final Origins origins = new Origins();
  private final List<VersionVector> vectors = new ArrayList<>();
  private final List<SpecVector> specs = new ArrayList<>();
  private SplittableRandom random;
  private int[] slots;

  static LongStream seeds() {
    return LongStream.range(0, 120);
  }

  private void setUp(long seed) {
    random = new SplittableRandom(seed);
    int known = new int[] {3, 20, 200, 3_000}[(int) (seed % 4)];
    for (int i = 0; i < known; i++) origins.slot(id());
    int used = 1 + random.nextInt(Math.min(known, 60));
    slots = random.ints(0, known).distinct().limit(used).toArray();
    for (int i = 0; i < VECTORS; i++) {
      vectors.add(new VersionVector(origins));
      specs.add(new SpecVector());
    }
  }

  private OriginId id() {
    return new OriginId(random.nextLong(), random.nextLong());
  }

  private int slot() {
    return slots[random.nextInt(slots.length)];
  }

  private long sequence() {
    return random.nextInt(8) == 0 ? Dot.SEQUENCE_MAX - random.nextInt(2) : random.nextInt(5);
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void answersAsAMapDoes(long seed) {
    setUp(seed);
    for (int step = 0; step < STEPS; step++) {
      int one = random.nextInt(VECTORS);
      int other = random.nextInt(VECTORS);
      change(one, other);
      assertAlike(vectors.get(one), specs.get(one));
      assertAlikeTogether(one, other);
    }
  }

  private void change(int one, int other) {
    VersionVector vector = vectors.get(one);
    SpecVector spec = specs.get(one);
    switch (random.nextInt(random.nextInt(4) == 0 ? 9 : 4)) {
      case 0, 1, 2 -> {
        int slot = slot();
        long sequence = sequence();
        vector.raise(slot, sequence);
        spec.raise(origins.id(slot), sequence);
      }
      case 3 -> {
        vector.raiseMarks(vectors.get(other));
        spec.raiseMarks(specs.get(other));
      }
      case 4 -> {
        vector.raiseAll(vectors.get(other));
        spec.raiseAll(specs.get(other));
      }
      case 5 -> {
        vectors.set(one, vectors.get(other).copy());
        specs.set(one, specs.get(other).copy());
      }
      case 6 -> drop(vector, spec);
      case 7 -> {
        OriginId until = origins.id(slot());
        int kept = slot();
        vector.forget(until, slot -> slot == kept);
        spec.forget(until, List.of(origins.id(kept)));
      }
      default -> made(one);
    }
  }

  private void drop(VersionVector vector, SpecVector spec) {
    BitSet gone = new BitSet();
    for (int i = random.nextInt(8); i > 0; i--) gone.set(slot());
    if (random.nextBoolean()) vector.dropAll(gone);
    else gone.stream().forEach(vector::drop);
    gone.stream().forEach(slot -> spec.marks.remove(origins.id(slot)));
  }

  /** A vector of marks in any order, some slots more than once, as a frame may name them. */
  private void made(int one) {
    long[] dots = new long[random.nextInt(2 * slots.length)];
    SpecVector spec = new SpecVector();
    for (int i = 0; i < dots.length; i++) {
      int slot = slot();
      dots[i] = Dot.of(slot, sequence());
      spec.raise(origins.id(slot), Dot.sequence(dots[i]));
    }
    vectors.set(one, VersionVector.of(origins, dots));
    specs.set(one, spec);
  }

  private void assertAlike(VersionVector vector, SpecVector spec) {
    assertEquals(spec.marks, vector.toMap());
    assertEquals(spec.hash(), vector.hash());
    assertEquals(spec.forgotten, vector.forgotten());
    assertEquals(spec.marks.size(), vector.marks());
    for (int slot : slots) {
      OriginId id = origins.id(slot);
      assertEquals(spec.get(id), vector.get(slot));
      assertEquals(spec.marks.getOrDefault(id, 0L), vector.mark(slot));
      long sequence = 1 + random.nextInt(5);
      assertEquals(sequence <= spec.get(id), vector.covers(Dot.of(slot, sequence)));
    }
    BitSet marked = new BitSet();
    vector.markSlots(marked);
    assertEquals(spec.marks.size(), marked.cardinality());
    int expected = -1;
    for (int slot = vector.next(0); slot >= 0; slot = vector.next(slot + 1)) {
      expected = marked.nextSetBit(expected + 1);
      assertEquals(expected, slot);
    }
    assertEquals(-1, marked.nextSetBit(expected + 1));
    assertEquals(0, vector.get(origins.slots() + 7));
    assertTrue(vector.footprint() <= 256 + 64L * (vector.marks() + 8), vector::toString);
  }

  private void assertAlikeTogether(int one, int other) {
    VersionVector vector = vectors.get(one);
    VersionVector with = vectors.get(other);
    SpecVector spec = specs.get(one);
    SpecVector specWith = specs.get(other);
    assertEquals(spec.covers(specWith), vector.covers(with));
    assertEquals(spec.sameForgotten(specWith), vector.sameForgotten(with));
    assertEquals(spec.yieldsTo(specWith), vector.yieldsTo(with));
    assertEquals(spec.ahead(specWith), vector.isAheadOf(with));
    assertEquals(!spec.forgottenBy(specWith).isEmpty(), vector.marksAnyForgottenBy(with));
    boolean equal =
        spec.hash() == specWith.hash() && spec.covers(specWith) && specWith.covers(spec);
    assertEquals(equal, vector.equals(with));
    assertTrue(IntStream.of(slots).allMatch(slot -> vector.term(slot) == termOf(spec, slot)));
  }

  private long termOf(SpecVector spec, int slot) {
    Long mark = spec.marks.get(origins.id(slot));
    return mark == null ? 0 : SpecVector.term(origins.id(slot), mark);
  }
}
