package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Mutation;

/**
 * Frames to bytes and back, for one replica, whose {@link Origins} it interns into. Every frame is
 *
 * <pre>
 * magic u16 = C5 4B | version u8 = 1 | type u8 | flags u8 | shard u8 = 0 | from 16 bytes | body | crc32c u32 of all before
 * </pre>
 *
 * <p>Not thread-safe: used by the node, under its lock.
 */
public final class FrameCodec {
  static final int MAGIC = 0xc54b;
  static final int VERSION = 1;
  private static final int HEADER = 22;
  private static final int CRC = 4;

  private static final int MUTATIONS = 1;
  private static final int BEACON = 2;
  private static final int HEARTBEAT = 3;
  private static final int LEAVE = 4;
  private static final int OFFER_REQUEST = 5;
  private static final int OFFER = 6;
  private static final int REPLAY_REQUEST = 7;
  private static final int REPLAY_END = 8;
  private static final int SNAPSHOT_REQUEST = 9;
  private static final int SNAPSHOT_CHUNK = 10;
  private static final int SNAPSHOT_REFUSED = 11;
  private static final int VECTOR_REQUEST = 12;
  private static final int VECTOR = 13;
  private static final int DIGEST_REQUEST = 14;
  private static final int DIGEST_RESPONSE = 15;

  private static final int FLAG_LIVE = 1;
  private static final int FLAG_HELLO = 2;
  private static final int FLAG_LAST = 1;
  private static final int FLAG_BUSY = 1;
  private static final int FLAG_ALL_LISTED = 2;

  /** The frame ends with what the vector in it has forgotten: origin, sum of terms. */
  private static final int FLAG_FORGOTTEN = 4;

  /** Most buckets there can be: their numbers are 16 bits. */
  private static final int BUCKETS_MAX = 1 << 16;

  /** Most origins a stranger's frames may make us name. */
  private static final int ORIGINS_MAX = Origins.SLOTS_MAX - 1;

  /** What is framed goes through buffers that are kept, up to this size. */
  static final int BUFFER_KEPT = 256 << 10;

  private final Origins origins;
  private final MutationCodec mutations;
  private final ByteWriter out = new ByteWriter(256);

  public FrameCodec(Origins origins) {
    this.origins = origins;
    mutations = new MutationCodec(origins);
  }

