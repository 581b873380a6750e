package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OriginIdTest {
  private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  @ParameterizedTest
  @CsvSource({
    "0, 0, 00000000000000000000000000",
    "0, 1, 00000000000000000000000001",
    "0, -1, 0000000000000FZZZZZZZZZZZZ",
    "1, 0, 0000000000000G000000000000",
    "-1, -1, 7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "-9223372036854775808, 0, 40000000000000000000000000",
  })
  void printsAsCrockfordBase32(long high, long low, String text) {
    assertEquals(text, new OriginId(high, low).toString());
  }

  @Test
  void timePartIsThatOfTheSpecificationsExample() {
    assertEquals("01ARYZ6S41", OriginId.of(1469918176385L, 0, 0).toString().substring(0, 10));
  }

  @Test
  void timeComesFirstThenEightyRandomBits() {
    OriginId id = OriginId.of(1, 0xfffff_abcdL, 2);
    assertEquals(0x1abcdL, id.high());
    assertEquals(2, id.low());
  }

  @Test
  void textIsTheNumberInBase32AndKeepsItsOrderProperty() {
    SplittableRandom random = new SplittableRandom(42);
    OriginId before = new OriginId(0, 0);
    for (int i = 0; i < 2_000; i++) {
      long high = random.nextInt(4) == 0 ? before.high() : random.nextLong();
      OriginId id = new OriginId(high, random.nextLong());
      assertEquals(number(id), parsed(id.toString()));
      int order = Integer.signum(id.compareTo(before));
      assertEquals(Integer.signum(number(id).compareTo(number(before))), order);
      assertEquals(Integer.signum(id.toString().compareTo(before.toString())), order);
      before = id;
    }
  }

  private static BigInteger number(OriginId id) {
    return new BigInteger("%016x%016x".formatted(id.high(), id.low()), 16);
  }

  private static BigInteger parsed(String text) {
    BigInteger number = BigInteger.ZERO;
    for (char c : text.toCharArray()) {
      number = number.shiftLeft(5).add(BigInteger.valueOf(ALPHABET.indexOf(c)));
    }
    return number;
  }

  @Test
  void slotsAreGivenOnceAndDotsAreOrderedByIdNotBySlot() {
    Origins origins = new Origins();
    int late = origins.slot(new OriginId(-1, 0)); // the greatest, read as unsigned
    int early = origins.slot(new OriginId(1, 0));
    assertEquals(late, origins.slot(new OriginId(-1, 0)));
    assertEquals(early, origins.find(new OriginId(1, 0)));
    assertEquals(-1, origins.find(new OriginId(3, 0)));
    assertEquals(2, origins.size());
    assertTrue(origins.compare(Dot.of(early, 9), Dot.of(late, 1)) < 0);
    assertTrue(origins.compare(Dot.of(early, 9), Dot.of(early, 8)) > 0);
    assertEquals(0, origins.compare(Dot.of(late, 9), Dot.of(late, 9)));
  }

  @Test
  void dotsHoldTheirPartsToTheEnd() {
    long dot = Dot.of(Origins.SLOTS_MAX - 1, Dot.SEQUENCE_MAX);
    assertEquals(Origins.SLOTS_MAX - 1, Dot.slot(dot));
    assertEquals(Dot.SEQUENCE_MAX, Dot.sequence(dot));
  }

  @Test
  void moreOriginsThanSlotsAreRefused() {
    Origins origins = new Origins();
    for (int i = 0; i < Origins.SLOTS_MAX; i++) origins.slot(new OriginId(i, i));
    assertThrows(IllegalStateException.class, () -> origins.slot(new OriginId(-1, -1)));
  }
}
