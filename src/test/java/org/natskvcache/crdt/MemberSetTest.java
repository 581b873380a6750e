package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemberSetTest {
  private final Origins origins = new Origins();
  private final int a = origins.slot(new OriginId(1, 1));
  private final int b = origins.slot(new OriginId(2, 2));
  private final DigestSum digest = new DigestSum(origins, 3);
  private final MemberSet<String> set = new MemberSet<>(History.MEMBERS, 4);

  private VersionVector seen(long ofA, long ofB) {
    VersionVector vector = new VersionVector(origins);
    vector.raise(a, ofA);
    vector.raise(b, ofB);
    return vector;
  }

  private Map<String, long[]> dots() {
    Map<String, long[]> dots = new HashMap<>();
    set.forEach(dots::put);
    return dots;
  }

  private long wholeDigest() {
    DigestSum sum = new DigestSum(origins, 3);
    set.addTo(sum);
    assertEquals(sum.sum(), set.sum());
    return sum.sum();
  }

  @Test
  void addThatSawTheOldOneReplacesItsDot() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("x", Dot.of(b, 1), seen(1, 0), digest);
    assertArrayEquals(new long[] {Dot.of(b, 1)}, dots().get("x"));
    assertEquals(1, set.size());
    assertEquals(wholeDigest(), digest.sum());
  }

  @Test
  void concurrentAddsOfOneMemberAreOneMemberWithTwoDots() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("x", Dot.of(b, 1), seen(0, 0), digest);
    assertEquals(2, dots().get("x").length);
    assertEquals(1, set.size());
    assertEquals(wholeDigest(), digest.sum());
  }

  @Test
  void removeLeavesAnAddItsAuthorHadNotSeen() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("x", Dot.of(b, 1), seen(0, 0), digest);
    set.remove("x", seen(1, 0), digest);
    assertTrue(set.contains("x"));
    assertArrayEquals(new long[] {Dot.of(b, 1)}, dots().get("x"));
    set.remove("x", seen(1, 1), digest);
    assertFalse(set.contains("x"));
    assertTrue(set.isEmpty());
    assertEquals(0, digest.sum());
  }

  @Test
  void removingWhatIsNotThereChangesNothing() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    long before = digest.sum();
    set.remove("y", seen(9, 9), digest);
    set.remove("x", seen(0, 9), digest);
    assertTrue(set.contains("x"));
    assertEquals(before, digest.sum());
  }

  @Test
  void coverDropsWhatWasSeenOnly() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("y", Dot.of(a, 2), seen(1, 0), digest);
    set.add("x", Dot.of(b, 1), seen(0, 0), digest);
    set.cover(seen(1, 0), digest);
    assertArrayEquals(new long[] {Dot.of(b, 1)}, dots().get("x"));
    assertTrue(set.contains("y"));
    assertEquals(wholeDigest(), digest.sum());
    set.cover(seen(2, 1), digest);
    assertTrue(set.isEmpty());
    assertEquals(0, digest.sum());
  }

  @Test
  void joinDropsWhatTheOtherSideSawAndRemoved() {
    MemberSet<String> theirs = new MemberSet<>(History.MEMBERS, 4);
    set.add("removed there", Dot.of(a, 1), seen(0, 0), digest);
    set.add("unknown there", Dot.of(a, 2), seen(1, 0), digest);
    theirs.add("unknown here", Dot.of(b, 2), seen(0, 1), new DigestSum(origins, 3));
    theirs.add("removed here", Dot.of(b, 1), seen(0, 0), new DigestSum(origins, 3));
    set.join(theirs, new Join(seen(2, 1), seen(1, 2), Defect.NONE, said -> {}), digest);
    assertEquals(Set.of("unknown there", "unknown here"), dots().keySet());
    assertEquals(2, set.size());
    assertEquals(wholeDigest(), digest.sum());
  }

  /** Members share hashes. */
  private static final MemberSet.Members<String> FEW_HASHES =
      new MemberSet.Members<>() {
        @Override
        public long hash(String member) {
          return member.length() % 2;
        }

        @Override
        public long footprint(String member) {
          return Footprint.array(member.length());
        }
      };

  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void behavesLikeAMapOfDotsWhateverIsFrozenMeanwhileProperty(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    MemberSet<String> many = new MemberSet<>(FEW_HASHES, 4 + random.nextInt(20));
    DigestSum sum = new DigestSum(origins, 3);
    VersionVector applied = new VersionVector(origins);
    Map<String, Set<Long>> model = new TreeMap<>();
    Map<MemberSet<String>, Map<String, Set<Long>>> frozen = new LinkedHashMap<>();
    for (int step = 0; step < 3_000; step++) {
      VersionVector seen = applied.copy();
      if (random.nextInt(4) == 0) seen = seen(random.nextLong(applied.get(a) + 1), 0);
      VersionVector covers = seen;
      String member = "m".repeat(1 + random.nextInt(90));
      int dice = random.nextInt(100);
      if (dice < (step / 500 % 2 == 0 ? 80 : 20)) {
        int slot = random.nextBoolean() ? a : b;
        applied.raise(slot, applied.get(slot) + 1);
        long dot = Dot.of(slot, applied.get(slot));
        many.add(member, dot, seen, sum);
        Set<Long> dots = model.computeIfAbsent(member, m -> new TreeSet<>());
        dots.removeIf(covers::covers);
        dots.add(dot);
      } else if (dice < 98) {
        many.remove(member, seen, sum);
        model.getOrDefault(member, new TreeSet<>()).removeIf(covers::covers);
      } else if (dice < 99 && step % 50 == 0) {
        many.cover(seen, sum);
        model.values().forEach(dots -> dots.removeIf(covers::covers));
      } else {
        frozen.put(many.frozen(), content(many));
      }
      model.values().removeIf(Set::isEmpty);
      if (step % 20 == 0) {
        assertEquals(model, content(many));
        assertEquals(model.size(), many.size());
        assertEquals(many.sum(), sum.sum());
        DigestSum whole = new DigestSum(origins, 3);
        many.addTo(whole);
        assertEquals(whole.sum(), sum.sum());
        assertEquals(model.containsKey(member), many.contains(member));
        assertEquals(footprint(model), many.footprint());
      }
    }
    assertFalse(frozen.isEmpty());
    frozen.forEach((then, held) -> assertEquals(held, content(then)));
  }

  private static long footprint(Map<String, Set<Long>> content) {
    long bytes = Footprint.SET;
    for (Map.Entry<String, Set<Long>> each : content.entrySet()) {
      bytes +=
          each.getValue().size() * (Footprint.MEMBER + Footprint.array(each.getKey().length()));
    }
    return bytes;
  }

  private static Map<String, Set<Long>> content(MemberSet<String> set) {
    Map<String, Set<Long>> content = new TreeMap<>();
    set.forEach((member, dots) -> {
      Set<Long> all = new TreeSet<>();
      for (long dot : dots) all.add(dot);
      content.put(member, all);
    });
    return content;
  }
}
