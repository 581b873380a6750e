package org.natskvcache.node;

import java.util.LinkedHashMap;
import java.util.Map;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.VersionVector;

/**
 * Bounds the work that requests cause, for one asker and in total. A request beyond is counted and
 * not answered; an honest instance asks again. Whoever shows that it has received the last answer
 * to a replay request makes progress, and is not slowed down. Owned by the node.
 */
final class RequestLimits {
  static final int OFFERS_EACH = 8;
  static final int OFFERS_ALL = 32;
  static final int VECTORS_EACH = 8;
  static final int VECTORS_ALL = 64;
  static final int REPLAYS_EACH = 8;

  /** Most bytes replayed in a second to those that make no progress. */
  static final long REPLAY_BYTES_ALL = 64L << 20;

  static final int ASKERS_MAX = 256;

  /** How many live instances answer the first requests for offers, and the third. */
  static final int OFFERERS_FEW = 3;

  static final int OFFERERS_MORE = 12;
  private static final int ATTEMPT_MORE = 3;

  /** One asker. */
  private static final class Asker {
    final Rate offers = new Rate(OFFERS_EACH);
    final Rate vectors = new Rate(VECTORS_EACH);
    final Rate replays = new Rate(REPLAYS_EACH);

    /** The last mutation replayed to it that it has not shown to have; {@link Dot#NONE}: none. */
    long unshown = Dot.NONE;

    /** Whether the answer being made goes on with one that arrived. */
    boolean progress;
  }

  /** Those that asked last, the one that has not asked for longest first. */
  private final Map<OriginId, Asker> askers = new LinkedHashMap<>(16, 0.75f, true);

  private final Rate offers = new Rate(OFFERS_ALL);
  private final Rate vectors = new Rate(VECTORS_ALL);
  private final Rate replayBytes = new Rate(REPLAY_BYTES_ALL);
  private long unanswered;

  /** Requests not answered because of these limits, since the start. */
  long unanswered() {
    return unanswered;
  }

  int askers() {
    return askers.size();
  }

  private Asker asker(OriginId from) {
    Asker asker = askers.computeIfAbsent(from, id -> new Asker());
    if (askers.size() > ASKERS_MAX) askers.remove(askers.keySet().iterator().next());
    return asker;
  }

  private boolean counted(boolean answered) {
    if (!answered) unanswered++;
    return answered;
  }

  private static boolean take(Rate each, Rate all, long tick) {
    return !all.full(tick) && each.take(tick) && all.take(tick);
  }

  /**
   * How many live instances answer a joining one's request for offers: few first, and all before
   * silence is taken for a sign that nobody is there.
   *
   * @param attempt number of the request, from 1
   */
  static int offerers(int attempt, Defect defect) {
    if (attempt < ATTEMPT_MORE) return OFFERERS_FEW;
    if (attempt == ATTEMPT_MORE) return OFFERERS_MORE;
    return defect == Defect.ALWAYS_ANSWERED_BY_FEW ? OFFERERS_FEW : Integer.MAX_VALUE;
  }

  /** Whether to offer; it counts as done. */
  boolean offer(OriginId to, long tick) {
    return counted(take(asker(to).offers, offers, tick));
  }

  /** Whether to send the whole vector; it counts as done. */
  boolean vector(OriginId to, long tick) {
    return counted(take(asker(to).vectors, vectors, tick));
  }

  /** Whether to answer a request for a replay; {@link #replayed} is to follow. */
  boolean replay(OriginId to, VersionVector known, long tick) {
    Asker asker = asker(to);
    asker.progress = asker.unshown != Dot.NONE && known.covers(asker.unshown);
    if (asker.progress) asker.unshown = Dot.NONE;
    return counted(asker.progress || !replayBytes.full(tick) && asker.replays.take(tick));
  }

  /**
   * An answer was sent.
   *
   * @param last the last mutation of it; {@link Dot#NONE} if there was none
   * @param bytes how long it was
   */
  void replayed(OriginId to, long last, long bytes) {
    Asker asker = asker(to);
    if (last != Dot.NONE) asker.unshown = last;
    if (!asker.progress) replayBytes.add(bytes);
  }
}
