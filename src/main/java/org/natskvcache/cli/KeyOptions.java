package org.natskvcache.cli;

import org.natskvcache.provider.LinkValues;

/** What {@code key} is to do. */
public sealed interface KeyOptions {
  /** Print a fresh replication key. */
  record Fresh() implements KeyOptions {}

  /**
   * Print the inspection key that belongs to a replication key.
   *
   * @param values with a {@code REPLICATION_KEY}, of any content
   */
  record Inspect(LinkValues values) implements KeyOptions {}
}
