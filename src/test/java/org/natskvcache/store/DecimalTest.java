package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecimalTest {
  private static final BigInteger TWO_TO_64 = BigInteger.ONE.shiftLeft(64);

  private static Long parse(String text) {
    return Decimal.parse(text.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        0,
        1,
        -1,
        9,
        10,
        -10,
        1L << 31,
        -(1L << 31),
        999_999_999_999_999_999L,
        1_000_000_000_000_000_000L,
        Long.MAX_VALUE,
        Long.MAX_VALUE - 1,
        Long.MIN_VALUE,
        Long.MIN_VALUE + 1
      })
  void numbersReadBackAsWritten(long number) {
    assertEquals(number, parse(Long.toString(number)));
    assertEquals(number, Decimal.parse(Decimal.format(number).array()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "-0",
        "+1",
        "+0",
        "00",
        "007",
        "-01",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x10",
        "1_000",
        "--1",
        "1-",
        "٣",
        "１",
        "9223372036854775808",
        "-9223372036854775809",
        "9999999999999999999",
        "10000000000000000000",
        "-10000000000000000000",
        "18446744073709551616",
        "99999999999999999999",
        "100000000000000000000",
        "\0001"
      })
  void otherTextIsNoNumber(String text) {
    assertNull(parse(text));
  }

  @Test
  void everyLengthIsReadExactlyProperty() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 5_000; i++) {
      BigInteger number = BigInteger.valueOf(random.nextLong() >> random.nextInt(64));
      if (random.nextInt(3) == 0) number = number.multiply(BigInteger.TEN);
      if (random.nextInt(8) == 0) number = number.add(TWO_TO_64);
      Long expected = number.bitLength() < 64 ? (Long) number.longValueExact() : null;
      assertEquals(expected, parse(number.toString()), number.toString());
    }
  }
}
