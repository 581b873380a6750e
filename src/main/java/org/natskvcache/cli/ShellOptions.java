package org.natskvcache.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code shell} is to do.
 *
 * @param natsUrl the default {@code NATS_URL} of every link, null for standalone caches; holds
 *     credentials when it came from the environment
 * @param links at least one, names distinct, in the order given; the first is the one in use at the
 *     start
 * @param alone whether a script may write what no other instance hears
 */
public record ShellOptions(
    @Nullable String natsUrl, List<LinkOptions> links, LogOptions logging, boolean alone) {
  public ShellOptions {
    links = List.copyOf(links);
  }

  /** Leaves out the URL, which may hold a password. */
  @Override
  public String toString() {
    return "ShellOptions[links=" + links + "]";
  }
}
