package org.natskvcache.provider;

import java.util.Collections;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Problems of the process that no cache knows of, for example a link that was refused. Health is
 * unhealthy while there is one. Any thread may use it.
 */
public final class HealthProblems {
  /** Most problems kept. A further one is dropped: health is unhealthy already. */
  public static final int PROBLEMS_MAX = 10_000;

  private final SortedMap<String, String> problems = new ConcurrentSkipListMap<>();

  /**
   * Adds a problem, or replaces the one with the same key.
   *
   * @param key names the source of the problem, for {@link #clear}; health lists problems in the
   *     order of their keys
   * @param problem one clause for health's message, without secrets and values
   */
  public void set(String key, String problem) {
    if (problems.size() < PROBLEMS_MAX || problems.containsKey(key)) problems.put(key, problem);
  }

  /** Removes the problem with this key, if there is one. */
  public void clear(String key) {
    problems.remove(key);
  }

  /** All problems by key: a live view that cannot be changed. */
  public SortedMap<String, String> all() {
    return Collections.unmodifiableSortedMap(problems);
  }
}
