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
 */
public record ShellOptions(@Nullable String natsUrl, List<LinkOptions> links, LogOptions logging) {
  public ShellOptions {
    links = List.copyOf(links);
  }

  /** Leaves out the URL, which may hold a password. */
  @Override
  public String toString() {
    return "ShellOptions[links=" + links + "]";
  }
}
