package org.natskvcache.cli;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A link asked for on the command line. Keys of its settings compare without case and iterate in
 * that order.
 *
 * @param name the link name, which is also the cache's; not empty, no white space
 * @param config its settings from {@code --link-config}
 * @param file its settings from files; may hold secrets
 */
public record LinkOptions(
    String name, SortedMap<String, String> config, SortedMap<String, String> file) {
  public LinkOptions {
    config = copy(config);
    file = copy(file);
  }

  private static SortedMap<String, String> copy(SortedMap<String, String> settings) {
    SortedMap<String, String> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    copy.putAll(settings);
    return Collections.unmodifiableSortedMap(copy);
  }

  /** Names the keys only: values may be secrets. */
  @Override
  public String toString() {
    return "LinkOptions[name="
        + name
        + ", keys="
        + config.keySet()
        + ", keys in files="
        + file.keySet()
        + "]";
  }
}