  public byte[] encode(Frame frame) {
    out.clear(BUFFER_KEPT);
    switch (frame) {
      case Frame.Mutations(var from, var list) -> {
        Forgotten forgotten = list.getFirst().contextForgotten();
        header(out, MUTATIONS, flag(forgotten), from);
        mutations.encode(list, out);
        forgotten(out, forgotten);
      }
      case Frame.Beacon(var from, var sequence, var wallMillis) -> {
        header(out, BEACON, 0, from);
        out.varint(sequence);
        out.u64(0); // history hash, zero in version 1
        out.u64(wallMillis);
      }
      case Frame.Heartbeat heartbeat -> encode(heartbeat, out);
      case Frame.Leave(var from, var finalSequence) -> {
        header(out, LEAVE, 0, from);
        out.varint(finalSequence);
      }
      case Frame.OfferRequest(var from) -> header(out, OFFER_REQUEST, 0, from);
      case Frame.Offer(var from, var vector, var entries) -> {
        header(out, OFFER, flag(vector.forgotten()), from);
        vector(out, vector);
        out.varint(entries);
        forgotten(out, vector.forgotten());
      }
      case Frame.ReplayRequest(var from, var vector, var creditBytes) -> {
        header(out, REPLAY_REQUEST, flag(vector.forgotten()), from);
        vector(out, vector);
        out.varint(creditBytes);
        forgotten(out, vector.forgotten());
      }
      case Frame.ReplayEnd(var from, var outcome, var vector) -> {
        header(out, REPLAY_END, flag(vector.forgotten()), from);
        out.u8(outcome.code);
        vector(out, vector);
        forgotten(out, vector.forgotten());
      }
      case Frame.SnapshotRequest(var from, var cut, var section, var offset, var window) -> {
        header(out, SNAPSHOT_REQUEST, 0, from);
        out.varint(cut);
        out.varint(section);
        out.varint(offset);
        out.varint(window);
      }
      case Frame.SnapshotChunk(
              var from,
              var cut,
              var section,
              var offset,
              var last,
              var pieces) -> {
        header(out, SNAPSHOT_CHUNK, last ? FLAG_LAST : 0, from);
        out.varint(cut);
        out.varint(section);
        out.varint(offset);
        out.varint(pieces.size());
        for (Frame.Piece piece : pieces) {
          out.u8(piece.ends() ? 1 : 0);
          out.bytes(piece.bytes().array());
        }
      }
      case Frame.SnapshotRefused(var from, var cut, var busy) -> {
        header(out, SNAPSHOT_REFUSED, busy ? FLAG_BUSY : 0, from);
        out.varint(cut);
      }
      case Frame.VectorRequest(var from) -> header(out, VECTOR_REQUEST, 0, from);
      case Frame.Vector(var from, var vector) -> {
        header(out, VECTOR, flag(vector.forgotten()), from);
        vector(out, vector);
        forgotten(out, vector.forgotten());
      }
      case Frame.DigestRequest(var from, var question, var bucket, var start) -> {
        header(out, DIGEST_REQUEST, 0, from);
        out.varint(question);
        out.varint(bucket - Frame.DigestRequest.ALL_BUCKETS);
        out.u64(start);
      }
      case Frame.DigestResponse response -> encode(response, out);
    }
    out.u32(crc(out.array(), out.size()));
    return Arrays.copyOf(out.array(), out.size());
  }

  private static void header(ByteWriter out, int type, int flags, OriginId from) {
    out.u16(MAGIC);
    out.u8(VERSION);
    out.u8(type);
    out.u8(flags);
    out.u8(0);
    out.origin(from);
  }

