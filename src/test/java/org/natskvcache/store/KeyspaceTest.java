package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.store.SingleAuthor.amount;
import static org.natskvcache.store.SingleAuthor.flag;
import static org.natskvcache.store.SingleAuthor.keys;
import static org.natskvcache.store.SingleAuthor.value;
import static org.natskvcache.store.SingleAuthor.values;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Hash64;

/** What every command answers, and that whoever is refused changes nothing. */
class KeyspaceTest {
  private static final Reply DONE = new Reply.Done();
  private static final Reply ABSENT = new Reply.Absent();

  private final SingleAuthor cache = new SingleAuthor();

  @AfterEach
  void digestIsThatOfTheContent() {
    cache.assertDigestIsThatOfTheContent();
  }

  /** The command is refused for this reason, has no operation, and leaves everything as it is. */
  private void assertRefused(Reply.Reason reason, Command command) {
    long digest = cache.keyspace.digest();
    long size = cache.keyspace.size();
    Decision decision = cache.decide(command);
    Reply.Rejected rejected = assertInstanceOf(Reply.Rejected.class, decision.reply());
    assertEquals(reason, rejected.reason());
    assertFalse(rejected.detail().isBlank());
    assertNull(decision.op());
    assertEquals(digest, cache.keyspace.digest());
    assertEquals(size, cache.keyspace.size());
  }

  private void assertAnswersWithoutChange(Reply reply, Command command) {
    Decision decision = cache.decide(command);
    assertEquals(reply, decision.reply());
    assertNull(decision.op());
  }

  private static Key key(String text) {
    return Key.of(text);
  }

  private static Bytes bytes(String text) {
    return Bytes.utf8(text);
  }

  /** A key of each type, named for it. */
  private void oneOfEach() {
    cache.set("string", "text");
    cache.increment("counter", 5);
    cache.push("list", "a");
    cache.add("set", "m");
  }

  @Nested
  class MissingKeys {
    @Test
    void readsAndRemovalsFindNothingAndPublishNothing() {
      Key k = key("missing");
      assertAnswersWithoutChange(ABSENT, new Command.Get(k));
      assertAnswersWithoutChange(flag(false), new Command.Contains(k));
      assertAnswersWithoutChange(flag(false), new Command.Delete(k));
      assertAnswersWithoutChange(flag(false), new Command.ListRemove(k, bytes("v")));
      assertAnswersWithoutChange(values(), new Command.ListRange(k, 0, -1));
      assertAnswersWithoutChange(flag(false), new Command.ListClear(k));
      assertAnswersWithoutChange(flag(false), new Command.SetClear(k));
      assertAnswersWithoutChange(amount(0), new Command.SetRemove(k, bytes("v")));
      assertAnswersWithoutChange(values(), new Command.SetMembers(k));
      assertAnswersWithoutChange(values(), new Command.SetUnion(List.of(k)));
      assertAnswersWithoutChange(values(), new Command.SetIntersection(List.of(k)));
      assertAnswersWithoutChange(
          new Reply.Page(List.of(), true, 0), new Command.Keys(Bytes.EMPTY, 0, 10));
    }

    @Test
    void writesCreate() {
      assertEquals(DONE, cache.set("s", "v"));
      assertEquals(amount(-3), cache.increment("c", -3));
      assertEquals(amount(1), cache.push("l", "v"));
      assertEquals(amount(1), cache.add("m", "v"));
      assertEquals(value("v"), cache.get("s"));
      assertEquals(value("-3"), cache.get("c"));
      assertEquals(4, cache.keyspace.size());
    }

    @Test
    void removingWhatIsNotInAnExistingListOrSetPublishesNothing() {
      oneOfEach();
      assertAnswersWithoutChange(flag(false), new Command.ListRemove(key("list"), bytes("x")));
      assertAnswersWithoutChange(amount(0), new Command.SetRemove(key("set"), bytes("x")));
    }
  }

  static List<Command> commandsForScalars(String on) {
    return List.of(new Command.Get(key(on)), new Command.Increment(key(on), 1));
  }

