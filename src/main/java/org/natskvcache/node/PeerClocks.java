package org.natskvcache.node;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Mutation;

/**
 * What the others' clocks say, and which claims are refused because of the time.
 *
 * <p>A claim is what a frame says that no sequence number protects: when its sender lives, that it
 * leaves, how far it has forgotten. A live instance refuses a claim that lies beyond its own wall
 * time by more than {@link ClockLimits#maxMillis}. A joining instance cannot judge others by its
 * own clock, which may be the wrong one: it goes by those of most senders that it hears. Mutations
 * are never refused, because instances would decide differently; see {@link #clockMax}. Owned by
 * the node.
 */
final class PeerClocks {
  /** What the node does for the clocks. */
  interface Host {
    boolean joining();

    /** A clock differs by so much; positive when ours is ahead. */
    void warn(OriginId sender, long aheadMillis);

    /** Asks a sender for its wall time; the answer comes to {@link #answered}. */
    void askForTime(OriginId sender, long question);
  }

  /** Questions for the time have higher numbers than those of an {@link Inquiry}. */
  static final long QUESTIONS = 1L << 62;

  /** A sender is asked for its wall time at most this often. */
  private static final long QUESTION_MILLIS = 1_000;

  /** Senders remembered; of more, those heard longest ago go. */
  private static final int SENDERS_MAX = 1_024;

  private static final long NEVER = Long.MIN_VALUE / 2;

  /** One that told a wall time lately, whether it counts as a peer or not. */
  private static final class Sender {
    final Skew skew = new Skew();
    long heardTick;
    long refusedTick = NEVER;

    /** The latest wall time it told, milliseconds since 1970. */
    long latestWallMillis;
  }

  private final ClockLimits limits;
  private final long silenceMillis;
  private final Host host;
  private final Map<OriginId, Sender> senders = new LinkedHashMap<>(16, 0.75f, true);
  private Time now;
  private long question;

  private final long firstQuestion;
  private long refused;
  private long refusedTick = NEVER;
  private long refusedLiveTick = NEVER;

  /**
   * @param question where to begin to count the questions, from {@link #QUESTIONS} on
   */
  PeerClocks(NodeSettings settings, Host host, long question, Time now) {
    limits = settings.clocks();
    silenceMillis = settings.silenceMillis();
    this.host = host;
    this.question = question;
    firstQuestion = question;
    this.now = now;
  }

  /** The moment of the step that begins. */
  void at(Time moment) {
    now = moment;
  }

  // ---------------------------------------------------------------- the time

  /** The wall time that others are judged by and that our mutations carry. */
  long wallMillis() {
    return host.joining() ? now.wallMillis() - errorMillis() : now.wallMillis();
  }

  private long latestMillis() {
    return Math.min(Math.max(wallMillis(), 0), OriginId.BIRTH_MAX) + limits.maxMillis();
  }

  /** The hybrid clock beyond which no mutation lifts ours. */
  long clockMax() {
    return Math.min(latestMillis(), Mutation.TIME_MAX >>> 16) << 16;
  }

  /**
   * How far our clock is ahead of those of most senders if that is more than the limit,
   * milliseconds; else 0. One sender among several that is alone with its time does not count.
   */
  long errorMillis() {
    long least = Long.MAX_VALUE;
    int apart = 0;
    for (Sender sender : senders.values()) {
      long ahead = sender.skew.millis(now);
      if (Math.abs(ahead) <= limits.maxMillis()) continue;
      apart++;
      if (least == Long.MAX_VALUE || Math.abs(ahead) < Math.abs(least)) least = ahead;
    }
    return 2 * apart > senders.size() ? least : 0;
  }

  boolean noneHeard() {
    return senders.isEmpty();
  }

  /** Why a joining instance does not go live; null when no clock keeps it from that. */
  @Nullable String hindrance() {
    long error = errorMillis();
    if (error != 0) {
      String way = error > 0 ? " s ahead of" : " s behind";
      return "the clock is " + Math.abs(error) / 1_000 + way + " those of most peers";
    }
    return refusesLive() ? "a live peer says what lies in the future" : null;
  }

  // ---------------------------------------------------------------- who was heard

  private Sender heard(OriginId from, long sentWallMillis) {
    Sender sender = senders.computeIfAbsent(from, id -> new Sender());
    if (senders.size() > SENDERS_MAX) senders.remove(senders.keySet().iterator().next());
    sender.heardTick = now.tickMillis();
    sender.latestWallMillis = Math.max(sender.latestWallMillis, sentWallMillis);
    sender.skew.heard(now.tickMillis(), sentWallMillis);
    warn(from, sender);
    return sender;
  }

