package org.natskvcache.crdt;

/**
 * One life of one cache instance: a ULID (https://github.com/ulid/spec), new at every start and
 * never reused. Ordered by its 128 bits, so by birth time first.
 *
 * @param high 48 bits of birth time in milliseconds since 1970, then 16 random bits
 * @param low 64 random bits
 */
public record OriginId(long high, long low) implements Comparable<OriginId> {
  /** The latest birth that a name can tell, milliseconds since 1970. */
  public static final long BIRTH_MAX = (1L << 48) - 1;

  private static final char[] BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray();

  /** The id of an instance born at {@code wallMillis}, with 80 random bits from the two numbers. */
  public static OriginId of(long wallMillis, long random1, long random2) {
    return new OriginId(wallMillis << 16 | random1 & 0xffff, random2);
  }

  /** When the instance was born, by its clock, milliseconds since 1970. */
  public long birthMillis() {
    return high >>> 16;
  }

  @Override
  public int compareTo(OriginId other) {
    int order = Long.compareUnsigned(high, other.high);
    return order != 0 ? order : Long.compareUnsigned(low, other.low);
  }

  /** Written out, being the key of every look-up of an origin. */
  @Override
  public boolean equals(Object other) {
    return other instanceof OriginId id && high == id.high && low == id.low;
  }

  @Override
  public int hashCode() {
    return 31 * Long.hashCode(high) + Long.hashCode(low);
  }

  /** The 26 characters of Crockford's base 32; safe as a NATS subject token. */
  @Override
  public String toString() {
    char[] out = new char[26];
    for (int i = 0; i < 26; i++) {
      int shift = (25 - i) * 5;
      long bits =
          shift >= 64
              ? high >>> (shift - 64)
              : shift > 59 ? low >>> shift | high << (64 - shift) : low >>> shift;
      out[i] = BASE32[(int) bits & 31];
    }
    return new String(out);
  }
}
