package org.natskvcache.crdt;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.function.LongPredicate;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * One value written to a register, and the versions concurrent with it. A register normally holds a
 * single version; concurrent writes are all kept, and the greatest (hybrid clock, origin, sequence)
 * shows. Immutable.
 */
public final class Register {
  /** The write's dot. */
  public final long dot;

  /** The write's hybrid logical clock: 48 bits of milliseconds, 16 of counter. */
  public final long hlc;

  /** When the value expires, milliseconds of the author's wall clock since 1970; 0 is never. */
  public final long expireAtMillis;

  /** Never changed. */
  public final byte[] value;

  /** Another version, concurrent with this one; in no order. */
  public final @Nullable Register next;

  /** A version before the versions {@code next}. */
  public Register(long dot, long hlc, long expireAtMillis, byte[] value, @Nullable Register next) {
    this.dot = dot;
    this.hlc = hlc;
    this.expireAtMillis = expireAtMillis;
    this.value = value;
    this.next = next;
  }

  private Register before(@Nullable Register rest) {
    return rest == next ? this : new Register(dot, hlc, expireAtMillis, value, rest);
  }

  /** {@code versions} without those that {@code seen} covers. */
  public static @Nullable Register cover(
      @Nullable Register versions, VersionVector seen, DigestSum digest) {
    Deque<Register> kept = null; // one version is the rule, and then nothing is kept
    for (Register v = versions; v != null; v = v.next) {
      if (seen.covers(v.dot)) {
        digest.subtract(v.hash(digest));
      } else {
        if (kept == null) kept = new ArrayDeque<>();
        kept.push(v);
      }
    }
    Register rest = null;
    while (kept != null && !kept.isEmpty()) rest = kept.pop().before(rest);
    return rest;
  }

  /** The version that shows. */
  public static Register winner(Register versions, Origins origins) {
    Register best = versions;
    for (Register other = versions.next; other != null; other = other.next) {
      if (other.beats(best, origins)) best = other;
    }
    return best;
  }

  private boolean beats(Register other, Origins origins) {
    return hlc != other.hlc ? hlc > other.hlc : origins.compare(dot, other.dot) > 0;
  }

  /** Joins two states of one register, {@code mine} and {@code theirs}. */
  public static @Nullable Register join(
      @Nullable Register mine, @Nullable Register theirs, Join join) {
    Register joined = null;
    LongPredicate weHold = dots(mine);
    LongPredicate theyHold = dots(theirs);
    for (Register v = mine; v != null; v = v.next) {
      if (join.keepsMine(v.dot, theyHold.test(v.dot))) joined = v.before(joined);
    }
    for (Register v = theirs; v != null; v = v.next) {
      if (weHold.test(v.dot) || !join.takesTheirs(v.dot)) continue;
      boolean forgets = join.defect() == Defect.JOIN_FORGETS_EXPIRY;
      joined = forgets ? new Register(v.dot, v.hlc, 0, v.value, joined) : v.before(joined);
    }
    return joined;
  }

  /** Whether a dot is among those of {@code versions}; of many it is asked often. */
  private static LongPredicate dots(@Nullable Register versions) {
    if (versions == null) return dot -> false;
    if (versions.next == null) return dot -> dot == versions.dot;
    LongStream.Builder dots = LongStream.builder();
    for (Register v = versions; v != null; v = v.next) dots.add(v.dot);
    long[] sorted = dots.build().sorted().toArray();
    return dot -> Arrays.binarySearch(sorted, dot) >= 0;
  }

  /** Counts a new version in the digest and returns it. */
  public static Register counted(Register version, DigestSum digest) {
    digest.add(version.hash(digest));
    return version;
  }

  /** What these versions take, see {@link Footprint}. */
  public static long footprint(@Nullable Register versions) {
    long bytes = 0;
    for (Register r = versions; r != null; r = r.next) {
      bytes += footprint(r.value.length);
    }
    return bytes;
  }

  /** What one version takes whose value has so many bytes. */
  public static long footprint(int valueBytes) {
    return Footprint.REGISTER + Footprint.array(valueBytes);
  }

  /** This version's share of the digest. */
  public long hash(DigestSum digest) {
    return digest.register(dot, hlc, expireAtMillis, value, 0);
  }
}