  /** Warns of what no delay explains; where a delay may, an answer of the sender will tell. */
  private void warn(OriginId from, Sender sender) {
    Skew skew = sender.skew;
    long warn = limits.warnMillis();
    long most = skew.millis(now);
    long sure = skew.sureMillis(now);
    if (Math.abs(sure) > warn && !skew.warned) {
      skew.warned = true;
      host.warn(from, sure);
    } else if (Math.abs(most) <= warn / 2) {
      skew.warned = false;
    }
    boolean doubtful = most > Math.min(warn, limits.maxMillis()) && !skew.warned;
    if (!doubtful || now.tickMillis() - skew.askedTick() < QUESTION_MILLIS) return;
    skew.asked(++question, now.tickMillis());
    host.askForTime(from, question);
  }

  void answered(Frame.DigestResponse answer) {
    Sender sender = senders.get(answer.from());
    if (sender == null || answer.question() <= QUESTIONS || !plausible(answer.wallMillis())) return;
    sender.skew.answered(answer.question(), now.tickMillis(), answer.wallMillis());
    warn(answer.from(), sender);
  }

  /** Whether a sender told a later wall time than this one. */
  boolean heardAfter(OriginId from, long sentWallMillis) {
    Sender sender = senders.get(from);
    return sender != null && sender.latestWallMillis > sentWallMillis;
  }

  /** Whether something of a sender was refused lately. */
  boolean refuses(OriginId from) {
    Sender sender = senders.get(from);
    return sender != null && lately(sender.refusedTick);
  }

  /** Whether something of anybody was refused lately. */
  boolean refusesAny() {
    return lately(refusedTick);
  }

  /** Whether something of a live instance was refused lately: then there is one. */
  boolean refusesLive() {
    return lately(refusedLiveTick);
  }

  private boolean lately(long tick) {
    return now.tickMillis() - tick <= silenceMillis;
  }

  /** Lets go of those not heard for three heartbeats. */
  void loseSilent() {
    senders.values().removeIf(sender -> !lately(sender.heardTick));
  }

  /** An origin left. */
  void left(OriginId origin) {
    senders.remove(origin);
  }

  void clear() {
    senders.clear();
  }

  // ---------------------------------------------------------------- what is refused

  /** How many frames were refused. */
  long refused() {
    return refused;
  }

  /** Whether a name says that its bearer was born in the future. */
  boolean bornBeyond(OriginId origin) {
    return origin.birthMillis() > latestMillis();
  }

  /** Whether a horizon lies in the future: every new instance would count as forgotten. */
  boolean beyond(@Nullable Forgotten forgotten) {
    return judges() && forgotten != null && bornBeyond(forgotten.until());
  }

  /** Whether there is a time to judge by. */
  private boolean judges() {
    return !host.joining() || !noneHeard();
  }

  /** Whether we have asked for the time with this question. */
  boolean asked(long number) {
    return number > firstQuestion && number <= question;
  }

  /**
   * Notes the clock of a frame's sender and tells whether the time makes its claims void. What the
   * frame asks for is to be answered all the same.
   */
  boolean refuses(Frame frame) {
    boolean refuse =
        switch (frame) {
          case Frame.Heartbeat(
                  var from,
                  var live,
                  _,
                  _,
                  _,
                  var wall,
                  _,
                  var active,
                  _,
                  _,
                  _,
                  _,
                  _,
                  _) ->
              refuses(from, wall, live, active.forgotten());
          case Frame.Beacon(var from, _, var wall) -> refuses(from, wall, false, null);
          case Frame.Offer(var from, _, var wall, var vector, _) ->
              refuses(from, wall, true, vector.forgotten());
          case Frame.Leave(var from, _, var wall) -> untimely(wall) || nameBeyond(from);
          case Frame.Vector(var from, _, var vector) ->
              nameBeyond(from) || beyond(vector.forgotten());
          case Frame.ReplayEnd(var from, _, _, var vector) ->
              nameBeyond(from) || beyond(vector.forgotten());
          case Frame.ReplayRequest(var from, _, var vector, _) ->
              nameBeyond(from) || beyond(vector.forgotten()) || refuses(from);
          default -> false;
        };
    if (refuse) {
      refused++;
      refusedTick = now.tickMillis();
    }
    return refuse;
  }

  private boolean refuses(
      OriginId from, long wallMillis, boolean live, @Nullable Forgotten forgotten) {
    if (!plausible(wallMillis)) return true;
    Sender sender = heard(from, wallMillis);
    boolean refuse = untimely(wallMillis) || nameBeyond(from) || beyond(forgotten);
    sender.refusedTick = refuse ? now.tickMillis() : NEVER;
    if (refuse && live) refusedLiveTick = now.tickMillis();
    return refuse;
  }

  private boolean nameBeyond(OriginId from) {
    return judges() && bornBeyond(from);
  }

  /** Whether it is a time at all. */
  private static boolean plausible(long wallMillis) {
    return wallMillis >= 0 && wallMillis <= OriginId.BIRTH_MAX;
  }

  /** Whether a frame of this wall time is of another time; some heartbeats late it may be. */
  private boolean untimely(long sentWallMillis) {
    if (!plausible(sentWallMillis)) return true;
    if (!judges()) return false;
    long late = wallMillis() - sentWallMillis;
    return late < -limits.maxMillis() || late > limits.maxMillis() + silenceMillis;
  }
}
