package org.natskvcache.wrpc;

import java.io.Serial;

/**
 * Why a value could not be read to its end. Without stack trace: peers cause it, and may do so for
 * each message they send.
 */
public abstract sealed class ValueException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  private ValueException(String message) {
    super(message, null, false, false);
  }

  /** The bytes so far are fine, but the value needs more of them. */
  public static final class Incomplete extends ValueException {
    @Serial private static final long serialVersionUID = 1;

    private final long missing;

    Incomplete(long missing) {
      super("the value ends early");
      this.missing = missing;
    }

    /** How many more bytes it needs at least, from 1. */
    public long missing() {
      return missing;
    }
  }

  /** No continuation can make this a value, or not one within the limits. */
  public static final class Malformed extends ValueException {
    @Serial private static final long serialVersionUID = 1;

    /**
     * @param message one sentence that repeats nothing of the bytes
     */
    public Malformed(String message) {
      super(message);
    }
  }
}
