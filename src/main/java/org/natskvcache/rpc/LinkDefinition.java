package org.natskvcache.rpc;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * A host's permission for one actor to call one provider, with settings. Prints without its values,
 * which may hold credentials.
 *
 * @param actorId public key of the actor, {@code M...}
 * @param providerId public key of the provider, {@code V...}; hosts send ours, nobody checks it
 * @param linkName name of the provider instance
 * @param contractId {@code wasmcloud:keyvalue}
 * @param values settings, keys as the operator wrote them, in ascending order
 */
public record LinkDefinition(
    String actorId,
    String providerId,
    String linkName,
    String contractId,
    Map<String, String> values) {
  public LinkDefinition {
    values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
  }

  @Override
  public String toString() {
    return "link actor="
        + actorId
        + " provider="
        + providerId
        + " name="
        + linkName
        + " keys="
        + values.keySet();
  }
}
