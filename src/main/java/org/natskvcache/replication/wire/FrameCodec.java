package org.natskvcache.replication.wire;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.store.Mutation;

/**
 * Frames to bytes and back, for one replica, whose {@link Origins} it interns into. Every frame is
 *
 * <pre>
 * magic u16 = C5 4B | version u8 = 2 | type u8 | flags u8 | shard u8 = 0 | from 16 bytes | body | seal
 * </pre>
 *
 * <p>The seal is a checksum or a signature, see {@link FrameSealer}; it is checked before anything
 * is read.
 *
 * <p>Not thread-safe: used by the node, under its lock.
 */
public final class FrameCodec {
  static final int MAGIC = 0xc54b;

  /** The version of the protocol that is spoken here. */
  public static final int VERSION = 2;

  private static final int HEADER = 22;

  /** What is framed goes through buffers that are kept, up to this size. */
  static final int BUFFER_KEPT = 256 << 10;

  private final Origins origins;
  private final FrameWriter writer;
  private final FrameReader reader;
  private final FrameSealer sealer;
  private final Seal own;
  private final ByteWriter out = new ByteWriter(256);
  private Seal lastSeal;

  /** A codec without keys. */
  public FrameCodec(Origins origins) {
    this(origins, FrameKeys.NONE, FrameKeys.Use.WRITE);
  }

  /**
   * @param use what this one does of its own accord: an instance writes, an observer inspects
   */
  public FrameCodec(Origins origins, FrameKeys keys, FrameKeys.Use use) {
    this.origins = origins;
    sealer = keys.sealer();
    own = sealer.own(use);
    lastSeal = own;
    MutationCodec mutations = new MutationCodec(origins);
    writer = new FrameWriter(origins, mutations);
    reader = new FrameReader(origins, mutations);
  }

  /**
   * @param channel where the frame will go
   * @param receiver whom it is for, on channels that have a target; else null
   */
  public byte[] encode(Frame frame, Channel channel, @Nullable OriginId receiver) {
    return encode(frame, channel, receiver, own);
  }

  /**
   * @param seal for answers, that of the question
   */
  public byte[] encode(Frame frame, Channel channel, @Nullable OriginId receiver, Seal seal) {
    out.clear(BUFFER_KEPT);
    out.u16(MAGIC);
    out.u8(VERSION);
    out.u8(FrameWriter.type(frame));
    out.u8(FrameWriter.flags(frame));
    out.u8(0);
    out.origin(frame.from());
    writer.body(frame, out);
    byte[] bytes = Arrays.copyOf(out.array(), out.size() + seal.trailerBytes());
    sealer.seal(bytes, seal, channel, receiver);
    return bytes;
  }

  /** What is replayed of a frame of mutations: its author, its flags and its body. */
  public byte[] encodeReplayed(Frame.Mutations frame) {
    out.clear(BUFFER_KEPT);
    out.origin(frame.from());
    out.u8(FrameWriter.flags(frame));
    writer.body(frame, out);
    return Arrays.copyOf(out.array(), out.size());
  }

  /** The frame of mutations of which this was replayed. */
  public Frame.Mutations decodeReplayed(byte[] bytes) throws MalformedFrameException {
    ByteReader in = new ByteReader(bytes, 0, bytes.length);
    OriginId author = in.origin();
    int flags = in.u8();
    origins.begin();
    try {
      List<Mutation> mutations = reader.mutations(flags, author, in);
      in.end();
      return new Frame.Mutations(author, mutations);
    } catch (MalformedFrameException malformed) {
      origins.rollback();
      throw malformed.sentBy(author);
    }
  }

  /** How the frame that was last decoded was sealed. */
  public Seal lastSeal() {
    return lastSeal;
  }

  /**
   * Decodes one frame; bytes that are no frame of ours change nothing here. Whoever lets nothing of
   * the frame stay may give its names back, by {@link Origins#rollback}; the next frame keeps them.
   *
   * @param channel where the frame came from
   * @param me the name under which it was received
   */
  public Frame decode(byte[] bytes, Channel channel, OriginId me) throws MalformedFrameException {
    if (bytes.length < 2
        || (bytes[0] & 0xff) << 8 != (MAGIC & 0xff00)
        || bytes[1] != (byte) MAGIC) {
      throw new MalformedFrameException(MalformedFrameException.Kind.FOREIGN, null, "no magic");
    }
    if (bytes.length < HEADER + Seal.CRC_BYTES) {
      throw new MalformedFrameException("shorter than a header");
    }
    FrameSealer.Verdict verdict = sealer.check(bytes, bytes.length, channel, me);
    if (verdict == FrameSealer.Verdict.Refused.DAMAGED) {
      throw new MalformedFrameException("checksum or signature");
    }
    ByteReader header = new ByteReader(bytes, 2, HEADER);
    int version = header.u8();
    int type = header.u8();
    int flags = header.u8();
    int shard = header.u8();
    OriginId from = header.origin();
    if (version != VERSION) {
      throw MalformedFrameException.unknownVersion(from, version);
    }
    if (!FrameType.isKnown(type)) {
      throw new MalformedFrameException(
          MalformedFrameException.Kind.UNKNOWN_TYPE, from, "type " + type);
    }
    if (!FrameType.on(channel, type)) {
      throw new MalformedFrameException(
          MalformedFrameException.Kind.WRONG_CHANNEL, from, "type " + type + " on " + channel);
    }
    if (shard != 0) throw new MalformedFrameException("a shard other than 0");
    boolean inspects = type == FrameType.DIGEST_REQUEST || channel == Channel.OBSERVER;
    if (!(verdict instanceof FrameSealer.Verdict.Accepted(var seal))) {
      // an observer is no instance, and so no sign of a group with another key
      boolean observer = type == FrameType.DIGEST_REQUEST && (flags & FrameFlags.OBSERVER) != 0;
      throw new MalformedFrameException(
          observer
              ? MalformedFrameException.Kind.INSPECTION_KEY
              : MalformedFrameException.Kind.OTHER_KEY,
          from,
          "sealed with another key, or none");
    }
    if (!seal.mayWrite() && !inspects) {
      throw new MalformedFrameException(
          MalformedFrameException.Kind.INSPECTION_KEY, from, "type " + type);
    }
    lastSeal = seal;
    ByteReader in = new ByteReader(bytes, HEADER, bytes.length - seal.trailerBytes());
    origins.begin();
    try {
      Frame frame = reader.frame(type, flags, from, in);
      in.end();
      return frame;
    } catch (MalformedFrameException malformed) {
      origins.rollback();
      throw malformed.sentBy(from);
    }
  }
}