  static List<Command> commandsForLists(String on) {
    Key k = key(on);
    return List.of(
        new Command.ListAdd(k, bytes("v")), new Command.ListRemove(k, bytes("v")),
        new Command.ListRange(k, 0, -1), new Command.ListClear(k));
  }

  static List<Command> commandsForSets(String on) {
    Key k = key(on);
    return List.of(
        new Command.SetAdd(k, bytes("v")),
        new Command.SetRemove(k, bytes("v")),
        new Command.SetMembers(k),
        new Command.SetClear(k),
        new Command.SetUnion(List.of(k)),
        new Command.SetIntersection(List.of(k)),
        new Command.SetUnion(keys("missing", on)),
        new Command.SetIntersection(keys("missing", on)));
  }

  static List<Command> commandsOnOtherTypes() {
    List<Command> commands = new ArrayList<>();
    for (String other : List.of("list", "set")) commands.addAll(commandsForScalars(other));
    for (String other : List.of("string", "counter", "set")) {
      commands.addAll(commandsForLists(other));
    }
    for (String other : List.of("string", "counter", "list")) {
      commands.addAll(commandsForSets(other));
    }
    return commands;
  }

  @ParameterizedTest
  @MethodSource("commandsOnOtherTypes")
  void otherTypeIsRefused(Command command) {
    oneOfEach();
    assertRefused(Reply.Reason.WRONG_TYPE, command);
  }

  @ParameterizedTest
  @ValueSource(strings = {"string", "counter", "list", "set"})
  void anyTypeIsReplacedBySetAndTakenByDelete(String on) {
    oneOfEach();
    assertEquals(flag(true), cache.run(new Command.Contains(key(on))));
    assertEquals(DONE, cache.set(on, "new"));
    assertEquals(value("new"), cache.get(on));
    assertEquals(flag(true), cache.delete(on));
    assertEquals(ABSENT, cache.get(on));
    assertEquals(flag(false), cache.run(new Command.Contains(key(on))));
    assertEquals(3, cache.keyspace.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"string", "counter", "list", "set"})
  void deletedKeyTakesAnyTypeAndOldContentDoesNotComeBack(String on) {
    oneOfEach();
    cache.delete(on);
    assertEquals(amount(1), cache.push(on, "x"));
    assertEquals(values("x"), cache.range(on, 0, -1));
    cache.delete(on);
    assertEquals(amount(1), cache.add(on, "y"));
    cache.delete(on);
    assertEquals(amount(7), cache.increment(on, 7));
  }

  @Nested
  class Counters {
    @ParameterizedTest
    @CsvSource({
      "0, 5, 5",
      "-1, 1, 0",
      "12, -20, -8",
      "9223372036854775806, 1, 9223372036854775807",
      "-9223372036854775807, -1, -9223372036854775808",
      "9223372036854775807, -9223372036854775807, 0",
      "-9223372036854775808, 9223372036854775807, -1",
    })
    void numericStringIsAStart(String start, long by, long result) {
      cache.set("n", start);
      assertEquals(amount(result), cache.increment("n", by));
      assertEquals(value(Long.toString(result)), cache.get("n"));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "abc",
          "-0",
          "007",
          "+1",
          "1.5",
          " 1",
          "1 ",
          "9223372036854775808",
          "-9223372036854775809",
          "12345678901234567890",
          "100000000000000000000"
        })
    void otherStringsAreNoStart(String start) {
      cache.set("n", start);
      assertRefused(Reply.Reason.NOT_A_NUMBER, new Command.Increment(key("n"), 1));
      assertEquals(value(start), cache.get("n"));
    }

    @ParameterizedTest
    @CsvSource({
      "9223372036854775807, 1", "9223372036854775807, 9223372036854775807",
      "-9223372036854775808, -1", "-9223372036854775808, -9223372036854775808",
      "-1, -9223372036854775808", "1, 9223372036854775807",
    })
    void resultOutside64BitsIsRefused(String start, long by) {
      cache.set("string", start);
      assertRefused(Reply.Reason.OVERFLOW, new Command.Increment(key("string"), by));
      assertEquals(value(start), cache.get("string"));
      cache.increment("counter", Long.parseLong(start));
      assertRefused(Reply.Reason.OVERFLOW, new Command.Increment(key("counter"), by));
      assertEquals(value(start), cache.get("counter"));
    }

