package org.natskvcache.cli;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A link asked for on the command line.
 *
 * @param name the link name, which is also the cache's; not empty, no white space
 * @param config its configuration; keys compare without case and iterate in that order; may hold
 *     secrets
 */
public record LinkOptions(String name, SortedMap<String, String> config) {
  public LinkOptions {
    SortedMap<String, String> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    copy.putAll(config);
    config = Collections.unmodifiableSortedMap(copy);
  }

  /** Names the keys only: values may be secrets. */
  @Override
  public String toString() {
    return "LinkOptions[name=" + name + ", keys=" + config.keySet() + "]";
  }
}
