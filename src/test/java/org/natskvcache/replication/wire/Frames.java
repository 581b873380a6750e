package org.natskvcache.replication.wire;

import org.natskvcache.crdt.OriginId;

/** Frames to bytes and back for tests to which it does not matter where a frame goes. */
public final class Frames {
  /** Whom frames are for that name no one. */
  public static final OriginId ANYBODY = new OriginId(0, 0);

  private static final int TYPE = 3;

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

  public static Frame decode(FrameCodec codec, byte[] frame) throws MalformedFrameException {
    return codec.decode(frame, channel(frame), ANYBODY);
  }
}
