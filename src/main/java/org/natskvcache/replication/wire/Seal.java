package org.natskvcache.replication.wire;

import org.jspecify.annotations.Nullable;

/**
 * How a frame is sealed: with which of the keys, for which use. Means the same to every {@link
 * FrameSealer} of equal {@link FrameKeys}. An answer is sealed as its question was.
 *
 * @param use null without a key
 * @param entry which entry of the setting, from 0; -1 without a key
 */
public record Seal(FrameKeys.@Nullable Use use, int entry) {
  /** A checksum, no key. */
  public static final Seal UNKEYED = new Seal(null, -1);

  static final int CRC_BYTES = 4;
  static final int ID_BYTES = 4;
  static final int MAC_BYTES = 16;

  public boolean isKeyed() {
    return use != null;
  }

  /** Whether who sealed so may change something. */
  public boolean mayWrite() {
    return use != FrameKeys.Use.INSPECT;
  }

  /** What the seal takes at the end of a frame, bytes. */
  public int trailerBytes() {
    return isKeyed() ? ID_BYTES + MAC_BYTES : CRC_BYTES;
  }
}
