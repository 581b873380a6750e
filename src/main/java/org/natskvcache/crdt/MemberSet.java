package org.natskvcache.crdt;

/**
 * An add-wins set: each member with the dots of the adds that no remove or re-add has seen,
 * normally one.
 *
 * <p>Members are ordered by (hash, member), the same on every replica; a member with two dots has
 * two rows. Adding, removing and looking up take logarithmic time and move one chunk at most
 * ({@link SortedRows}). Mutable; owned by its entry.
 *
 * @param <M> the members' type, with value equality and a consistent order
 */
public final class MemberSet<M extends Comparable<M>> {
  /** What a set must know of its members. */
  public interface Members<M> {
    /** A hash that is equal on every replica. */
    long hash(M member);

    /** What the member's bytes take, see {@link Footprint#array}. */
    long footprint(M member);
  }

  /** Receives members with their dots. */
  public interface Visitor<M> {
    void member(M member, long[] dots);
  }

  /** Before the dot of any mutation. */
  private static final long FIRST_DOT = Long.MIN_VALUE;

  private final Members<M> members;
  private final int chunkMax;
  private SortedRows<M> rows;
  private int size;

  /** The digest of all members. */
  private long sum;

  /** What the members' bytes take, those of each row. */
  private long memberBytes;

  /**
   * @param chunkMax most members that move, or are copied, for one change, at least 2
   */
  public MemberSet(Members<M> members, int chunkMax) {
    this(members, chunkMax, empty(chunkMax));
  }

  private MemberSet(Members<M> members, int chunkMax, SortedRows<M> rows) {
    this.members = members;
    this.chunkMax = chunkMax;
    this.rows = rows;
  }

  private static <M extends Comparable<M>> SortedRows<M> empty(int chunkMax) {
    return new SortedRows<>(
        (dot, member, otherDot, other) -> {
          int order = member.compareTo(other);
          return order != 0 ? order : Long.compare(dot, otherDot);
        },
        chunkMax);
  }

  /** The set as it is now, whatever is changed here later. */
  public MemberSet<M> frozen() {
    MemberSet<M> frozen = new MemberSet<>(members, chunkMax, rows.frozen());
    frozen.size = size;
    frozen.sum = sum;
    frozen.memberBytes = memberBytes;
    return frozen;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /** What the set takes, see {@link Footprint}. */
  public long footprint() {
    return Footprint.SET + (long) Footprint.MEMBER * rows.size() + memberBytes;
  }

  /** How many members there are. */
  public int size() {
    return size;
  }

  public boolean contains(M member) {
    long hash = members.hash(member);
    return isOf(rows.find(hash, FIRST_DOT, member), hash, member);
  }

  private boolean isOf(long place, long hash, M member) {
    return rows.holds(place) && rows.key(place) == hash && rows.value(place).equals(member);
  }

  /** Visits all members. */
  public void forEach(Visitor<? super M> visitor) {
    Walk walk = walk();
    while (walk.next()) visitor.member(walk.member(), walk.dots());
  }

  /** Members one by one, for who writes them down with pauses. */
  public final class Walk {
    private long place = rows.first();
    private long from;
    private int count;

    /** Goes to the first member, then to the next; false after the last. */
    public boolean next() {
      if (!rows.holds(place)) return false;
      from = place;
      count = 0;
      do {
        place = rows.next(place);
        count++;
      } while (isOf(place, rows.key(from), member()));
      return true;
    }

    public M member() {
      return rows.value(from);
    }

    public long[] dots() {
      long[] dots = new long[count];
      long each = from;
      for (int i = 0; i < count; i++, each = rows.next(each)) dots[i] = rows.dot(each);
      return dots;
    }
  }

  /** A walk over a set that is not changed meanwhile. */
  public Walk walk() {
    return new Walk();
  }

  /** Adds a member: its dots that the author had seen are replaced by this one. */
  public void add(M member, long dot, VersionVector seen, DigestSum digest) {
    long hash = members.hash(member);
    long first = rows.find(hash, FIRST_DOT, member);
    boolean present = isOf(first, hash, member);
    if (!present) {
      rows.insert(first, hash, dot, member);
      size++;
    } else if (removeSeen(first, hash, member, seen, digest)) {
      rows.add(hash, dot, member);
    } else {
      rows.insert(first, hash, dot, member);
    }
    come(hash, dot, member, digest);
  }

  /** Removes the dots of a member that the author had seen. */
  public void remove(M member, VersionVector seen, DigestSum digest) {
    long hash = members.hash(member);
    long first = rows.find(hash, FIRST_DOT, member);
    if (!isOf(first, hash, member)) return;
    if (!removeSeen(first, hash, member, seen, digest)) size--;
  }

  /** Takes out the rows of a member that {@code seen} covers; false if none is left. */
  private boolean removeSeen(
      long first, long hash, M member, VersionVector seen, DigestSum digest) {
    boolean left = false;
    for (long place = first; isOf(place, hash, member); ) {
      if (seen.covers(rows.dot(place))) {
        gone(hash, rows.dot(place), member, digest);
        place = rows.remove(place);
      } else {
        left = true;
        place = rows.next(place);
      }
    }
    return left;
  }

  private void come(long hash, long dot, M member, DigestSum digest) {
    count(digest, digest.member(hash, dot), members.footprint(member));
  }

  private void gone(long hash, long dot, M member, DigestSum digest) {
    count(digest, -digest.member(hash, dot), -members.footprint(member));
  }

  private void count(DigestSum digest, long change, long bytes) {
    digest.add(change);
    sum += change;
    memberBytes += bytes;
  }

  /** Drops every dot that {@code seen} covers. */
  public void cover(VersionVector seen, DigestSum digest) {
    if (rows.coveredBy(seen)) {
      rows = empty(chunkMax);
      count(digest, -sum, -memberBytes);
    } else {
      rows.cover(seen, (hash, dot, member) -> gone(hash, dot, member, digest));
    }
    recount();
  }

  private void recount() {
    size = 0;
    for (Walk walk = walk(); walk.next(); ) size++;
  }

  /** Puts a member with a dot, as read from a snapshot; false if it is there already. */
  public boolean load(M member, long dot, DigestSum digest) {
    long hash = members.hash(member);
    boolean present = isOf(rows.find(hash, FIRST_DOT, member), hash, member);
    if (!rows.add(hash, dot, member)) return false;
    if (!present) size++;
    come(hash, dot, member, digest);
    return true;
  }

  /** Joins the state {@code theirs} into this one; that one stays as it is. */
  public void join(MemberSet<M> theirs, Join join, DigestSum digest) {
    if (rows.fewBeside(theirs.rows, join)) {
      SortedRows<M> mine = rows;
      rows = theirs.rows.frozen();
      size = theirs.size;
      count(digest, theirs.sum - sum, theirs.memberBytes - memberBytes);
      mine.forEach((hash, dot, member) -> {
        if (join.keepsMine(dot, false)) load(member, dot, digest);
      });
      return;
    }
    rows =
        rows.join(
            theirs.rows,
            join,
            (hash, dot, member) -> gone(hash, dot, member, digest),
            (hash, dot, member) -> come(hash, dot, member, digest));
    recount();
  }

  /** The digest of the whole set. */
  public long sum() {
    return sum;
  }

  /** Computes the digest anew, by an empty one, and keeps that. */
  public void resum(DigestSum empty) {
    addTo(empty);
    sum = empty.sum();
  }

  /** The digest of the whole set, computed anew. */
  public void addTo(DigestSum digest) {
    rows.forEach((hash, dot, member) -> digest.add(digest.member(hash, dot)));
  }
}
