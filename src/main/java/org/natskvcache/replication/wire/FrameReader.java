package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.List;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Mutation;

/** Bodies of frames as {@link FrameWriter} writes them. Of one codec. */
final class FrameReader {
  /** Most buckets there can be: their numbers are 16 bits. */
  private static final int BUCKETS_MAX = 1 << 16;

  private final Origins origins;
  private final MutationCodec mutations;

  FrameReader(Origins origins, MutationCodec mutations) {
    this.origins = origins;
    this.mutations = mutations;
  }

  /** The frame of a known type. */
  Frame frame(int type, int flags, OriginId from, ByteReader in) throws MalformedFrameException {
    return switch (type) {
      case FrameType.MUTATIONS -> new Frame.Mutations(from, mutations(flags, from, in));
      case FrameType.BEACON -> {
        long sequence = sequence(in);
        in.u64();
        yield new Frame.Beacon(from, sequence, in.u64());
      }
      case FrameType.HEARTBEAT -> heartbeat(flags, from, in);
      case FrameType.LEAVE -> new Frame.Leave(from, sequence(in), in.u64());
      case FrameType.OFFER_REQUEST -> new Frame.OfferRequest(from, in.u64(), number(in));
      case FrameType.OFFER -> {
        long nonce = in.u64();
        long wallMillis = in.u64();
        VersionVector vector = vector(in);
        long entries = in.varint(Long.MAX_VALUE);
        yield new Frame.Offer(from, nonce, wallMillis, forgotten(flags, vector, in), entries);
      }
      case FrameType.REPLAY_REQUEST -> {
        long nonce = in.u64();
        VersionVector vector = vector(in);
        int credit = number(in);
        yield new Frame.ReplayRequest(from, nonce, forgotten(flags, vector, in), credit);
      }
      case FrameType.REPLAYED -> replayed(from, in);
      case FrameType.REPLAY_END -> {
        long nonce = in.u64();
        Frame.ReplayEnd.Outcome outcome = Frame.ReplayEnd.Outcome.of(in.u8());
        VersionVector vector = vector(in);
        yield new Frame.ReplayEnd(from, nonce, outcome, forgotten(flags, vector, in));
      }
      case FrameType.SNAPSHOT_REQUEST ->
          new Frame.SnapshotRequest(
              from, in.u64(), in.varint(Long.MAX_VALUE), number(in), number(in), number(in));
      case FrameType.SNAPSHOT_CHUNK -> chunk(flags, from, in);
      case FrameType.SNAPSHOT_REFUSED ->
          new Frame.SnapshotRefused(
              from, in.u64(), in.varint(Long.MAX_VALUE), (flags & FrameFlags.BUSY) != 0);
      case FrameType.VECTOR_REQUEST -> new Frame.VectorRequest(from, in.u64());
      case FrameType.VECTOR -> {
        long nonce = in.u64();
        yield new Frame.Vector(from, nonce, forgotten(flags, vector(in), in));
      }
      case FrameType.DIGEST_REQUEST ->
          new Frame.DigestRequest(
              from,
              (flags & FrameFlags.OBSERVER) != 0,
              in.varint(Long.MAX_VALUE),
              (int) in.varint(BUCKETS_MAX) + Frame.DigestRequest.ALL_BUCKETS,
              in.u64());
      case FrameType.DIGEST_RESPONSE -> digestResponse(flags, from, in);
      default -> throw new IllegalArgumentException("unknown type " + type);
    };
  }

  List<Mutation> mutations(int flags, OriginId author, ByteReader in)
      throws MalformedFrameException {
    List<Mutation> list = mutations.decode(author, in);
    if ((flags & FrameFlags.FORGOTTEN) != 0) {
      Forgotten forgotten = new Forgotten(in.origin(), in.u64());
      list.addFirst(list.removeFirst().withForgotten(forgotten));
    }
    return list;
  }

