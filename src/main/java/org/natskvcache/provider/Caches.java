package org.natskvcache.provider;

import java.util.SortedMap;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;

/**
 * The caches of this process, one for each link name. May be used by several threads; no method
 * waits for a network.
 */
public interface Caches {
  /**
   * Opens the cache of a link name, connecting in the background if it replicates. Data left from a
   * former life with equal settings is found again, under a new origin; with other settings the
   * cache starts empty.
   */
  Replica open(String linkName, CacheSettings settings);

  /**
   * The last link of this name is gone: the cache leaves its group and keeps its data. Unknown
   * names are ignored.
   */
  void release(String linkName);

  /** The status of every open cache, by link name. */
  SortedMap<String, ReplicaStatus> statuses();
}
