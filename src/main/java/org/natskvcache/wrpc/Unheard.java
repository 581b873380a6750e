package org.natskvcache.wrpc;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls whose callers have not shown that our handshake reached them: they do so by a message to
 * the subject of the params, at once and always. Hosts 1.x lose what comes before they have noted
 * that they wait for it, a few calls in a thousand under bursts, and the component then hangs for
 * minutes; so the handshake is repeated, and once it is heard, the answer too.
 *
 * <p>Source: wrpc-transport-nats 0.29, {@code Client::new}: messages and subscriptions reach one
 * task over two channels, in any order. Not thread-safe; owned by the server.
 */
final class Unheard {
  /** How often a handshake is repeated. */
  private static final int REPEATS_MAX = 3;

  private static final class Waiting {
    final long number;
    final Call call;
    int repeated;
    long dueNanos;

    Waiting(long number, Call call, long dueNanos) {
      this.number = number;
      this.call = call;
      this.dueNanos = dueNanos;
    }
  }

  private final long silenceNanos;

  /** Each in the place of its number, modulo the length; only this, since calls are many. */
  private final @Nullable Waiting[] fresh;

  private int freshCount;

  /** No fresh one has a lower number. */
  private long oldest;

  private long next;

  private final Map<Long, Waiting> repeated = new LinkedHashMap<>();

  /**
   * @param countMax most calls watched; of more the oldest are not watched any longer
   * @param silenceNanos when a handshake is repeated; again after four times as long, and so on
   */
  Unheard(int countMax, long silenceNanos) {
    fresh = new Waiting[countMax];
    this.silenceNanos = silenceNanos;
  }

  /** A handshake was sent; numbers rise, but for calls that come at once. */
  void sent(long number, Call call, long nowNanos) {
    if (freshCount == 0 || number < oldest) oldest = number;
    int place = place(number);
    if (fresh[place] == null) freshCount++;
    fresh[place] = new Waiting(number, call, nowNanos + silenceNanos);
    next = Math.max(next, number + 1);
    oldest = Math.max(oldest, next - fresh.length);
  }

  private int place(long number) {
    return (int) (number % fresh.length);
  }

  private boolean takeFresh(long number) {
    if (number < 0) return false;
    Waiting waiting = fresh[place(number)];
    if (waiting == null || waiting.number != number) return false;
    fresh[place(number)] = null;
    freshCount--;
    return true;
  }

  /** The caller has the handshake; the call if it had to be repeated, else null. */
  @Nullable Call heard(long number) {
    if (takeFresh(number)) return null;
    Waiting waiting = repeated.isEmpty() ? null : repeated.remove(number);
    return waiting == null ? null : waiting.call;
  }

  boolean isEmpty() {
    return freshCount == 0 && repeated.isEmpty();
  }

  /** The calls whose handshake is to be sent again now, by number. */
  Map<Long, Call> due(long nowNanos) {
    Map<Long, Call> due = new LinkedHashMap<>();
    List<Long> lost = new ArrayList<>();
    for (Map.Entry<Long, Waiting> each : repeated.entrySet()) {
      Waiting waiting = each.getValue();
      if (nowNanos - waiting.dueNanos < 0) continue;
      if (waiting.repeated == REPEATS_MAX) lost.add(each.getKey());
      else due.put(each.getKey(), repeat(waiting, nowNanos));
    }
    lost.forEach(repeated::remove);
    for (; freshCount > 0 && oldest < next; oldest++) {
      Waiting waiting = fresh[place(oldest)];
      if (waiting == null) continue;
      if (nowNanos - waiting.dueNanos < 0) break;
      takeFresh(oldest);
      due.put(oldest, repeat(waiting, nowNanos));
      repeated.put(oldest, waiting);
      if (repeated.size() > fresh.length) removeFirst(repeated);
    }
    return due;
  }

  private static void removeFirst(Map<Long, Waiting> calls) {
    Iterator<Long> first = calls.keySet().iterator();
    first.next();
    first.remove();
  }

  private Call repeat(Waiting waiting, long nowNanos) {
    waiting.repeated++;
    waiting.dueNanos = nowNanos + (silenceNanos << 2 * waiting.repeated);
    return waiting.call;
  }
}