  private static Frame replayed(OriginId from, ByteReader in) throws MalformedFrameException {
    long nonce = in.u64();
    int number = number(in);
    int offset = number(in);
    int total = number(in);
    Bytes piece = new Bytes(in.bytes());
    if (piece.size() == 0 || (long) offset + piece.size() > total) {
      throw new MalformedFrameException("a piece that is no part of its frame");
    }
    return new Frame.Replayed(from, nonce, number, offset, total, piece);
  }

  private Frame heartbeat(int flags, OriginId from, ByteReader in) throws MalformedFrameException {
    long sequence = sequence(in);
    long wallMillis = in.u64();
    long hlc = in.u64();
    VersionVector active = vector(in);
    long restCount = in.varint(Origins.SLOTS_MAX);
    long restHash = in.u64();
    long digest = in.u64();
    long entries = in.varint(Long.MAX_VALUE);
    List<Frame.Sample> samples = samples(in);
    long features = features(in);
    return new Frame.Heartbeat(
        from,
        (flags & FrameFlags.LIVE) != 0,
        (flags & FrameFlags.HELLO) != 0,
        (flags & FrameFlags.OUTDATED) != 0,
        sequence,
        wallMillis,
        hlc,
        forgotten(flags, active, in),
        restCount,
        restHash,
        digest,
        entries,
        samples,
        features);
  }

  /** Reads what is told by tags; those of later releases are skipped. */
  private static long features(ByteReader in) throws MalformedFrameException {
    long features = 0;
    for (int left = in.count(2); left > 0; left--) {
      long tag = in.varint();
      byte[] bytes = in.bytes();
      if (tag != FrameWriter.TAG_FEATURES) continue;
      if (bytes.length != Long.BYTES) throw new MalformedFrameException("features of a wrong size");
      features |= new ByteReader(bytes, 0, bytes.length).u64();
    }
    return features;
  }

  private static Frame chunk(int flags, OriginId from, ByteReader in)
      throws MalformedFrameException {
    long nonce = in.u64();
    long cut = in.varint(Long.MAX_VALUE);
    int section = number(in);
    int offset = number(in);
    int count = in.count(2);
    List<Frame.Piece> pieces = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      pieces.add(new Frame.Piece(in.u8() != 0, new Bytes(in.bytes())));
    }
    boolean last = (flags & FrameFlags.LAST) != 0;
    return new Frame.SnapshotChunk(from, nonce, cut, section, offset, last, pieces);
  }

  private Frame digestResponse(int flags, OriginId from, ByteReader in)
      throws MalformedFrameException {
    long question = in.varint(Long.MAX_VALUE);
    long wallMillis = in.u64();
    VersionVector vector = vector(in);
    long digest = in.u64();
    long entries = in.varint(Long.MAX_VALUE);
    List<Frame.Sample> buckets = samples(in);
    int count = in.count(9);
    List<Frame.KeyDigest> keys = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      keys.add(new Frame.KeyDigest(new Bytes(in.bytes()), in.u64()));
    }
    return new Frame.DigestResponse(
        from,
        question,
        (flags & FrameFlags.LIVE) != 0,
        (flags & FrameFlags.ALL_LISTED) != 0,
        wallMillis,
        forgotten(flags, vector, in),
        digest,
        entries,
        buckets,
        keys);
  }

  private static List<Frame.Sample> samples(ByteReader in) throws MalformedFrameException {
    int count = in.count(18);
    List<Frame.Sample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) samples.add(new Frame.Sample(in.u16(), in.u64(), in.u64()));
    return samples;
  }

  private static int number(ByteReader in) throws MalformedFrameException {
    return (int) in.varint(Integer.MAX_VALUE);
  }

  private static long sequence(ByteReader in) throws MalformedFrameException {
    return in.varint(Dot.SEQUENCE_MAX);
  }

  private VersionVector vector(ByteReader in) throws MalformedFrameException {
    return Names.claimed(origins, in);
  }

  /** The vector with what it has forgotten, which ends the frame. */
  private static VersionVector forgotten(int flags, VersionVector vector, ByteReader in)
      throws MalformedFrameException {
    if ((flags & FrameFlags.FORGOTTEN) != 0) {
      vector.forgotten(new Forgotten(in.origin(), in.u64()));
    }
    return vector;
  }
}
