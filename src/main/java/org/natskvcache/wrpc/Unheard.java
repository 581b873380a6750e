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
    final Call call;
    int repeated;
    long dueNanos;

    Waiting(Call call, long dueNanos) {
      this.call = call;
      this.dueNanos = dueNanos;
    }
  }

  private final int countMax;
  private final long silenceNanos;

  /** By the subject of their params, oldest first. */
  private final Map<String, Waiting> fresh = new LinkedHashMap<>();

  private final Map<String, Waiting> repeated = new LinkedHashMap<>();

  /**
   * @param countMax most calls watched; of more the oldest are not watched any longer
   * @param silenceNanos when a handshake is repeated; again after four times as long, and so on
   */
  Unheard(int countMax, long silenceNanos) {
    this.countMax = countMax;
    this.silenceNanos = silenceNanos;
  }

  /** A handshake was sent. */
  void sent(String params, Call call, long nowNanos) {
    fresh.put(params, new Waiting(call, nowNanos + silenceNanos));
    if (fresh.size() > countMax) removeFirst(fresh);
  }

  private static void removeFirst(Map<String, Waiting> calls) {
    Iterator<String> first = calls.keySet().iterator();
    first.next();
    first.remove();
  }

  /** The caller has the handshake; the call if it had to be repeated, else null. */
  @Nullable Call heard(String params) {
    if (fresh.remove(params) != null) return null;
    Waiting waiting = repeated.remove(params);
    return waiting == null ? null : waiting.call;
  }

  boolean isEmpty() {
    return fresh.isEmpty() && repeated.isEmpty();
  }

  /** The subjects of the params of calls whose handshake is to be sent again now, and the calls. */
  Map<String, Call> due(long nowNanos) {
    Map<String, Call> due = new LinkedHashMap<>();
    List<String> lost = new ArrayList<>();
    for (Map.Entry<String, Waiting> each : repeated.entrySet()) {
      Waiting waiting = each.getValue();
      if (nowNanos - waiting.dueNanos < 0) continue;
      if (waiting.repeated == REPEATS_MAX) lost.add(each.getKey());
      else due.put(each.getKey(), repeat(waiting, nowNanos));
    }
    lost.forEach(repeated::remove);
    for (Iterator<Map.Entry<String, Waiting>> all = fresh.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<String, Waiting> oldest = all.next();
      Waiting waiting = oldest.getValue();
      if (nowNanos - waiting.dueNanos < 0) break;
      all.remove();
      due.put(oldest.getKey(), repeat(waiting, nowNanos));
      repeated.put(oldest.getKey(), waiting);
      if (repeated.size() > countMax) removeFirst(repeated);
    }
    return due;
  }

  private Call repeat(Waiting waiting, long nowNanos) {
    waiting.repeated++;
    waiting.dueNanos = nowNanos + (silenceNanos << 2 * waiting.repeated);
    return waiting.call;
  }
}
