package org.natskvcache.replication.wire;

import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;

/**
 * Bytes that are not a frame of ours, or a damaged one. Thrown by decoders, caught where frames
 * enter; no stack trace.
 */
public final class MalformedFrameException extends Exception {
  /** What is wrong with the bytes. */
  public enum Kind {
    /** Another program's message. */
    FOREIGN,
    /** A version of the protocol this release does not read. */
    UNKNOWN_VERSION,
    /** Ours, but damaged or made wrongly. */
    DAMAGED
  }

  private static final long serialVersionUID = 1;

  private final Kind kind;
  private final @Nullable OriginId from;

  /** How many bytes more would have been needed to go on; 0 if more bytes would not help. */
  private final int bytesMissing;

  MalformedFrameException(Kind kind, @Nullable OriginId from, String detail) {
    this(kind, from, detail, 0);
  }

  private MalformedFrameException(
      Kind kind, @Nullable OriginId from, String detail, int bytesMissing) {
    super(detail, null, false, false);
    this.kind = kind;
    this.from = from;
    this.bytesMissing = bytesMissing;
  }

  static MalformedFrameException cutOff(int bytesMissing) {
    return new MalformedFrameException(Kind.DAMAGED, null, "cut off", bytesMissing);
  }

  int bytesMissing() {
    return bytesMissing;
  }

  MalformedFrameException(String detail) {
    this(Kind.DAMAGED, null, detail);
  }

  /** The sender, where the bytes say; else null. */
  public @Nullable OriginId from() {
    return from;
  }

  public Kind kind() {
    return kind;
  }
}
