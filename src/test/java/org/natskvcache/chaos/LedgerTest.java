package org.natskvcache.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The accounts notice what they are there for. */
class LedgerTest {
  private final Ledger ledger = new Ledger("w");

  private void increment(long delta, boolean answered) {
    ledger.added(new Ledger.Addition("c", "", delta, answered));
  }

  private void item() {
    ledger.added(new Ledger.Addition("l", ledger.nextItem(), 0, true));
  }

  private List<String> complaints(int shown, Consumer<Account> check) {
    var account = new Account();
    account.add(ledger, shown);
    check.accept(account);
    return account.complaints();
  }

  private boolean counterMayBe(int shown, long value) {
    return complaints(shown, account -> account.checkCounter("c", value)).isEmpty();
  }

  @Test
  void anInstanceThatLastsKeepsEveryAnsweredIncrement() {
    increment(5, true);
    increment(10, false);
    increment(-3, false);
    ledger.beat(true);
    increment(100, true);
    assertFalse(counterMayBe(1, 101));
    assertTrue(counterMayBe(1, 102));
    assertTrue(counterMayBe(1, 115));
    assertFalse(counterMayBe(1, 116));
    assertFalse(counterMayBe(0, 105), "its last beat must show");
  }

  @Test
  void anInstanceThatEndedKeepsWhatCameBeforeTheBeatShownAndNothingAfterTheNext() {
    increment(1, true);
    ledger.beat(true);
    increment(10, true);
    ledger.beat(true);
    increment(100, true);
    ledger.end();
    for (int value : List.of(1, 11)) {
      assertTrue(counterMayBe(1, value));
    }
    for (int value : List.of(0, 12, 101, 111)) {
      assertFalse(counterMayBe(1, value));
    }
    assertTrue(counterMayBe(2, 111));
    assertFalse(counterMayBe(2, 1));
    assertTrue(counterMayBe(0, 0));
    ledger.saw(2);
    assertFalse(counterMayBe(1, 11), "an instance that lasts had shown more");
  }

  @Test
  void nothingFollowsFromABeatThatWasNotAnswered() {
    ledger.beat(false);
    increment(1, true);
    ledger.end();
    assertTrue(counterMayBe(0, 1));
    assertTrue(counterMayBe(0, 0));
  }

  @Test
  void listsAreWholeInOrderAndNothingElse() {
    item();
    item();
    assertEquals(List.of(), complaints(0, a -> a.checkList("l", List.of("w:0", "w:1"))));
    for (List<String> wrong :
        List.of(
            List.of("w:0"),
            List.of("w:1", "w:0"),
            List.of("w:0", "w:1", "w:1"),
            List.of("w:0", "w:1", "w:2"))) {
      assertFalse(complaints(0, account -> account.checkList("l", wrong)).isEmpty());
    }
    assertFalse(complaints(0, account -> account.checkSet("l", List.of("w:1"))).isEmpty());
  }
}