    @Test
    void ownRangeOfADoorIsKept() {
      Key k = key("n");
      int max = Integer.MAX_VALUE;
      int min = Integer.MIN_VALUE;
      assertEquals(amount(max), cache.run(new Command.Increment(k, max, min, max)));
      assertRefused(Reply.Reason.OVERFLOW, new Command.Increment(k, 1, min, max));
      assertEquals(amount(0), cache.run(new Command.Increment(k, -max, min, max)));
      assertEquals(amount(min), cache.run(new Command.Increment(k, min, min, max)));
      assertRefused(Reply.Reason.OVERFLOW, new Command.Increment(k, -1, min, max));
      // outside the range already: what leads back in is allowed, what stays outside is not
      assertEquals(amount(min - 10L), cache.increment("n", -10));
      assertRefused(Reply.Reason.OVERFLOW, new Command.Increment(k, 9, min, max));
      assertEquals(amount(min), cache.run(new Command.Increment(k, 10, min, max)));
    }

    @Test
    void incrementByNothingMakesTheKey() {
      assertEquals(amount(0), cache.increment("n", 0));
      assertEquals(flag(true), cache.run(new Command.Contains(key("n"))));
    }

    @Test
    void setForgetsEarlierIncrements() {
      cache.increment("n", 5);
      cache.set("n", "10");
      assertEquals(value("10"), cache.get("n"));
      assertEquals(amount(11), cache.increment("n", 1));
      cache.set("n", "x");
      assertEquals(value("x"), cache.get("n"));
    }
  }

  @Nested
  class Lists {
    private void letters() {
      for (String letter : List.of("a", "b", "c", "b", "d")) cache.push("l", letter);
    }

    @ParameterizedTest
    @CsvSource({
      "0, -1, abcbd",
      "0, 4, abcbd",
      "0, 0, a",
      "4, 4, d",
      "-1, -1, d",
      "1, 3, bcb",
      "-2, -1, bd",
      "-100, 1, ab",
      "3, 100, bd",
      "-100, 100, abcbd",
      "2, 1, ''",
      "5, 9, ''",
      "-1, 0, ''",
      "0, -6, ''",
      "9, -1, ''",
      "-100, -100, ''",
      "-9223372036854775808, 9223372036854775807, abcbd",
      "9223372036854775807, -9223372036854775808, ''",
      "-9223372036854775808, -9223372036854775808, ''",
      "9223372036854775807, 9223372036854775807, ''",
    })
    void rangeIsInclusiveAndClamped(long start, long stop, String expected) {
      letters();
      String[] each = expected.isEmpty() ? new String[0] : expected.split("");
      assertEquals(values(each), cache.range("l", start, stop));
    }

    @Test
    void removeTakesTheFirstEqualItemOnly() {
      letters();
      assertEquals(flag(true), cache.run(new Command.ListRemove(key("l"), bytes("b"))));
      assertEquals(values("a", "c", "b", "d"), cache.range("l", 0, -1));
    }

    @Test
    void lastItemGoneIsAMissingKey() {
      cache.push("l", "a");
      assertEquals(flag(true), cache.run(new Command.ListRemove(key("l"), bytes("a"))));
      assertEquals(flag(false), cache.run(new Command.Contains(key("l"))));
      assertEquals(0, cache.keyspace.size());
      assertEquals(amount(1), cache.add("l", "now a set"));
    }

    @Test
    void clearSaysWhetherItWasThere() {
      letters();
      assertEquals(flag(true), cache.run(new Command.ListClear(key("l"))));
      assertEquals(flag(false), cache.run(new Command.ListClear(key("l"))));
      assertEquals(amount(1), cache.push("l", "z"));
      assertEquals(values("z"), cache.range("l", 0, -1));
    }

    @Test
    void appendsStayInOrderWhenTheClockGoesBack() {
      cache.push("l", "a");
      cache.nowMillis -= 500_000;
      cache.push("l", "b");
      cache.nowMillis -= 400_000;
      cache.push("l", "c");
      assertEquals(values("a", "b", "c"), cache.range("l", 0, -1));
    }
  }

  @Nested
  class Sets {
    @Test
    void presentMemberAnswersZeroButIsPublished() {
      cache.add("s", "m");
      Decision again = cache.decide(new Command.SetAdd(key("s"), bytes("m")));
      assertEquals(amount(0), again.reply());
      assertNotNull(again.op());
    }

    @Test
    void membersComeInByteOrder() {
      for (String member : List.of("b", "a", "é", "", "B")) cache.add("s", member);
      assertEquals(values("", "B", "a", "b", "é"), cache.run(new Command.SetMembers(key("s"))));
    }

    @Test
    void lastMemberGoneIsAMissingKey() {
      cache.add("s", "m");
      assertEquals(amount(1), cache.run(new Command.SetRemove(key("s"), bytes("m"))));
      assertEquals(amount(0), cache.run(new Command.SetRemove(key("s"), bytes("m"))));
      assertEquals(0, cache.keyspace.size());
      assertEquals(amount(1), cache.push("s", "now a list"));
    }

    /** An answer made at once is made of few elements. */
    @Test
    void repeatedNamesCostNothing() {
      for (String member : List.of("a", "b", "c")) cache.add("x", member);
      List<Key> names = Collections.nCopies(1_000, key("x"));
      for (Command command :
          List.of(new Command.SetUnion(names), new Command.SetIntersection(names))) {
        var values = (Reply.Values) cache.run(command);
        assertEquals(0, values.elementsToCome());
        assertEquals(values("a", "b", "c"), values);
      }
    }

    @Test
    void unionAndIntersection() {
      for (String member : List.of("a", "b", "c")) cache.add("x", member);
      for (String member : List.of("b", "c", "d")) cache.add("y", member);
      assertEquals(
          values("a", "b", "c", "d"), cache.run(new Command.SetUnion(keys("x", "y", "none"))));
      assertEquals(values("b", "c"), cache.run(new Command.SetIntersection(keys("x", "y"))));
      assertEquals(values(), cache.run(new Command.SetIntersection(keys("x", "none", "y"))));
      assertEquals(values(), cache.run(new Command.SetIntersection(keys("none", "x"))));
      assertEquals(values("a", "b", "c"), cache.run(new Command.SetIntersection(keys("x", "x"))));
    }

    @Test
    void noSetsAtAllAreRefused() {
      assertRefused(Reply.Reason.BAD_ARGUMENT, new Command.SetUnion(List.of()));
      assertRefused(Reply.Reason.BAD_ARGUMENT, new Command.SetIntersection(List.of()));
    }
  }

  @Nested
  class Expiry {
    @Test
    void expiredKeyIsAbsentToEveryRead() {
      cache.set("k", "v", 100);
      cache.nowMillis += 99;
      assertEquals(value("v"), cache.get("k"));
      cache.nowMillis += 1;
      assertAnswersWithoutChange(ABSENT, new Command.Get(key("k")));
      assertAnswersWithoutChange(flag(false), new Command.Contains(key("k")));
      assertAnswersWithoutChange(flag(false), new Command.Delete(key("k")));
      assertAnswersWithoutChange(values(), new Command.ListRange(key("k"), 0, -1));
      assertAnswersWithoutChange(values(), new Command.SetMembers(key("k")));
      assertEquals(List.of(), cache.scan("", 10));
      assertEquals(1, cache.keyspace.size());
    }

    @Test
    void writeOnAnExpiredKeyStartsAfresh() {
      for (String k : List.of("set", "counter", "list", "members")) cache.set(k, "41", 100);
      cache.nowMillis += 100;
      Op.Increment increment =
          assertInstanceOf(
              Op.Increment.class, cache.decide(new Command.Increment(key("counter"), 1)).op());
      assertNotNull(increment.reset());
      assertTrue(increment.fresh());
      assertEquals(amount(1), cache.increment("counter", 1));
      assertEquals(amount(1), cache.push("list", "a"));
      assertEquals(amount(1), cache.add("members", "a"));
      cache.set("set", "new");
      assertEquals(value("1"), cache.get("counter"));
      assertEquals(values("a"), cache.range("list", 0, -1));
      assertEquals(values("a"), cache.run(new Command.SetMembers(key("members"))));
      cache.nowMillis += 1_000_000;
      assertEquals(value("new"), cache.get("set"));
      assertEquals(Entry.NEVER, cache.keyspace.nextExpiryMillis());
    }

    @Test
    void incrementsOfAnExpiredCounterAreForgotten() {
      cache.set("n", "10", 100);
      cache.increment("n", 5);
      cache.nowMillis += 100;
      assertEquals(ABSENT, cache.get("n"));
      assertEquals(amount(2), cache.increment("n", 2));
      assertEquals(amount(4), cache.increment("n", 2));
    }

    @Test
    void incrementKeepsTheTimeToLiveAndSetReplacesIt() {
      cache.set("n", "10", 100);
      cache.increment("n", 1);
      cache.nowMillis += 100;
      assertEquals(ABSENT, cache.get("n"));
      cache.set("m", "1", 100);
      cache.set("m", "2");
      cache.nowMillis += 100;
      assertEquals(value("2"), cache.get("m"));
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MAX_VALUE - 1, Long.MAX_VALUE - 1_000_000})
    void timeToLiveBeyondTheEndOfTimeIsNone(long ttlMillis) {
      cache.set("k", "v", ttlMillis);
      assertEquals(Entry.NEVER, cache.keyspace.nextExpiryMillis());
      cache.nowMillis = Long.MAX_VALUE - 1;
      assertEquals(
          value("v"),
          cache.keyspace.decide(new Command.Get(key("k")), cache.nowMillis, 1, cache.me).reply());
    }

    @Test
    void longestExpressibleTimeToLiveIsKept() {
      long ttlMillis = Long.MAX_VALUE - 1 - cache.nowMillis;
      cache.set("k", "v", ttlMillis);
      assertEquals(Long.MAX_VALUE - 1, cache.keyspace.find(key("k")).expireAtMillis());
      assertEquals(Entry.NEVER, cache.keyspace.nextExpiryMillis()); // beyond what the index knows
    }

    @Test
    void expiryInFourThousandYearsIsIndexed() {
      long at = (1L << 47) - 2;
      cache.set("k", "v", at - cache.nowMillis);
      assertEquals(at, cache.keyspace.nextExpiryMillis());
      cache.get("k"); // its use is kept in the same word
      assertEquals(at, cache.keyspace.nextExpiryMillis());
      cache.delete("k");
      assertEquals(Entry.NEVER, cache.keyspace.nextExpiryMillis());
    }

    @Test
    void negativeTimeToLiveIsRefused() {
      cache.set("k", "old");
      assertRefused(Reply.Reason.BAD_ARGUMENT, new Command.Set(key("k"), bytes("v"), -1));
    }

    @Test
    void expiredKeysAreListedSoonestFirstAndRemovedForGood() {
      cache.set("late", "v", 300);
      cache.set("soon", "v", 100);
      cache.set("never", "v");
      long until = cache.nowMillis + 300;
      assertEquals(cache.nowMillis + 100, cache.keyspace.nextExpiryMillis());
      List<Op.Delete> all = cache.keyspace.expired(until, 10, (bucket, at) -> true);
      assertEquals(List.of(key("soon"), key("late")), all.stream().map(Op.Delete::key).toList());
      assertTrue(all.getFirst().expired());
      assertEquals(1, cache.keyspace.expired(until, 1, (bucket, at) -> true).size());
      assertEquals(1, cache.keyspace.expired(until - 1, 9, (bucket, at) -> true).size());
      assertEquals(0, cache.keyspace.expired(until, 9, (bucket, at) -> false).size());
      all.forEach(cache::apply);
      assertEquals(1, cache.keyspace.size());
      assertEquals(Entry.NEVER, cache.keyspace.nextExpiryMillis());
    }
  }

  @Nested
  class Bounds {
    private final int entryMax = SingleAuthor.SMALL.entryBytesMax();
    private final String longKey = "k".repeat(SingleAuthor.SMALL.keyBytesMax());
    private final String tooLongKey = longKey + "k";

    @Test
    void keyAtTheLimitIsTakenAndOneOverIsNot() {
      assertEquals(DONE, cache.set(longKey, "v"));
      Key k = key(tooLongKey);
      assertRefused(Reply.Reason.TOO_LARGE, new Command.Set(k, bytes("v"), 0));
      assertRefused(Reply.Reason.TOO_LARGE, new Command.Increment(k, 1));
      assertRefused(Reply.Reason.TOO_LARGE, new Command.ListAdd(k, bytes("v")));
      assertRefused(Reply.Reason.TOO_LARGE, new Command.SetAdd(k, bytes("v")));
      assertEquals(ABSENT, cache.get(tooLongKey));
    }

    @Test
    void escapedFormOfAKeyIsWhatCounts() {
      String nul = "\0" + "k".repeat(SingleAuthor.SMALL.keyBytesMax() - 1);
      assertRefused(Reply.Reason.TOO_LARGE, new Command.Set(key(nul), bytes("v"), 0));
    }

    @Test
    void entryAtTheLimitIsTakenAndOneOverIsNot() {
      String value = "v".repeat(entryMax - 1);
      assertEquals(DONE, cache.set("k", value));
      assertEquals(amount(1), cache.push("l", value));
      assertEquals(amount(1), cache.add("s", value));
      Bytes over = bytes(value + "v");
      assertRefused(Reply.Reason.TOO_LARGE, new Command.Set(key("k"), over, 0));
      assertRefused(Reply.Reason.TOO_LARGE, new Command.ListAdd(key("l"), over));
      assertRefused(Reply.Reason.TOO_LARGE, new Command.SetAdd(key("s"), over));
      assertEquals(value(value), cache.get("k"));
    }

    @Test
    void refusalNamesTheLimitAndNoValue() {
      Bytes secret = bytes("hunter2".repeat(entryMax));
      Reply.Rejected refusal = (Reply.Rejected) cache.run(new Command.Set(key("k"), secret, 0));
      assertTrue(refusal.detail().contains("" + entryMax));
      assertFalse(refusal.detail().contains("hunter2"));
    }

    @Test
    void batchIsNotDecidedAsOne() {
      assertThrows(
          IllegalArgumentException.class, () -> cache.decide(new Command.Batch(List.of())));
    }
  }

  @Nested
  class Paging {
    @Test
    void everyKeyOnceInPagesOfAnySize() {
      Set<String> all = new HashSet<>();
      for (int i = 0; i < 300; i++) {
        cache.set("k" + i, "v");
        all.add("k" + i);
      }
      for (int limit : new int[] {1, 2, 7, 100, 1_000, Integer.MAX_VALUE}) {
        List<String> scanned = cache.scan("", limit);
        assertEquals(300, scanned.size());
        assertEquals(all, new HashSet<>(scanned));
      }
    }

    @Test
    void pageIsNoLongerThanAskedForNorThanItsBound() {
      for (int i = 0; i < 300; i++) cache.set("k" + i, "v");
      for (int limit : new int[] {1, 3, 100, 250}) {
        Reply.Page page = (Reply.Page) cache.run(new Command.Keys(Bytes.EMPTY, 0, limit));
        assertEquals(Math.min(limit, SingleAuthor.SMALL.pageKeysMax()), page.keys().size());
        assertFalse(page.last());
      }
    }

    @Test
    void prefixChoosesByBytes() {
      for (String k : List.of("user:1", "user:2", "use", "users", "\0user:3", "")) {
        cache.set(k, "v");
      }
      assertEquals(Set.of("user:1", "user:2"), new HashSet<>(cache.scan("user:", 1)));
      assertEquals(Set.of("\0user:3"), new HashSet<>(cache.scan("\0", 1)));
      assertEquals(6, cache.scan("", 2).size());
      assertEquals(List.of(), cache.scan("nothing", 5));
    }

    @Test
    void otherNamespacesAreNotListed() {
      Namespace bucket = Namespace.named(bytes("b"));
      Key other = bucket.key(bytes("in bucket"));
      cache.run(new Command.Set(other, bytes("v"), 0));
      cache.set("k", "v");
      assertEquals(List.of("k"), cache.scan("", 10));
      assertEquals(value("v"), cache.run(new Command.Get(other)));
      assertEquals(
          new Reply.Page(List.of(bytes("in bucket")), true, 0),
          cache.run(new Command.Keys(bucket, Bytes.EMPTY, 0, 10)));
      assertEquals(
          new Reply.Page(List.of(), true, 0),
          cache.run(new Command.Keys(Namespace.named(Bytes.EMPTY), Bytes.EMPTY, 0, 10)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void pageOfNothingIsRefused(int limit) {
      assertRefused(Reply.Reason.BAD_ARGUMENT, new Command.Keys(Bytes.EMPTY, 0, limit));
    }

    /** A key of 16 bytes whose hash is the same whatever its first word is. */
    private Key colliding(long firstWord) {
      long head = Hash64.chain(Hash64.mix(16 + 0x9e3779b97f4a7c15L), firstWord);
      ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
      return Key.of(new Bytes(bytes.putLong(firstWord).putLong(head ^ 42).array()));
    }

    @Test
    void keysOfOneHashShareAPage() {
      for (int i = 1; i <= 5; i++) cache.run(new Command.Set(colliding(i), bytes("v"), 0));
      cache.set("other", "v");
      assertEquals(KeyTable.hash(colliding(1)), KeyTable.hash(colliding(5)));
      int shown = 0;
      long cursor = 0;
      for (boolean last = false; !last; ) {
        Reply.Page page = (Reply.Page) cache.run(new Command.Keys(Bytes.EMPTY, cursor, 1));
        assertTrue(page.keys().size() == 1 || page.keys().size() == 5);
        shown += page.keys().size();
        cursor = page.next();
        last = page.last();
      }
      assertEquals(6, shown);
      cache.run(new Command.Delete(colliding(3)));
      assertEquals(ABSENT, cache.run(new Command.Get(colliding(3))));
      assertEquals(value("v"), cache.run(new Command.Get(colliding(4))));
    }

    @Test
    void cursorBeyondTheLastKeyEndsTheScan() {
      cache.set("k", "v");
      assertEquals(
          new Reply.Page(List.of(), true, 0), cache.run(new Command.Keys(Bytes.EMPTY, -1, 10)));
    }

    @ParameterizedTest(name = "seed={0}")
    @ValueSource(longs = {1, 2, 3})
    void orderIsTheSameWhateverCameFirst(long seed) {
      SingleAuthor other = new SingleAuthor();
      List<Integer> numbers = new ArrayList<>();
      for (int i = 0; i < 500; i++) numbers.add(i);
      for (int i : numbers) cache.set("k" + i, "v");
      Collections.shuffle(numbers, new Random(seed));
      for (int i = 0; i < 1_000; i++) other.set("gone" + i, "v");
      for (int i : numbers) other.set("k" + i, "v");
      for (int i = 0; i < 1_000; i++) other.delete("gone" + i);
      assertEquals(cache.scan("", 17), other.scan("", 17));
    }
  }

  @Test
  void damagedItemIsFoundOnceAndLeavesNothingBehind() {
    Key key = Key.of("l");
    cache.run(new Command.ListAdd(key, Bytes.utf8("v")));
    int bucket = cache.keyspace.bucket(key);
    assertTrue(cache.keyspace.verify(bucket));
    cache.keyspace.find(key).list().forEach((position, dot, value) -> value[0] ^= 1);
    assertFalse(cache.keyspace.verify(bucket));
    assertTrue(cache.keyspace.verify(bucket));
    cache.run(new Command.Delete(key));
    assertEquals(0, cache.keyspace.digest());
  }
}
