package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MemberSetTest {
  private final Origins origins = new Origins();
  private final int a = origins.slot(new OriginId(1, 1));
  private final int b = origins.slot(new OriginId(2, 2));
  private final DigestSum digest = new DigestSum(origins, 3);
  private final MemberSet<String> set = new MemberSet<>(History.MEMBERS);

  private VersionVector seen(long ofA, long ofB) {
    VersionVector vector = new VersionVector(origins);
    vector.raise(a, ofA);
    vector.raise(b, ofB);
    return vector;
  }

  private long wholeDigest() {
    DigestSum sum = new DigestSum(origins, 3);
    set.addTo(sum);
    return sum.sum();
  }

  @Test
  void addThatSawTheOldOneReplacesItsDot() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("x", Dot.of(b, 1), seen(1, 0), digest);
    assertArrayEquals(new long[] {Dot.of(b, 1)}, set.dots().get("x"));
    assertEquals(1, set.size());
    assertEquals(wholeDigest(), digest.sum());
  }

  @Test
  void concurrentAddsOfOneMemberAreOneMemberWithTwoDots() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("x", Dot.of(b, 1), seen(0, 0), digest);
    assertEquals(2, set.dots().get("x").length);
    assertEquals(1, set.size());
    assertEquals(wholeDigest(), digest.sum());
  }

  @Test
  void removeLeavesAnAddItsAuthorHadNotSeen() {
    set.add("x", Dot.of(a, 1), seen(0, 0), digest);
    set.add("x", Dot.of(b, 1), seen(0, 0), digest);
    set.remove("x", seen(1, 0), digest);
    assertTrue(set.contains("x"));
    assertArrayEquals(new long[] {Dot.of(b, 1)}, set.dots().get("x"));
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
    assertArrayEquals(new long[] {Dot.of(b, 1)}, set.dots().get("x"));
    assertTrue(set.contains("y"));
    assertEquals(wholeDigest(), digest.sum());
    set.cover(seen(2, 1), digest);
    assertTrue(set.isEmpty());
    assertEquals(0, digest.sum());
  }

  @Test
  void joinDropsWhatTheOtherSideSawAndRemoved() {
    MemberSet<String> theirs = new MemberSet<>(History.MEMBERS);
    set.add("removed there", Dot.of(a, 1), seen(0, 0), digest);
    set.add("unknown there", Dot.of(a, 2), seen(1, 0), digest);
    theirs.add("unknown here", Dot.of(b, 2), seen(0, 1), new DigestSum(origins, 3));
    theirs.add("removed here", Dot.of(b, 1), seen(0, 0), new DigestSum(origins, 3));
    set.join(theirs, new Join(seen(2, 1), seen(1, 2), Defect.NONE, said -> {}));
    assertEquals(java.util.Set.of("unknown there", "unknown here"), set.dots().keySet());
  }
}
