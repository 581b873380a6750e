package org.natskvcache.sim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Origins;
import org.natskvcache.store.Bytes;

/**
 * What a key holds, the same whatever the order it was collected in. Dots are in the slots of the
 * observer, so that contents of different replicas can be compared.
 */
final class Content {
  /** Sorted as they are declared. */
  private enum Kind {
    REGISTER,
    MEMBER,
    ITEM,
    COUNTER
  }

  /**
   * One thing held.
   *
   * @param dot of a counter's part, the last of its owner
   * @param first the hybrid clock of a register, the position of an item, the sum of a counter's
   *     part
   * @param expireAt of a register, else 0
   */
  private record Part(Kind kind, long dot, long first, long expireAt, Bytes value)
      implements Comparable<Part> {
    private static final Comparator<Part> ORDER =
        Comparator.comparing(Part::kind)
            .thenComparingLong(Part::dot)
            .thenComparing(Part::value)
            .thenComparingLong(Part::first)
            .thenComparingLong(Part::expireAt);

    @Override
    public int compareTo(Part other) {
      return ORDER.compare(this, other);
    }
  }

  private final Origins origins;
  private final List<Part> parts = new ArrayList<>();
  private long untilMillis = Long.MIN_VALUE;

  Content(Origins origins) {
    this.origins = origins;
  }

  void register(long dot, long hlc, long expireAtMillis, Bytes value) {
    untilMillis = Math.max(untilMillis, expireAtMillis == 0 ? Long.MAX_VALUE : expireAtMillis);
    parts.add(new Part(Kind.REGISTER, dot, hlc, expireAtMillis, value));
  }

  void member(Bytes member, long dot) {
    parts.add(new Part(Kind.MEMBER, dot, 0, 0, member));
  }

  void item(long position, long dot, Bytes value) {
    parts.add(new Part(Kind.ITEM, dot, position, 0, value));
  }

  /** Adds to what the owner of the dot contributes. */
  void increment(long dot, long delta) {
    for (int i = 0; i < parts.size(); i++) {
      Part part = parts.get(i);
      if (part.kind != Kind.COUNTER || Dot.slot(part.dot) != Dot.slot(dot)) continue;
      long last = Math.max(part.dot, dot);
      parts.set(i, new Part(Kind.COUNTER, last, part.first + delta, 0, Bytes.EMPTY));
      return;
    }
    parts.add(new Part(Kind.COUNTER, dot, delta, 0, Bytes.EMPTY));
  }

  /**
   * Whether anything of it shows where the clock says {@code wallMillis}: a key expires as a whole,
   * with the last of its values, one without expiry being never.
   */
  boolean shows(long wallMillis) {
    return !parts.isEmpty() && (untilMillis == Long.MIN_VALUE || untilMillis > wallMillis);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Content content && sorted().equals(content.sorted());
  }

  @Override
  public int hashCode() {
    return sorted().hashCode();
  }

  private List<Part> sorted() {
    Collections.sort(parts);
    return parts;
  }

  @Override
  public String toString() {
    StringBuilder out = new StringBuilder();
    for (Part part : sorted()) {
      out.append(part.kind)
          .append(' ')
          .append(origins.id(Dot.slot(part.dot)))
          .append(':')
          .append(Dot.sequence(part.dot))
          .append(' ')
          .append(part.first)
          .append('/')
          .append(part.expireAt)
          .append('=')
          .append(part.value.utf8())
          .append(';');
    }
    return out.toString();
  }
}
