package org.natskvcache.rpc.wrpc;

import java.io.Serial;

/** A control message we cannot read. Its message is one sentence without content, safe to log. */
public final class MalformedMessageException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  /** Says what is wrong, repeating nothing of the message. */
  public MalformedMessageException(String message) {
    super(message);
  }
}
