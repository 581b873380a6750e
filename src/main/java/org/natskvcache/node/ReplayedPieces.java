package org.natskvcache.node;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Frame;

/**
 * Puts frames together that are replayed in pieces. Pieces come in any order; what they take is
 * bounded, and the oldest go beyond it, since whatever is incomplete is asked for again. Owned by
 * the node.
 */
final class ReplayedPieces {
  /**
   * Most bytes kept of frames that are incomplete, and so the longest frame: the largest payload of
   * NATS, and the context it names.
   */
  static final int BYTES_MAX = 80 << 20;

  /** What a piece takes besides its bytes. */
  private static final int PIECE_BYTES = 100;

  /** One frame of one answer: what its pieces have in common. */
  private record FrameOf(OriginId from, long nonce, int number) {}

  /** What is here of one frame. */
  private static final class Partial {
    final int total;
    final TreeMap<Integer, byte[]> pieces = new TreeMap<>();
    int filled;

    Partial(int total) {
      this.total = total;
    }

    int kept() {
      return filled + PIECE_BYTES * pieces.size();
    }
  }

  private final Map<FrameOf, Partial> partials = new LinkedHashMap<>();
  private final boolean mixed;
  private long kept;

  ReplayedPieces(Defect defect) {
    mixed = defect == Defect.PIECES_OF_DIFFERENT_FRAMES;
  }

  /**
   * Adds a piece of an answer to a question of ours; the whole frame if nothing of it is missing.
   */
  byte @Nullable [] add(Frame.Replayed piece) {
    byte[] bytes = piece.piece().array();
    if (bytes.length == piece.totalBytes()) return bytes;
    if (piece.totalBytes() > BYTES_MAX) return null;
    FrameOf frame =
        mixed
            ? new FrameOf(piece.from(), 0, 0)
            : new FrameOf(piece.from(), piece.nonce(), piece.number());
    Partial partial = partials.computeIfAbsent(frame, f -> new Partial(piece.totalBytes()));
    if (partial.total != piece.totalBytes() || !fits(partial, piece.offset(), bytes.length)) {
      return null;
    }
    partial.pieces.put(piece.offset(), bytes);
    partial.filled += bytes.length;
    kept += bytes.length + PIECE_BYTES;
    if (partial.filled == partial.total) {
      drop(frame);
      return whole(partial);
    }
    while (kept > BYTES_MAX) drop(partials.keySet().iterator().next());
    return null;
  }

  /** Drops the frames of answers that are no longer awaited. */
  void retain(BiPredicate<OriginId, Long> awaited) {
    for (FrameOf frame : List.copyOf(partials.keySet())) {
      if (!mixed && !awaited.test(frame.from, frame.nonce)) drop(frame);
    }
  }

  /** Drops everything: what is repeated after its frame was whole would stay. */
  void clear() {
    partials.clear();
    kept = 0;
  }

  /** Bytes kept of frames that are incomplete. */
  long kept() {
    return kept;
  }

  private static boolean fits(Partial partial, int offset, int length) {
    Map.Entry<Integer, byte[]> before = partial.pieces.floorEntry(offset);
    if (before != null && before.getKey() + before.getValue().length > offset) return false;
    Integer after = partial.pieces.higherKey(offset);
    return after == null || offset + length <= after;
  }

  private void drop(FrameOf frame) {
    Partial gone = partials.remove(frame);
    if (gone != null) kept -= gone.kept();
  }

  private static byte[] whole(Partial partial) {
    byte[] whole = new byte[partial.total];
    partial.pieces.forEach((at, piece) -> System.arraycopy(piece, 0, whole, at, piece.length));
    return whole;
  }
}
