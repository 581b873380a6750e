package org.natskvcache.node;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Limits;

/** Serves cuts to those too far behind to replay, a bounded number at once. Owned by the node. */
final class SnapshotServer {
  private static final long IDLE_MILLIS = 10_000;

  /** Most bytes for one request, whatever window it names. */
  private static final int WINDOW_BYTES_MAX = 16 << 20;

  private record Served(OriginId requester, Cut cut, long[] usedTick) {}

  private Limits limits;
  private final Defect defect;
  private final Supplier<Cut> newCut;
  private final Map<Long, Served> cuts = new LinkedHashMap<>();
  private long lastNumber;

  SnapshotServer(Limits limits, Defect defect, Supplier<Cut> newCut) {
    this.limits = limits;
    this.defect = defect;
    this.newCut = newCut;
  }

  void limits(Limits within) {
    limits = within;
  }

  /** Marks the slots that the cuts being served refer to. */
  void markSlots(BitSet used) {
    for (Served served : cuts.values()) served.cut.markSlots(used);
  }

  void beforeChange(int bucket) {
    for (Served served : cuts.values()) served.cut.beforeChange(bucket);
  }

  /** Forgets cuts nobody asks for. */
  void expire(long tick) {
    cuts.values().removeIf(served -> served.usedTick[0] + IDLE_MILLIS <= tick);
  }

  /** When {@link #expire} has something to do at the earliest; {@link Long#MAX_VALUE} for never. */
  long nextTick() {
    if (cuts.isEmpty()) return Long.MAX_VALUE; // after every call: no garbage
    long next = Long.MAX_VALUE;
    for (Served served : cuts.values()) next = Math.min(next, served.usedTick[0] + IDLE_MILLIS);
    return next;
  }

  /** Answers a request with chunks, or a refusal. */
  void serve(Frame.SnapshotRequest request, OriginId me, long tick, Consumer<Frame> answer) {
    long number = request.cut();
    if (number == 0) {
      number = begin(request.from());
      if (number == 0) {
        answer.accept(new Frame.SnapshotRefused(me, request.nonce(), 0, true));
        return;
      }
    }
    Served served = find(number, request.from());
    if (served == null) {
      answer.accept(new Frame.SnapshotRefused(me, request.nonce(), number, false));
      return;
    }
    served.usedTick[0] = tick;
    Cut cut = served.cut;
    if (defect == Defect.SNAPSHOT_OF_DIFFERENT_CUTS && request.section() > 0) cut = newCut.get();
    cut.release(request.section(), request.offset());
    if (cut.isReleased()) cuts.remove(number);
    send(request, number, cut, me, answer);
  }

  /**
   * The number of a cut to serve from its beginning; 0 if too many are served. A cut of which the
   * requester has let nothing go is served again: the request may have come twice, and another cut
   * would stay that nobody asks for.
   */
  private long begin(OriginId requester) {
    for (Map.Entry<Long, Served> each : cuts.entrySet()) {
      Served served = each.getValue();
      if (served.requester.equals(requester) && served.cut.isWhole()) return each.getKey();
    }
    cuts.values().removeIf(served -> served.requester.equals(requester));
    if (cuts.size() >= limits.cutsMax()) return 0;
    cuts.put(++lastNumber, new Served(requester, newCut.get(), new long[1]));
    return lastNumber;
  }

  private @Nullable Served find(long number, OriginId requester) {
    Served served = cuts.get(number);
    if (served == null) return null;
    boolean ours = served.requester.equals(requester) || defect == Defect.CUT_ID_WITHOUT_ORIGIN;
    return ours ? served : null;
  }

  private void send(
      Frame.SnapshotRequest request, long number, Cut cut, OriginId me, Consumer<Frame> answer) {
    int section = request.section();
    int offset = request.offset();
    for (int left = Math.min(request.windowBytes(), WINDOW_BYTES_MAX); left > 0; ) {
      Cut.Part part = cut.part(section, offset, limits.chunkBytes());
      if (part == null) return; // a late copy of an old request
      answer.accept(
          new Frame.SnapshotChunk(
              me,
              request.nonce(),
              number,
              part.section(),
              part.offset(),
              part.last(),
              part.pieces()));
      if (part.last()) return;
      left -= Math.max(1, part.bytes());
      section = Cut.nextSection(part);
      offset = Cut.nextOffset(part);
    }
  }
}
