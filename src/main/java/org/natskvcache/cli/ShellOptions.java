package org.natskvcache.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code shell} is to do.
 *
 * @param natsUrl servers of {@code --nats-url}, which count before those of a file and of the
 *     environment; null when it is not given
 * @param links at least one, names distinct, in the order given; the first is the one in use at the
 *     start
 * @param alone whether a script may write what no other instance hears
 */
public record ShellOptions(
    @Nullable String natsUrl, List<LinkOptions> links, LogOptions logging, boolean alone) {
  public ShellOptions {
    links = List.copyOf(links);
  }

  /** Without the servers. */
  @Override
  public String toString() {
    return "ShellOptions[links=" + links + "]";
  }
}
