package org.natskvcache.wrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OpenCallsTest {
  private static final int PLACES = 4;

  private final OpenCalls calls = new OpenCalls(PLACES, 10);

  private static Call call() {
    return new Call(null, "subject", "reply", name -> null, false);
  }

  /** Hears a call; one that was heard already, or was never begun, changes nothing. */
  private boolean heard(long number) {
    boolean before = calls.allHeard();
    calls.heard(number);
    return before != calls.allHeard();
  }

  @Test
  void numberIsUsedAgainWhenItsCallerEnded() {
    long first = calls.begin(call(), 0);
    assertTrue(heard(first));
    assertNotEquals(first, calls.begin(call(), 0), "not before");
    calls.ended(first);
    assertEquals(first, calls.begin(call(), 1));
  }

  @Test
  void secondEndOfACallFreesNothing() {
    long number = calls.begin(call(), 0);
    calls.ended(number);
    calls.ended(number);
    assertEquals(number, calls.begin(call(), 1));
    assertNotEquals(number, calls.begin(call(), 1), "it is free only once");
  }

  /** Such a caller may answer both handshakes. */
  @Test
  void numberOfARepeatedHandshakeIsNotUsedAgain() {
    Call call = call();
    long number = calls.begin(call, 0);
    assertEquals(List.of(), calls.due(9));
    assertEquals(List.of(new OpenCalls.Due(number, call)), calls.due(10));
    assertTrue(heard(number));
    calls.ended(number);
    Set<Long> later = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      long next = calls.begin(call(), 20);
      later.add(next);
      calls.ended(next);
    }
    assertFalse(later.contains(number));
    assertFalse(heard(number), "it is nobody's");
  }

  @Test
  void handshakeIsRepeatedThreeTimesEachFourTimesLater() {
    long number = calls.begin(call(), 0);
    List<Long> at = new ArrayList<>();
    for (long now = 0; now < 2_000; now++) if (!calls.due(now).isEmpty()) at.add(now);
    assertEquals(List.of(10L, 50L, 210L), at);
    assertTrue(calls.allHeard(), "given up");
    assertFalse(heard(number));
  }

  @Test
  void placesOfCallersThatAreGoneAreUsedAgainButNotTheirNumbers() {
    Set<Long> gone = new HashSet<>();
    for (int i = 0; i < PLACES; i++) gone.add(calls.begin(call(), 0));
    long beyond = calls.begin(call(), 0);
    assertNotEquals(beyond, calls.begin(call(), 0));
    assertFalse(heard(beyond));
    calls.ended(beyond);
    calls.abandonOlder(100, 99);
    assertFalse(calls.allHeard());
    calls.abandonOlder(100, 100);
    assertTrue(calls.allHeard());
    Set<Long> later = new HashSet<>();
    for (int i = 0; i < PLACES; i++) later.add(calls.begin(call(), 100));
    assertEquals(PLACES, later.size());
    gone.forEach(number -> {
      assertFalse(later.contains(number));
      calls.ended(number);
    });
    assertFalse(calls.allHeard(), "the old ones' ends are nobody's");
  }

  @Test
  void numbersThatWereNotGivenAreNobodys() {
    for (long number : new long[] {-1, 0, 3, 4, 1_000, Long.MAX_VALUE}) {
      assertFalse(heard(number));
      calls.ended(number);
    }
    assertEquals(0, calls.begin(call(), 0));
  }
}
