package org.natskvcache.crdt;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An add-wins set: each member with the dots of the adds that no remove or re-add has seen,
 * normally one.
 *
 * <p>Mutable; owned by its entry. Adding, removing and looking up take constant time whatever the
 * size.
 *
 * @param <M> the members' type, with value equality
 */
public final class MemberSet<M> {
  /** What a set must know of its members. */
  public interface Members<M> {
    /** A hash that is equal on every replica. */
    long hash(M member);

    /** What the member's bytes take, see {@link Footprint#array}. */
    long footprint(M member);
  }

  private Map<M, long[]> dots = new LinkedHashMap<>();

  /** Most members since the table was made, which never shrinks by itself. */
  private int membersMax;

  private final Members<M> members;
  private long footprint = Footprint.SET;

  public MemberSet(Members<M> members) {
    this.members = members;
  }

  /** What the set takes, see {@link Footprint}. */
  public long footprint() {
    return footprint;
  }

  private long footprint(M member, long[] memberDots) {
    if (memberDots.length == 0) return 0;
    return Footprint.MEMBER + members.footprint(member) + (long) Footprint.DOT * memberDots.length;
  }

  /** Takes into account that a member's dots change. */
  private void account(M member, long[] before, long[] after) {
    footprint += footprint(member, after) - footprint(member, before);
    membersMax = Math.max(membersMax, dots.size());
  }

  /** Lets go of a table that has become far too large. */
  private void shrink() {
    if (dots.size() >= membersMax / 8) return;
    dots = new LinkedHashMap<>(dots);
    membersMax = dots.size();
  }

  public boolean isEmpty() {
    return dots.isEmpty();
  }

  public int size() {
    return dots.size();
  }

  public boolean contains(M member) {
    return dots.containsKey(member);
  }

  /**
   * The members and their dots, in an order that depends on this replica's past; not to be changed.
   */
  public Map<M, long[]> dots() {
    return dots;
  }

  /** Adds a member: its dots that the author had seen are replaced by this one. */
  public void add(M member, long dot, VersionVector seen, DigestSum digest) {
    long[] old = dots.get(member);
    long hash = members.hash(member);
    long[] kept = old == null ? NO_DOTS : uncovered(old, hash, seen, digest);
    long[] now = Arrays.copyOf(kept, kept.length + 1);
    now[kept.length] = dot;
    dots.put(member, now);
    account(member, old == null ? NO_DOTS : old, now);
    digest.add(digest.member(hash, dot));
  }

  /** Removes the dots of a member that the author had seen. */
  public void remove(M member, VersionVector seen, DigestSum digest) {
    long[] old = dots.get(member);
    if (old == null) return;
    long[] kept = uncovered(old, members.hash(member), seen, digest);
    account(member, old, kept);
    if (kept.length == 0) dots.remove(member);
    else dots.put(member, kept);
    shrink();
  }

  /** Drops every dot that {@code seen} covers. */
  public void cover(VersionVector seen, DigestSum digest) {
    for (Iterator<Map.Entry<M, long[]>> each = dots.entrySet().iterator(); each.hasNext(); ) {
      Map.Entry<M, long[]> member = each.next();
      long[] kept = uncovered(member.getValue(), members.hash(member.getKey()), seen, digest);
      account(member.getKey(), member.getValue(), kept);
      if (kept.length == 0) each.remove();
      else member.setValue(kept);
    }
    shrink();
  }

  private static final long[] NO_DOTS = {};

  private static long[] uncovered(long[] dots, long hash, VersionVector seen, DigestSum digest) {
    int kept = 0;
    for (long dot : dots) if (!seen.covers(dot)) kept++;
    if (kept == dots.length) return dots;
    long[] left = kept == 0 ? NO_DOTS : new long[kept];
    int i = 0;
    for (long dot : dots) {
      if (seen.covers(dot)) digest.subtract(digest.member(hash, dot));
      else left[i++] = dot;
    }
    return left;
  }

  /** Puts a member with its dots, as read from a snapshot. */
  public void load(M member, long[] memberDots) {
    long[] old = dots.put(member, memberDots);
    account(member, old == null ? NO_DOTS : old, memberDots);
  }

  /** Joins the state {@code theirs} into this one. */
  public void join(MemberSet<M> theirs, Join join) {
    for (Iterator<Map.Entry<M, long[]>> each = dots.entrySet().iterator(); each.hasNext(); ) {
      Map.Entry<M, long[]> mine = each.next();
      long[] other = theirs.dots.getOrDefault(mine.getKey(), NO_DOTS);
      long[] joined =
          Arrays.stream(mine.getValue()).filter(d -> join.keepsMine(d, holds(other, d))).toArray();
      account(mine.getKey(), mine.getValue(), joined);
      if (joined.length == 0) each.remove();
      else mine.setValue(joined);
    }
    theirs.dots.forEach((member, theirDots) -> {
      // a dot of ours that was just dropped is covered by their vector and not theirs, so it cannot
      // be among these
      long[] mine = dots.getOrDefault(member, NO_DOTS);
      long[] taken =
          Arrays.stream(theirDots).filter(d -> !holds(mine, d) && join.takesTheirs(d)).toArray();
      if (taken.length == 0) return;
      long[] joined = Arrays.copyOf(mine, mine.length + taken.length);
      System.arraycopy(taken, 0, joined, mine.length, taken.length);
      dots.put(member, joined);
      account(member, mine, joined);
    });
    shrink();
  }

  private static boolean holds(long[] dots, long dot) {
    for (long d : dots) if (d == dot) return true;
    return false;
  }

  /** The digest of the whole set. */
  public void addTo(DigestSum digest) {
    dots.forEach((member, memberDots) -> {
      long hash = members.hash(member);
      for (long dot : memberDots) digest.add(digest.member(hash, dot));
    });
  }
}
