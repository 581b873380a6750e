package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChainTest {
  private final Origins origins = new Origins();
  private final int a = origins.slot(new OriginId(1, 1));
  private final int b = origins.slot(new OriginId(2, 2));
  private final DigestSum digest = new DigestSum(origins, 3);
  private final List<String> contradictions = new ArrayList<>();

  private Chain chain(long start, long... deltas) {
    Chain chain = new Chain(a, start);
    for (int i = 0; i < deltas.length; i++) chain.extend(start + i, deltas[i], digest);
    return chain;
  }

  private boolean reset(Chain chain, long last, long sum) {
    return chain.reset(last, sum, Dot.of(b, 9), Defect.NONE, digest);
  }

  private Join join(long mineSeen, long theirsSeen) {
    VersionVector mine = new VersionVector(origins);
    mine.raise(a, mineSeen);
    VersionVector theirs = new VersionVector(origins);
    theirs.raise(a, theirsSeen);
    return new Join(mine, theirs, Defect.NONE, contradictions::add);
  }

  @Test
  void sumsUpItsIncrements() {
    Chain chain = chain(3, 5, -2, 10);
    assertEquals(13, chain.contribution());
    assertEquals(5, chain.last);
    assertFalse(chain.dead());
    assertEquals(chain.hash(digest), digest.sum());
  }

  @Test
  void resetBeyondTheLastIncrementKillsUntilThereIsAnother() {
    Chain chain = chain(3, 5);
    assertTrue(reset(chain, 7, 99));
    assertTrue(chain.dead());
    assertEquals(0, chain.contribution());
    assertEquals(0, digest.sum());
    chain.extend(8, 2, digest);
    assertFalse(chain.dead());
    Chain other = chain(3, 5);
    other.extend(8, 2, digest);
    assertTrue(reset(other, 7, 99));
    assertEquals(chain.contribution(), other.contribution());
    assertEquals(chain.hash(digest), other.hash(digest));
  }

  @Test
  void greatestSumCountsOfResetsOfOneIncrement() {
    Chain chain = chain(3, 5, 4);
    assertTrue(reset(chain, 3, 5));
    assertTrue(reset(chain, 3, 6));
    assertFalse(reset(chain, 3, 5));
    assertFalse(reset(chain, 3, 6));
    assertEquals(3, chain.contribution());
    Chain other = chain(3, 5, 4);
    reset(other, 3, 5);
    for (Chain joined :
        new Chain[] {Chain.join(chain, other, join(4, 4)), Chain.join(other, chain, join(4, 4))}) {
      assertNotNull(joined);
      assertEquals(3, joined.contribution());
    }
  }

  @Test
  void resetTakesAwayExactlyWhatItSaw() {
    Chain chain = chain(3, 5, -2, 10);
    assertTrue(reset(chain, 4, 3));
    assertEquals(10, chain.contribution());
    assertEquals(chain.hash(digest), digest.sum());
    assertTrue(reset(chain, 5, 13));
    assertTrue(chain.dead());
    assertEquals(0, chain.contribution());
    assertEquals(0, digest.sum());
  }

  @Test
  void concurrentResetsOfTheSameIncrementsCountOnce() {
    Chain chain = chain(1, 4, 6);
    assertTrue(reset(chain, 1, 4));
    assertFalse(reset(chain, 1, 4));
    assertEquals(6, chain.contribution());
  }

  @Test
  void earlierResetChangesNothingAfterALaterOne() {
    Chain chain = chain(1, 4, 6, 1);
    assertTrue(reset(chain, 2, 10));
    assertFalse(reset(chain, 1, 4));
    assertEquals(1, chain.contribution());
    assertEquals(2, chain.base);
  }

  @Test
  void resetOfAnEarlierChainOfTheOwnerChangesNothing() {
    Chain chain = chain(7, 4);
    assertFalse(reset(chain, 6, 100));
    assertEquals(4, chain.contribution());
  }

  @Test
  void incrementAfterAResetRevivesTheChain() {
    Chain chain = chain(1, 4);
    reset(chain, 1, 4);
    assertEquals(0, digest.sum());
    chain.extend(2, 5, digest);
    assertFalse(chain.dead());
    assertEquals(5, chain.contribution());
    assertEquals(chain.hash(digest), digest.sum());
  }

  @Test
  void sumsWrapAroundAndStayExact() {
    Chain chain = chain(1, Long.MAX_VALUE, Long.MAX_VALUE, 5);
    reset(chain, 2, 2 * Long.MAX_VALUE);
    assertEquals(5, chain.contribution());
  }

  @Test
  void chainsOfSeveralOwnersAddUp() {
    Chain ofA = chain(1, 4);
    Chain ofB = new Chain(b, 1);
    ofB.extend(1, 30, digest);
    ofA.next = ofB;
    assertEquals(34, Chain.total(ofA));
    assertSame(ofB, Chain.find(ofA, b));
    assertNull(Chain.find(ofB, a));
    assertNull(Chain.find(null, a));
    assertTrue(Chain.anyLive(ofA));
    Chain left = Chain.without(ofA, ofA, digest);
    assertSame(ofB, left);
    assertEquals(30, Chain.total(left));
    assertEquals(ofB.hash(digest), digest.sum());
    assertNull(Chain.without(left, ofB, digest));
    assertEquals(0, digest.sum());
    assertFalse(Chain.anyLive(null));
  }

  @Test
  void joinTakesTheLongerSumAndTheLaterBase() {
    Chain mine = chain(1, 4, 6, 1);
    Chain theirs = chain(1, 4, 6);
    reset(theirs, 2, 10);
    for (boolean swapped : new boolean[] {false, true}) {
      Chain joined =
          swapped ? Chain.join(theirs, mine, join(2, 3)) : Chain.join(mine, theirs, join(3, 2));
      assertNotNull(joined);
      assertEquals(3, joined.last);
      assertEquals(11, joined.sum);
      assertEquals(2, joined.base);
      assertEquals(1, joined.contribution());
      assertEquals(Dot.of(b, 9), joined.resetDot);
    }
  }

  @Test
  void joinOfTwoChainsOfOneOwnerKeepsTheLaterOne() {
    Chain old = chain(1, 4);
    Chain fresh = chain(5, 7);
    assertSame(fresh, Chain.join(old, fresh, join(1, 5)));
    assertSame(fresh, Chain.join(fresh, old, join(5, 1)));
  }

  @Test
  void chainTheOtherSideSawAndHasNotIsGone() {
    assertNull(Chain.join(chain(1, 4), null, join(1, 1)));
    assertNull(Chain.join(null, chain(1, 4), join(8, 1)));
    assertTrue(contradictions.isEmpty());
  }

  @Test
  void chainTheOtherSideHasNotSeenStays() {
    Chain chain = chain(5, 4);
    assertSame(chain, Chain.join(chain, null, join(5, 4)));
    assertSame(chain, Chain.join(null, chain, join(4, 5)));
    assertTrue(contradictions.isEmpty());
  }

  @Test
  void chainHalfKnownToTheOtherSideIsAContradiction() {
    Chain.join(chain(5, 4, 4), null, join(6, 5));
    assertEquals(1, contradictions.size());
  }

  @Test
  void residualsDoNotCountInTheDigest() {
    Chain chain = chain(1, 4);
    reset(chain, 1, 4);
    assertEquals(0, chain.hash(digest));
  }

  /** More than the stack of a thread has room for, one below the other. */
  @Test
  void chainsOfManyOriginsAreCopiedAndTakenOut() {
    Chain chains = null;
    for (int slot = 0; slot < 200_000; slot++) {
      Chain chain = new Chain(slot, 1);
      chain.next = chains;
      chains = chain;
    }
    Chain copies = Chain.frozen(chains);
    Chain first = Chain.find(copies, 0);
    assertNotNull(first);
    assertNotSame(first, Chain.find(chains, 0));
    assertNull(Chain.find(Chain.without(copies, first, digest), 0));
    assertSame(Chain.find(chains, 199_998), Chain.finder(chains).apply(199_998));
  }
}
