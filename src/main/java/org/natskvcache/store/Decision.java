package org.natskvcache.store;

import org.jspecify.annotations.Nullable;

/**
 * What a command comes to: its reply, and the operation that makes the reply true.
 *
 * @param op null when nothing changes
 */
public record Decision(Reply reply, @Nullable Op op) {
  static final Reply DONE = new Reply.Done();
  static final Reply ABSENT = new Reply.Absent();
  static final Reply NO = new Reply.Flag(false);
  static final Reply YES = new Reply.Flag(true);
  static final Reply EMPTY = new Reply.Values(java.util.List.of());

  static Decision of(Reply reply) {
    return new Decision(reply, null);
  }

  static Decision rejected(Reply.Reason reason, String detail) {
    return new Decision(new Reply.Rejected(reason, detail), null);
  }
}
