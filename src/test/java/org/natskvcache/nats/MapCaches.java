package org.natskvcache.nats;

import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.Thrown;
import org.natskvcache.node.PosingReplica;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.Caches;
import org.natskvcache.provider.ProcessSettings;

/** Standalone caches, one for each link name, and what was done with them. */
public final class MapCaches implements Caches {
  private final Map<String, PosingReplica> replicas = new ConcurrentHashMap<>();
  final Map<String, CacheSettings> opened = new ConcurrentHashMap<>();
  final Set<String> released = ConcurrentHashMap.newKeySet();

  /** What opening and releasing throw; null for nothing. */
  volatile @Nullable Throwable thrown;

  PosingReplica replica(String linkName) {
    return replicas.get(linkName);
  }

  @Override
  public Replica open(String linkName, CacheSettings settings) {
    if (thrown != null) Thrown.raise(thrown);
    opened.put(linkName, settings);
    return replicas.computeIfAbsent(linkName, name -> new PosingReplica());
  }

  @Override
  public void release(String linkName) {
    if (thrown != null) Thrown.raise(thrown);
    released.add(linkName);
  }

  @Override
  public void use(ProcessSettings settings) {}

  @Override
  public SortedMap<String, ReplicaStatus> statuses() {
    var statuses = new TreeMap<String, ReplicaStatus>();
    replicas.forEach((name, replica) -> statuses.put(name, replica.status()));
    return statuses;
  }
}
