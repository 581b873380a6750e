package org.natskvcache.replication.wire;

/** The bits of a frame's flags byte. What a type does not name is 0 and ignored. */
final class FrameFlags {
  /** Heartbeat, digest response: the sender is live. */
  static final int LIVE = 1;

  /** Heartbeat: the sender has just connected. */
  static final int HELLO = 2;

  /** Heartbeat: the sender cannot follow the group, because its release is too old. */
  static final int OUTDATED = 8;

  /** Snapshot chunk: the last one. */
  static final int LAST = 1;

  /** Snapshot refused: too many are served. */
  static final int BUSY = 1;

  /** Digest request: the sender is no instance. */
  static final int OBSERVER = 1;

  /** Digest response: nothing comes after what is listed. */
  static final int ALL_LISTED = 2;

  /** The frame ends with what the vector in it has forgotten: origin, sum of terms. */
  static final int FORGOTTEN = 4;

  private FrameFlags() {}
}
