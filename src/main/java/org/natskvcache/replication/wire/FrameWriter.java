package org.natskvcache.replication.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/** Types, flags and bodies of frames, see {@link Frame}. Of one codec. */
final class FrameWriter {
  /** What a heartbeat tells by tags: features, 8 bytes. */
  static final int TAG_FEATURES = 1;

  private final Origins origins;
  private final MutationCodec mutations;

  FrameWriter(Origins origins, MutationCodec mutations) {
    this.origins = origins;
    this.mutations = mutations;
  }

  static int type(Frame frame) {
    return switch (frame) {
      case Frame.Mutations m -> FrameType.MUTATIONS;
      case Frame.Beacon b -> FrameType.BEACON;
      case Frame.Heartbeat h -> FrameType.HEARTBEAT;
      case Frame.Leave l -> FrameType.LEAVE;
      case Frame.OfferRequest o -> FrameType.OFFER_REQUEST;
      case Frame.Offer o -> FrameType.OFFER;
      case Frame.ReplayRequest r -> FrameType.REPLAY_REQUEST;
      case Frame.Replayed r -> FrameType.REPLAYED;
      case Frame.ReplayEnd r -> FrameType.REPLAY_END;
      case Frame.SnapshotRequest s -> FrameType.SNAPSHOT_REQUEST;
      case Frame.SnapshotChunk s -> FrameType.SNAPSHOT_CHUNK;
      case Frame.SnapshotRefused s -> FrameType.SNAPSHOT_REFUSED;
      case Frame.VectorRequest v -> FrameType.VECTOR_REQUEST;
      case Frame.Vector v -> FrameType.VECTOR;
      case Frame.DigestRequest d -> FrameType.DIGEST_REQUEST;
      case Frame.DigestResponse d -> FrameType.DIGEST_RESPONSE;
    };
  }

  static int flags(Frame frame) {
    int own =
        switch (frame) {
          case Frame.Heartbeat h ->
              (h.live() ? FrameFlags.LIVE : 0)
                  | (h.hello() ? FrameFlags.HELLO : 0)
                  | (h.outdated() ? FrameFlags.OUTDATED : 0);
          case Frame.SnapshotChunk chunk -> chunk.last() ? FrameFlags.LAST : 0;
          case Frame.SnapshotRefused refused -> refused.busy() ? FrameFlags.BUSY : 0;
          case Frame.DigestRequest request -> request.observer() ? FrameFlags.OBSERVER : 0;
          case Frame.DigestResponse r ->
              (r.live() ? FrameFlags.LIVE : 0) | (r.last() ? FrameFlags.ALL_LISTED : 0);
          default -> 0;
        };
    return own | (forgotten(frame) == null ? 0 : FrameFlags.FORGOTTEN);
  }

  private static @Nullable Forgotten forgotten(Frame frame) {
    return switch (frame) {
      case Frame.Mutations(var from, var list) -> list.getFirst().contextForgotten();
      case Frame.Heartbeat heartbeat -> heartbeat.active().forgotten();
      case Frame.Offer offer -> offer.vector().forgotten();
      case Frame.ReplayRequest request -> request.vector().forgotten();
      case Frame.ReplayEnd end -> end.vector().forgotten();
      case Frame.Vector answer -> answer.vector().forgotten();
      case Frame.DigestResponse response -> response.vector().forgotten();
      default -> null;
    };
  }

