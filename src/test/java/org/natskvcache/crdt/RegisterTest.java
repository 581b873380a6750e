package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Set;
import org.junit.jupiter.api.Test;

class RegisterTest {
  private final Origins origins = new Origins();
  // the first slot has the later id, so that order by slot would be wrong
  private final int late = origins.slot(new OriginId(2, 0));
  private final int early = origins.slot(new OriginId(1, 0));
  private final DigestSum digest = new DigestSum(origins, 3);

  private Register version(int slot, long sequence, long hlc, String value, Register next) {
    Register made = new Register(Dot.of(slot, sequence), hlc, 0, History.bytes(value), next);
    return Register.counted(made, digest);
  }

  private String shown(Register versions) {
    return History.text(Register.winner(versions, origins).value);
  }

  private VersionVector seen(int slot, long sequence) {
    VersionVector vector = new VersionVector(origins);
    vector.raise(slot, sequence);
    return vector;
  }

  @Test
  void laterClockShows() {
    assertEquals("b", shown(version(early, 1, 20, "b", version(late, 1, 10, "a", null))));
    assertEquals("b", shown(version(late, 1, 10, "a", version(early, 1, 20, "b", null))));
  }

  @Test
  void equalClocksAreBrokenByOriginNotBySlotOrArrival() {
    assertEquals("l", shown(version(early, 9, 10, "e", version(late, 1, 10, "l", null))));
    assertEquals("l", shown(version(late, 1, 10, "l", version(early, 9, 10, "e", null))));
  }

  @Test
  void equalClocksOfOneOriginAreBrokenBySequence() {
    assertEquals("2", shown(version(early, 1, 10, "1", version(early, 2, 10, "2", null))));
  }

  @Test
  void coverDropsWhatWasSeenWhereverItIs() {
    Register three =
        version(early, 2, 3, "c", version(late, 1, 2, "b", version(early, 1, 1, "a", null)));
    Register left = Register.cover(three, seen(late, 1), digest);
    assertNotNull(left);
    assertNotNull(left.next);
    assertNull(left.next.next);
    assertEquals(Set.of("a", "c"), Set.of(History.text(left.value), History.text(left.next.value)));
    assertNull(Register.cover(left, seen(early, 2), digest));
    assertEquals(0, digest.sum());
  }

  @Test
  void overwrittenWinnerUncoversTheConcurrentOne() {
    Register both = version(early, 1, 20, "winner", version(late, 1, 10, "loser", null));
    Register left = Register.cover(both, seen(early, 1), digest);
    assertNotNull(left);
    assertEquals("loser", shown(left));
  }

  @Test
  void coverOfNothingIsNothing() {
    assertNull(Register.cover(null, seen(early, 1), digest));
  }

  @Test
  void everyPartOfAVersionCountsInTheDigest() {
    byte[] value = History.bytes("v");
    long plain = new Register(Dot.of(early, 1), 5, 0, value, null).hash(digest);
    assertNotEquals(plain, new Register(Dot.of(late, 1), 5, 0, value, null).hash(digest));
    assertNotEquals(plain, new Register(Dot.of(early, 2), 5, 0, value, null).hash(digest));
    assertNotEquals(plain, new Register(Dot.of(early, 1), 6, 0, value, null).hash(digest));
    assertNotEquals(plain, new Register(Dot.of(early, 1), 5, 1, value, null).hash(digest));
    byte[] other = History.bytes("w");
    assertNotEquals(plain, new Register(Dot.of(early, 1), 5, 0, other, null).hash(digest));
    DigestSum otherKey = new DigestSum(origins, 4);
    assertNotEquals(plain, new Register(Dot.of(early, 1), 5, 0, value, null).hash(otherKey));
  }

  /** More than the stack of a thread has room for, one below the other. */
  @Test
  void manyVersionsAreCoveredAndJoined() {
    Register versions = null;
    for (int i = 1; i <= 200_000; i++) versions = version(early, i, i, "v", versions);
    Register one = version(late, 1, 1, "one", versions);
    Register left = Register.cover(one, seen(late, 1), digest);
    assertEquals(200_000, Dot.sequence(Register.winner(left, origins).dot));
    Join join = new Join(seen(early, 200_000), seen(late, 1), Defect.NONE, said -> {});
    Register joined = Register.join(versions, one, join);
    assertEquals(Register.footprint(one), Register.footprint(joined));
    assertNull(Register.cover(versions, seen(early, 200_000), digest));
    assertEquals(0, digest.sum());
  }
}