  private static int crc(byte[] bytes, int size) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, size);
    return (int) crc.getValue();
  }

  private void encode(Frame.Heartbeat heartbeat, ByteWriter out) {
    Forgotten forgotten = heartbeat.active().forgotten();
    int flags = (heartbeat.live() ? FLAG_LIVE : 0) | (heartbeat.hello() ? FLAG_HELLO : 0);
    header(out, HEARTBEAT, flags | flag(forgotten), heartbeat.from());
    out.varint(heartbeat.sequence());
    out.u64(heartbeat.wallMillis());
    out.u64(heartbeat.hlc());
    vector(out, heartbeat.active());
    out.varint(heartbeat.restCount());
    out.u64(heartbeat.restHash());
    out.u64(heartbeat.digest());
    out.varint(heartbeat.entries());
    out.varint(0); // history hashes, none in version 1
    samples(out, heartbeat.samples());
    forgotten(out, forgotten);
  }

  private void encode(Frame.DigestResponse response, ByteWriter out) {
    Forgotten forgotten = response.vector().forgotten();
    int flags = (response.live() ? FLAG_LIVE : 0) | (response.last() ? FLAG_ALL_LISTED : 0);
    header(out, DIGEST_RESPONSE, flags | flag(forgotten), response.from());
    out.varint(response.question());
    out.u64(response.wallMillis());
    vector(out, response.vector());
    out.u64(response.digest());
    out.varint(response.entries());
    samples(out, response.buckets());
    out.varint(response.keys().size());
    for (Frame.KeyDigest key : response.keys()) {
      out.bytes(key.key().array());
      out.u64(key.digest());
    }
    forgotten(out, forgotten);
  }

  private static void samples(ByteWriter out, List<Frame.Sample> samples) {
    out.varint(samples.size());
    for (Frame.Sample sample : samples) {
      out.u16(sample.bucket());
      out.u64(sample.vectorHash());
      out.u64(sample.digest());
    }
  }

  private static List<Frame.Sample> samples(ByteReader in) throws MalformedFrameException {
    int count = in.count(18);
    List<Frame.Sample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) samples.add(new Frame.Sample(in.u16(), in.u64(), in.u64()));
    return samples;
  }

  private static int flag(@Nullable Forgotten forgotten) {
    return forgotten == null ? 0 : FLAG_FORGOTTEN;
  }

  private static void forgotten(ByteWriter out, @Nullable Forgotten forgotten) {
    if (forgotten == null) return;
    out.origin(forgotten.until());
    out.u64(forgotten.hash());
  }

  private static @Nullable Forgotten forgotten(int flags, ByteReader in)
      throws MalformedFrameException {
    return (flags & FLAG_FORGOTTEN) == 0 ? null : new Forgotten(in.origin(), in.u64());
  }

  private void vector(ByteWriter out, VersionVector vector) {
    int count = 0;
    for (int slot = 0; slot < vector.slots(); slot++) if (vector.mark(slot) > 0) count++;
    out.varint(count);
    for (int slot = 0; slot < vector.slots(); slot++) {
      if (vector.mark(slot) == 0) continue;
      out.origin(origins.id(slot));
      out.varint(vector.mark(slot));
    }
  }

  /** Decodes one frame; bytes that are no frame of ours change nothing here. */
  public Frame decode(byte[] bytes) throws MalformedFrameException {
    ByteReader in = new ByteReader(bytes, 0, Math.max(0, bytes.length - CRC));
    if (bytes.length < 2
        || (bytes[0] & 0xff) << 8 != (MAGIC & 0xff00)
        || bytes[1] != (byte) MAGIC) {
      throw new MalformedFrameException(MalformedFrameException.Kind.FOREIGN, null, "no magic");
    }
    if (bytes.length < HEADER + CRC) throw new MalformedFrameException("shorter than a header");
    if (crc(bytes, bytes.length - CRC)
        != new ByteReader(bytes, bytes.length - CRC, bytes.length).u32()) {
      throw new MalformedFrameException("checksum");
    }
    in.u16();
    int version = in.u8();
    if (version != VERSION) {
      OriginId from = new ByteReader(bytes, HEADER - 16, HEADER).origin();
      throw new MalformedFrameException(
          MalformedFrameException.Kind.UNKNOWN_VERSION, from, "version " + version);
    }
    int type = in.u8();
    int flags = in.u8();
    if (in.u8() != 0) throw new MalformedFrameException("a shard other than 0");
    OriginId from = in.origin();
    // who receives the frame will intern its sender, and there must be room for that
    if (origins.find(from) < 0 && origins.slots() >= ORIGINS_MAX) {
      throw new MalformedFrameException("too many origins");
    }
    Frame frame = body(type, flags, from, in);
    in.end();
    return frame;
  }

  private Frame body(int type, int flags, OriginId from, ByteReader in)
      throws MalformedFrameException {
    return switch (type) {
      case MUTATIONS -> mutations(flags, from, in);
      case BEACON -> {
        long sequence = sequence(in);
        in.u64();
        yield new Frame.Beacon(from, sequence, in.u64());
      }
      case HEARTBEAT -> heartbeat(flags, from, in);
      case LEAVE -> new Frame.Leave(from, sequence(in));
      case OFFER_REQUEST -> new Frame.OfferRequest(from);
      case OFFER -> {
        VersionVector vector = vector(in);
        long entries = in.varint(Long.MAX_VALUE);
        vector.forgotten(forgotten(flags, in));
        yield new Frame.Offer(from, vector, entries);
      }
      case REPLAY_REQUEST -> {
        VersionVector vector = vector(in);
        int credit = (int) in.varint(Integer.MAX_VALUE);
        vector.forgotten(forgotten(flags, in));
        yield new Frame.ReplayRequest(from, vector, credit);
      }
      case REPLAY_END -> {
        Frame.ReplayEnd.Outcome outcome = Frame.ReplayEnd.Outcome.of(in.u8());
        VersionVector vector = vector(in);
        vector.forgotten(forgotten(flags, in));
        yield new Frame.ReplayEnd(from, outcome, vector);
      }
      case SNAPSHOT_REQUEST ->
          new Frame.SnapshotRequest(
              from, in.varint(Long.MAX_VALUE), number(in), number(in), number(in));
      case SNAPSHOT_CHUNK -> chunk(flags, from, in);
      case SNAPSHOT_REFUSED ->
          new Frame.SnapshotRefused(from, in.varint(Long.MAX_VALUE), (flags & FLAG_BUSY) != 0);
      case VECTOR_REQUEST -> new Frame.VectorRequest(from);
      case VECTOR -> {
        VersionVector vector = vector(in);
        vector.forgotten(forgotten(flags, in));
        yield new Frame.Vector(from, vector);
      }
      case DIGEST_REQUEST ->
          new Frame.DigestRequest(
              from,
              in.varint(Long.MAX_VALUE),
              (int) in.varint(BUCKETS_MAX) + Frame.DigestRequest.ALL_BUCKETS,
              in.u64());
      case DIGEST_RESPONSE -> digestResponse(flags, from, in);
      default -> throw new MalformedFrameException("unknown type " + type);
    };
  }

  private Frame mutations(int flags, OriginId from, ByteReader in) throws MalformedFrameException {
    List<Mutation> list = mutations.decode(from, in);
    Forgotten forgotten = forgotten(flags, in);
    if (forgotten != null) list.addFirst(list.removeFirst().withForgotten(forgotten));
    return new Frame.Mutations(from, list);
  }

  private static int number(ByteReader in) throws MalformedFrameException {
    return (int) in.varint(Integer.MAX_VALUE);
  }

  private static long sequence(ByteReader in) throws MalformedFrameException {
    return in.varint(Dot.SEQUENCE_MAX);
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
    for (int i = in.count(26);
        i > 0;
        i--) { // history hashes of later versions: origin, count, hash
      in.origin();
      in.varint();
      in.u64();
    }
    List<Frame.Sample> samples = samples(in);
    active.forgotten(forgotten(flags, in));
    return new Frame.Heartbeat(
        from,
        (flags & FLAG_LIVE) != 0,
        (flags & FLAG_HELLO) != 0,
        sequence,
        wallMillis,
        hlc,
        active,
        restCount,
        restHash,
        digest,
        entries,
        samples);
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
    vector.forgotten(forgotten(flags, in));
    return new Frame.DigestResponse(
        from,
        question,
        (flags & FLAG_LIVE) != 0,
        (flags & FLAG_ALL_LISTED) != 0,
        wallMillis,
        vector,
        digest,
        entries,
        buckets,
        keys);
  }

  private static Frame chunk(int flags, OriginId from, ByteReader in)
      throws MalformedFrameException {
    long cut = in.varint(Long.MAX_VALUE);
    int section = number(in);
    int offset = number(in);
    int count = in.count(2);
    List<Frame.Piece> pieces = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      pieces.add(new Frame.Piece(in.u8() != 0, new Bytes(in.bytes())));
    }
    return new Frame.SnapshotChunk(from, cut, section, offset, (flags & FLAG_LAST) != 0, pieces);
  }

  private VersionVector vector(ByteReader in) throws MalformedFrameException {
    int count = in.count(17);
    if (origins.slots() + count > ORIGINS_MAX)
      throw new MalformedFrameException("too many origins");
    VersionVector vector = new VersionVector(origins);
    for (int i = 0; i < count; i++) vector.raise(origins.slot(in.origin()), sequence(in));
    return vector;
  }
}
