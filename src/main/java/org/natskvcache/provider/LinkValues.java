package org.natskvcache.provider;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Settings from several places, by precedence: link secret, link configuration, provider secret,
 * provider configuration, environment, flags. A blank value is as good as none. Prints keys only.
 */
public final class LinkValues {
  private final EnumMap<SettingKey, String> values = new EnumMap<>(SettingKey.class);

  private LinkValues() {}

  /**
   * One place's settings; keys in any case (of two spellings the one in capitals wins), unknown
   * ones left out.
   */
  public static LinkValues of(Map<String, String> source) {
    var result = new LinkValues();
    new TreeMap<>(source)
        .descendingMap()
        .forEach(result::put); // capitals sort first, so they are put last
    return result;
  }

  /** All places' settings, the most important first. */
  public static LinkValues layered(List<LinkValues> highestFirst) {
    var result = new LinkValues();
    for (LinkValues layer : highestFirst.reversed()) {
      result.values.putAll(layer.values);
    }
    return result;
  }

  private void put(String name, String value) {
    String text = value.strip();
    if (!text.isEmpty()) {
      SettingKey.parse(name).ifPresent(key -> values.put(key, text));
    }
  }

  /** The value, without surrounding space and never empty. */
  public Optional<String> value(SettingKey key) {
    return Optional.ofNullable(values.get(key));
  }

  /** The keys that have a value. */
  public Set<SettingKey> keys() {
    return Set.copyOf(values.keySet());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LinkValues that && values.equals(that.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  @Override
  public String toString() {
    return "values of " + values.keySet();
  }
}
