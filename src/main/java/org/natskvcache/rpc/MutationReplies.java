package org.natskvcache.rpc;

import java.util.Locale;
import java.util.Optional;

/**
 * What a successful mutation answers on {@code wasmcloud:keyvalue}; the link key {@code
 * MUTATION_REPLIES}. Refusals are errors either way.
 */
public enum MutationReplies {
  /** What happened here: the new counter value, the new length, whether something was removed. */
  ACTUAL,
  /** The type's zero value (0, false, nothing), as the original cache answered. */
  DEFAULT;

  /** Reads a link value, in any case. */
  public static Optional<MutationReplies> parse(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "actual" -> Optional.of(ACTUAL);
      case "default" -> Optional.of(DEFAULT);
      default -> Optional.empty();
    };
  }
}
