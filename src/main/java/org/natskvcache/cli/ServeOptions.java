package org.natskvcache.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code serve} is to do.
 *
 * @param natsUrl servers of the lattice, and of links that name none, separated by commas; null for
 *     those of the environment
 * @param lattice the lattice's name, one or more subject tokens
 * @param providerId this provider's name on the lattice, one subject token
 * @param links at least one, names distinct, in the order given
 * @param clusterIssuers public keys (C...) whose invocations are accepted; may be empty
 * @param actors public keys (M...) that are linked by every link; may be empty
 * @param components ids of components that are linked by every link; may be empty
 */
public record ServeOptions(
    @Nullable String natsUrl,
    String lattice,
    String providerId,
    List<LinkOptions> links,
    List<String> clusterIssuers,
    List<String> actors,
    List<String> components,
    LogOptions logging) {
  public ServeOptions {
    links = List.copyOf(links);
    clusterIssuers = List.copyOf(clusterIssuers);
    actors = List.copyOf(actors);
    components = List.copyOf(components);
  }

  /** Without the servers. */
  @Override
  public String toString() {
    return "ServeOptions[lattice="
        + lattice
        + ", providerId="
        + providerId
        + ", links="
        + links
        + "]";
  }
}
