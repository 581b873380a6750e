package org.natskvcache.rpc.wrpc;

import java.util.List;
import java.util.Map;
import org.natskvcache.store.Bytes;

/**
 * A link as a host lists it: with names of configurations instead of values.
 *
 * @param link without values and secrets
 * @param sourceConfig names of the configurations for the source; a later one replaces keys of an
 *     earlier one
 * @param targetConfig names of those for the target
 */
public record ListedLink(InterfaceLink link, List<String> sourceConfig, List<String> targetConfig) {
  /** How names of secrets begin. Source: wasmCloud 1.9, {@code crates/secrets-types/src/lib.rs}. */
  private static final String SECRET_PREFIX = "SECRET";

  public ListedLink {
    sourceConfig = List.copyOf(sourceConfig);
    targetConfig = List.copyOf(targetConfig);
  }

  /** Whether a host tells the values of a configuration to anybody: a secret's it does not. */
  public static boolean isPublic(String configuration) {
    return !configuration.startsWith(SECRET_PREFIX);
  }

  /** The link as a host publishes it to its source and target. */
  public InterfaceLink with(Map<String, String> sourceValues, Map<String, String> targetValues) {
    return new InterfaceLink(
        link.source(),
        link.target(),
        link.name(),
        link.witNamespace(),
        link.witPackage(),
        link.interfaces(),
        sourceValues,
        targetValues,
        Bytes.EMPTY,
        Bytes.EMPTY);
  }
}