  void body(Frame frame, ByteWriter out) {
    switch (frame) {
      case Frame.Mutations(var from, var list) -> mutations.encode(list, out);
      case Frame.Beacon(var from, var sequence, var wallMillis) -> {
        out.varint(sequence);
        out.u64(0); // history hash, zero in this version
        out.u64(wallMillis);
      }
      case Frame.Heartbeat heartbeat -> heartbeat(heartbeat, out);
      case Frame.Leave(var from, var finalSequence, var wallMillis) -> {
        out.varint(finalSequence);
        out.u64(wallMillis);
      }
      case Frame.OfferRequest(var from, var nonce, var attempt) -> {
        out.u64(nonce);
        out.varint(attempt);
      }
      case Frame.Offer(var from, var nonce, var wallMillis, var vector, var entries) -> {
        out.u64(nonce);
        out.u64(wallMillis);
        vector(vector, out);
        out.varint(entries);
      }
      case Frame.ReplayRequest(var from, var nonce, var vector, var creditBytes) -> {
        out.u64(nonce);
        vector(vector, out);
        out.varint(creditBytes);
      }
      case Frame.Replayed(var from, var nonce, var number, var offset, var total, var piece) -> {
        out.u64(nonce);
        out.varint(number);
        out.varint(offset);
        out.varint(total);
        out.bytes(piece.array());
      }
      case Frame.ReplayEnd(var from, var nonce, var outcome, var vector) -> {
        out.u64(nonce);
        out.u8(outcome.code);
        vector(vector, out);
      }
      case Frame.SnapshotRequest request -> snapshotRequest(request, out);
      case Frame.SnapshotChunk chunk -> chunk(chunk, out);
      case Frame.SnapshotRefused(var from, var nonce, var cut, var busy) -> {
        out.u64(nonce);
        out.varint(cut);
      }
      case Frame.VectorRequest(var from, var nonce) -> out.u64(nonce);
      case Frame.Vector(var from, var nonce, var vector) -> {
        out.u64(nonce);
        vector(vector, out);
      }
      case Frame.DigestRequest(var from, var observer, var question, var bucket, var start) -> {
        out.varint(question);
        out.varint(bucket - Frame.DigestRequest.ALL_BUCKETS);
        out.u64(start);
      }
      case Frame.DigestResponse response -> digestResponse(response, out);
    }
    Forgotten forgotten = forgotten(frame);
    if (forgotten == null) return;
    out.origin(forgotten.until());
    out.u64(forgotten.hash());
  }

  private void heartbeat(Frame.Heartbeat heartbeat, ByteWriter out) {
    out.varint(heartbeat.sequence());
    out.u64(heartbeat.wallMillis());
    out.u64(heartbeat.hlc());
    vector(heartbeat.active(), out);
    out.varint(heartbeat.restCount());
    out.u64(heartbeat.restHash());
    out.u64(heartbeat.digest());
    out.varint(heartbeat.entries());
    samples(heartbeat.samples(), out);
    boolean tagged = heartbeat.features() != 0;
    out.varint(tagged ? 1 : 0);
    if (!tagged) return;
    out.varint(TAG_FEATURES);
    out.varint(Long.BYTES);
    out.u64(heartbeat.features());
  }

  private static void snapshotRequest(Frame.SnapshotRequest request, ByteWriter out) {
    out.u64(request.nonce());
    out.varint(request.cut());
    out.varint(request.section());
    out.varint(request.offset());
    out.varint(request.windowBytes());
  }

  private static void chunk(Frame.SnapshotChunk chunk, ByteWriter out) {
    out.u64(chunk.nonce());
    out.varint(chunk.cut());
    out.varint(chunk.section());
    out.varint(chunk.offset());
    out.varint(chunk.pieces().size());
    for (Frame.Piece piece : chunk.pieces()) {
      out.u8(piece.ends() ? 1 : 0);
      out.bytes(piece.bytes().array());
    }
  }

  private void digestResponse(Frame.DigestResponse response, ByteWriter out) {
    out.varint(response.question());
    out.u64(response.wallMillis());
    vector(response.vector(), out);
    out.u64(response.digest());
    out.varint(response.entries());
    samples(response.buckets(), out);
    out.varint(response.keys().size());
    for (Frame.KeyDigest key : response.keys()) {
      out.bytes(key.key().array());
      out.u64(key.digest());
    }
  }

  private static void samples(List<Frame.Sample> samples, ByteWriter out) {
    out.varint(samples.size());
    for (Frame.Sample sample : samples) {
      out.u16(sample.bucket());
      out.u64(sample.vectorHash());
      out.u64(sample.digest());
    }
  }

  private void vector(VersionVector vector, ByteWriter out) {
    out.varint(vector.marks());
    for (int slot = vector.next(0); slot >= 0; slot = vector.next(slot + 1)) {
      out.origin(origins.id(slot));
      out.varint(vector.mark(slot));
    }
  }
}
