package org.natskvcache.node;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Limits;

/**
 * Serves cuts to those too far behind to replay, a bounded number at once. Owned by the node.
 *
 * <p>A cut takes a place and much work, so none is taken for a request alone, whose sender may be
 * made up: the first answer is a number, and who asks with it has shown that it hears. A number is
 * good until the next cut begins, so no two cuts have the same. A place is kept by taking what is
 * sent; one whose requester has not gone on for a while is for whoever comes.
 */
final class SnapshotServer {
  private static final long IDLE_MILLIS = 10_000;

  /** More than what {@link Repair} waits for an answer, so that one may be lost. */
  static final long SILENT_MILLIS = 3_000;

  static final int CUTS_PER_SECOND = 4;

  /** Requests that go on from where the one before did, answered in a second for one cut. */
  static final int REPEATS_PER_SECOND = 8;

  /** Most bytes for one who has not gone on yet: what instances of ours ask for. */
  static final int FIRST_BYTES_MAX = 1 << 20;

  /** Most bytes for one request, whatever window it names. */
  private static final int WINDOW_BYTES_MAX = 16 << 20;

  /** A cut and whom it is for. */
  private static final class Served {
    final OriginId requester;
    final Cut cut;
    final Rate repeats = new Rate(REPEATS_PER_SECOND);
    long usedTick;

    /** When its requester last released something. */
    long progressTick;

    private int section;
    private int offset;

    Served(OriginId requester, Cut cut, long tick) {
      this.requester = requester;
      this.cut = cut;
      usedTick = tick;
      progressTick = tick;
    }

    /** Whether this request releases something. */
    boolean goesOn(Frame.SnapshotRequest request, long tick) {
      boolean further =
          request.section() > section
              || (request.section() == section && request.offset() > offset);
      if (!further) return false;
      section = request.section();
      offset = request.offset();
      progressTick = tick;
      return true;
    }

    boolean isWhole() {
      return section == 0 && offset == 0;
    }
  }

  private Limits limits;
  private final Defect defect;
  private final Supplier<Cut> newCut;

  /** Mixed into the numbers of cuts. */
  private final long secret;

  private final Rate newCuts = new Rate(CUTS_PER_SECOND);
  private final Map<Long, Served> cuts = new LinkedHashMap<>();
  private long begun;

  SnapshotServer(Limits limits, Defect defect, Supplier<Cut> newCut, long secret) {
    this.limits = limits;
    this.defect = defect;
    this.newCut = newCut;
    this.secret = secret;
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
    cuts.values().removeIf(served -> served.usedTick + IDLE_MILLIS <= tick);
  }

  /** When {@link #expire} has something to do at the earliest; {@link Long#MAX_VALUE} for never. */
  long nextTick() {
    if (cuts.isEmpty()) return Long.MAX_VALUE; // after every call: no garbage
    long next = Long.MAX_VALUE;
    for (Served served : cuts.values()) next = Math.min(next, served.usedTick + IDLE_MILLIS);
    return next;
  }

  /** Answers a request with chunks, a number to ask with, or a refusal. */
  void serve(Frame.SnapshotRequest request, OriginId me, long tick, Consumer<Frame> answer) {
    boolean unheard = request.cut() == 0;
    long next = numberFor(request);
    if (unheard && !servesUnheard()) {
      answer.accept(new Frame.SnapshotRefused(me, request.nonce(), next, true));
      return;
    }
    long number = unheard ? next : request.cut();
    Served served = find(number, request.from());
    if (served == null && number == next && request.section() == 0 && request.offset() == 0) {
      served = begin(number, request.from(), tick);
      if (served == null) {
        answer.accept(new Frame.SnapshotRefused(me, request.nonce(), 0, true));
        return;
      }
    }
    if (served == null) {
      answer.accept(new Frame.SnapshotRefused(me, request.nonce(), number, false));
      return;
    }
    served.usedTick = tick;
    if (!served.goesOn(request, tick) && !served.repeats.take(tick)) return;
    Cut cut = served.cut;
    if (defect == Defect.SNAPSHOT_OF_DIFFERENT_CUTS && request.section() > 0) cut = newCut.get();
    cut.release(request.section(), request.offset());
    if (cut.isReleased()) cuts.remove(number);
    int most = served.isWhole() ? FIRST_BYTES_MAX : WINDOW_BYTES_MAX;
    send(request, number, cut, Math.min(request.windowBytes(), most), me, answer);
  }

  private boolean servesUnheard() {
    return defect == Defect.SNAPSHOT_FOR_UNHEARD || defect == Defect.CUT_ID_WITHOUT_ORIGIN;
  }

  /** The number of the next cut, if it is for this request; nobody else can tell it. */
  private long numberFor(Frame.SnapshotRequest request) {
    if (defect == Defect.CUT_ID_WITHOUT_ORIGIN) return begun + 1;
    long hash = Hash64.chain(Hash64.chain(secret, begun), request.nonce());
    hash = Hash64.chain(Hash64.chain(hash, request.from().high()), request.from().low());
    return Math.max(1, hash >>> 1);
  }

  /** Takes a cut; null if there is no place for it now. */
  private @Nullable Served begin(long number, OriginId requester, long tick) {
    if (newCuts.full(tick)) return null;
    cuts.values().removeIf(served -> served.requester.equals(requester));
    if (cuts.size() >= limits.cutsMax() && !dropSilent(tick)) return null;
    newCuts.add(1);
    begun++;
    Served served = new Served(requester, newCut.get(), tick);
    cuts.put(number, served);
    return served;
  }

  /** Frees the place of the one that has not gone on for longest; false if all do. */
  private boolean dropSilent(long tick) {
    if (defect == Defect.SNAPSHOT_PLACES_HELD_BY_SILENT) return false;
    Map.Entry<Long, Served> silent = null;
    for (Map.Entry<Long, Served> each : cuts.entrySet()) {
      if (silent == null || each.getValue().progressTick < silent.getValue().progressTick) {
        silent = each;
      }
    }
    if (silent == null || silent.getValue().progressTick + SILENT_MILLIS > tick) return false;
    cuts.remove(silent.getKey());
    return true;
  }

  private @Nullable Served find(long number, OriginId requester) {
    Served served = cuts.get(number);
    if (served == null) return null;
    boolean ours = served.requester.equals(requester) || defect == Defect.CUT_ID_WITHOUT_ORIGIN;
    return ours ? served : null;
  }

  private void send(
      Frame.SnapshotRequest request,
      long number,
      Cut cut,
      int windowBytes,
      OriginId me,
      Consumer<Frame> answer) {
    int section = request.section();
    int offset = request.offset();
    for (int left = windowBytes; left > 0; ) {
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
