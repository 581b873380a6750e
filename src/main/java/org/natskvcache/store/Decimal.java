package org.natskvcache.store;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Which strings are numbers: exactly {@code 0} and {@code -?[1-9][0-9]*} within signed 64 bits.
 * Part of the replication protocol, because it decides whether increments of a key show.
 */
final class Decimal {
  private Decimal() {}

  static @Nullable Long parse(byte[] text) {
    int length = text.length;
    if (length == 0 || length > 20) return null;
    if (length == 1 && text[0] == '0') return 0L;
    boolean negative = text[0] == '-';
    int i = negative ? 1 : 0;
    if (i == length || text[i] < '1' || text[i] > '9') return null;
    long value = 0; // kept negative, because the negative range is the larger
    for (; i < length; i++) {
      int digit = text[i] - '0';
      if (digit < 0 || digit > 9) return null;
      if (value < (Long.MIN_VALUE + digit) / 10) return null;
      value = value * 10 - digit;
    }
    if (negative) return value;
    return value == Long.MIN_VALUE ? null : -value;
  }

  static Bytes format(long value) {
    return new Bytes(Long.toString(value).getBytes(StandardCharsets.US_ASCII));
  }
}
