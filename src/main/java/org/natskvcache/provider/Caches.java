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
   * cache starts empty. Whatever it throws, all is as before.
   *
   * @throws IllegalArgumentException when the settings cannot be used; its message names the reason
   *     and no value
   */
  Replica open(String linkName, CacheSettings settings);

  /**
   * The last link of this name is gone: the cache leaves its group and keeps its data, within the
   * bounds of {@link #use}. Unknown names are ignored.
   */
  void release(String linkName);

  /** Changes how many released caches are kept, and how long, from now on. */
  void use(ProcessSettings settings);

  /** The status of every open cache, by link name. */
  SortedMap<String, ReplicaStatus> statuses();
}
