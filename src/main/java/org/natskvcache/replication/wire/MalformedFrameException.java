package org.natskvcache.replication.wire;

import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;

/**
 * Bytes that are not a frame of ours, or a damaged one, or one beyond a bound. Thrown by decoders,
 * caught where frames enter; no stack trace.
 */
public final class MalformedFrameException extends Exception {
  /** What is wrong with the bytes. */
  public enum Kind {
    /** Another program's message. */
    FOREIGN,
    /** A version of the protocol this release does not read. */
    UNKNOWN_VERSION,
    /** A type of frame of a later release, which concerns only those who know it. */
    UNKNOWN_TYPE,
    /** An operation of a later release: whoever does not know it cannot follow its author. */
    UNKNOWN_OPERATION,
    /** A type of frame that does not count on the channel it came on. */
    WRONG_CHANNEL,
    /** Signed with a key that is not ours, or whole without one although ours are required. */
    OTHER_KEY,
    /** By an observer whose key, or the lack of one, does not allow this. */
    INSPECTION_KEY,
    /** Ours, but damaged or made wrongly. */
    DAMAGED,
    /** Names more new origins than there is room for at present. */
    TOO_MANY_NAMES
  }

  private static final long serialVersionUID = 1;

  private final Kind kind;
  private final @Nullable OriginId from;
  private final long number;

  /** How many bytes more would have been needed to go on; 0 if more bytes would not help. */
  private final int bytesMissing;

  MalformedFrameException(Kind kind, @Nullable OriginId from, String detail) {
    this(kind, from, detail, 0, 0);
  }

  private MalformedFrameException(
      Kind kind, @Nullable OriginId from, String detail, long number, int bytesMissing) {
    super(detail, null, false, false);
    this.kind = kind;
    this.from = from;
    this.number = number;
    this.bytesMissing = bytesMissing;
  }

  static MalformedFrameException cutOff(int bytesMissing) {
    return new MalformedFrameException(Kind.DAMAGED, null, "cut off", 0, bytesMissing);
  }

  static MalformedFrameException tooManyNames() {
    return new MalformedFrameException(Kind.TOO_MANY_NAMES, null, "too many new origins");
  }

  int bytesMissing() {
    return bytesMissing;
  }

  MalformedFrameException(String detail) {
    this(Kind.DAMAGED, null, detail);
  }

  static MalformedFrameException unknownVersion(OriginId from, int version) {
    return new MalformedFrameException(
        Kind.UNKNOWN_VERSION, from, "version " + version, version, 0);
  }

  static MalformedFrameException unknownOperation(String what) {
    return new MalformedFrameException(Kind.UNKNOWN_OPERATION, null, what);
  }

  /** The same, said of a frame of this sender. */
  MalformedFrameException sentBy(OriginId sender) {
    return new MalformedFrameException(
        kind, sender, String.valueOf(getMessage()), number, bytesMissing);
  }

  /** The same, said of the mutation with this sequence. */
  MalformedFrameException at(long sequence) {
    return new MalformedFrameException(
        kind, from, String.valueOf(getMessage()), sequence, bytesMissing);
  }

  /** The sender, where the bytes say; else null. */
  public @Nullable OriginId from() {
    return from;
  }

  /**
   * The version if that is unknown; if an operation is, the sequence of the first mutation that
   * cannot be read, which {@link #from} wrote. Else 0.
   */
  public long number() {
    return number;
  }

  public Kind kind() {
    return kind;
  }

  /** Whether the bytes are right, and of a release that knows more or speaks otherwise. */
  public boolean ofAnotherRelease() {
    return switch (kind) {
      case UNKNOWN_VERSION, UNKNOWN_TYPE, UNKNOWN_OPERATION -> true;
      case FOREIGN, WRONG_CHANNEL, OTHER_KEY, INSPECTION_KEY, DAMAGED, TOO_MANY_NAMES -> false;
    };
  }
}
