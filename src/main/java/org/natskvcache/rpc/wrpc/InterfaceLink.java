package org.natskvcache.rpc.wrpc;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.natskvcache.store.Bytes;

/**
 * A host's permission for {@code source} to call {@code target} through an interface. Its identity
 * is all but the interfaces, the configuration and the secrets. Prints without its values, which
 * may hold credentials. Source: wasmCloud 1.9, {@code InterfaceLinkDefinition}.
 *
 * @param source id of the caller: a component, or us where we call a watcher
 * @param target id of the called
 * @param name name of the link, {@code default} unless the operator chose another
 * @param witNamespace {@code wasi}
 * @param witPackage {@code keyvalue}
 * @param interfaces without version: {@code store}, {@code atomics}, {@code batch}, {@code watcher}
 * @param sourceConfig settings for the source, keys as the operator wrote them
 * @param targetConfig settings for the target
 * @param sourceSecrets sealed for the source; empty for none
 * @param targetSecrets sealed for the target; empty for none
 */
public record InterfaceLink(
    String source,
    String target,
    String name,
    String witNamespace,
    String witPackage,
    List<String> interfaces,
    Map<String, String> sourceConfig,
    Map<String, String> targetConfig,
    Bytes sourceSecrets,
    Bytes targetSecrets) {
  public InterfaceLink {
    interfaces = List.copyOf(interfaces);
    sourceConfig = Collections.unmodifiableSortedMap(new TreeMap<>(sourceConfig));
    targetConfig = Collections.unmodifiableSortedMap(new TreeMap<>(targetConfig));
  }

  /** A link by which {@code source} calls the cache that we are, with settings of ours. */
  public static InterfaceLink of(
      String source, String target, String name, Map<String, String> targetConfig) {
    return new InterfaceLink(
        source,
        target,
        name,
        "wasi",
        "keyvalue",
        List.of("store", "atomics", "batch"),
        Map.of(),
        targetConfig,
        Bytes.EMPTY,
        Bytes.EMPTY);
  }

  /** Whether it links the interfaces we know. */
  public boolean isOfKeyValue() {
    return witNamespace.equals("wasi") && witPackage.equals("keyvalue");
  }

  @Override
  public String toString() {
    return "link source="
        + source
        + " target="
        + target
        + " name="
        + name
        + " interface="
        + witNamespace
        + ":"
        + witPackage
        + interfaces
        + " source_keys="
        + sourceConfig.keySet()
        + " target_keys="
        + targetConfig.keySet();
  }
}
