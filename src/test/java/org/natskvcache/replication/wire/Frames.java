package org.natskvcache.replication.wire;

import java.util.Arrays;
import java.util.List;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;

/** Frames to bytes and back for tests to which it does not matter where a frame goes. */
public final class Frames {
  /** Whom frames are for that name no one. */
  public static final OriginId ANYBODY = new OriginId(0, 0);

  private static final int TYPE = 3;
  private static final int FLAGS = 4;

  private Frames() {}

  /** A channel on which the frame counts; for bytes that are none, any. */
  public static Channel channel(byte[] frame) {
    int type = frame.length > TYPE ? frame[TYPE] : 0;
    for (Channel channel : Channel.values()) if (FrameType.on(channel, type)) return channel;
    throw new IllegalArgumentException("on no channel: " + type);
  }

  public static byte[] encode(FrameCodec codec, Frame frame) {
    return codec.encode(
        frame, channel(new byte[] {0, 0, 0, (byte) FrameWriter.type(frame)}), ANYBODY);
  }

  /** The frame of an author's only mutation, who has seen nothing. */
  public static byte[] only(OriginId author, Op op) {
    Origins origins = new Origins();
    long dot = Dot.of(origins.slot(author), 1);
    Mutation only = new Mutation(dot, 1, new int[0], new long[0], null, 0, op);
    return encode(new FrameCodec(origins), new Frame.Mutations(author, List.of(only)));
  }

  /** Decodes a frame whatever it is signed with; a damaged one with a key is not noticed. */
  public static Frame decode(FrameCodec codec, byte[] frame) throws MalformedFrameException {
    byte[] unkeyed = unkeyed(frame);
    return codec.decode(unkeyed, channel(unkeyed), ANYBODY);
  }

  /** The same frame with a checksum in place of a signature. */
  public static byte[] unkeyed(byte[] frame) {
    boolean keyed = frame.length > FLAGS + Seal.ID_BYTES + Seal.MAC_BYTES && frame[FLAGS] < 0;
    if (!keyed) return frame;
    int end = frame.length - Seal.ID_BYTES - Seal.MAC_BYTES;
    byte[] unkeyed = Arrays.copyOf(frame, end + Seal.CRC_BYTES);
    FrameKeys.NONE.sealer().seal(unkeyed, Seal.UNKEYED, channel(frame), ANYBODY);
    return unkeyed;
  }
}
