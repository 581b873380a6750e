package org.natskvcache.provider;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Settings with the place each comes from. A blank value is as good as none. Equal when the values
 * are, wherever they come from. Prints keys only.
 */
public final class LinkValues {
  private static final Set<SettingKey> SEED_LOGIN =
      EnumSet.of(SettingKey.CLIENT_SEED, SettingKey.CLIENT_JWT);
  private static final Set<SettingKey> CREDENTIALS_LOGIN =
      EnumSet.of(SettingKey.NATS_CREDS, SettingKey.NATS_CREDS_FILE);

  private record Value(String text, Place place) {}

  private final EnumMap<SettingKey, Value> values = new EnumMap<>(SettingKey.class);

  private LinkValues() {}

  /**
   * The settings of one place; keys in any case (of two spellings the one in capitals wins),
   * unknown ones left out.
   */
  public static LinkValues of(Place place, Map<String, String> source) {
    var result = new LinkValues();
    new TreeMap<>(source)
        .descendingMap() // capitals sort first, so they are put last
        .forEach((name, value) -> result.put(name, value, place));
    return result;
  }

  /** The values of a link. */
  public static LinkValues of(Map<String, String> source) {
    return of(Place.LINK, source);
  }

  /**
   * The settings of several places, the most important first. The two kinds of login are not mixed:
   * a nearer {@code CLIENT_SEED} or {@code CLIENT_JWT} hides farther credentials of {@code
   * NATS_CREDS} and {@code NATS_CREDS_FILE}; these hide farther ones of both kinds.
   */
  public static LinkValues layered(List<LinkValues> highestFirst) {
    var result = new LinkValues();
    for (LinkValues layer : highestFirst.reversed()) {
      Set<SettingKey> given = layer.values.keySet();
      if (given.stream().anyMatch(CREDENTIALS_LOGIN::contains)) {
        result.values.keySet().removeAll(SEED_LOGIN);
        result.values.keySet().removeAll(CREDENTIALS_LOGIN);
      }
      if (given.stream().anyMatch(SEED_LOGIN::contains)) {
        result.values.keySet().removeAll(CREDENTIALS_LOGIN);
      }
      result.values.putAll(layer.values);
    }
    return result;
  }

  private void put(String name, String value, Place place) {
    String text = value.strip();
    if (!text.isEmpty()) {
      SettingKey.parse(name).ifPresent(key -> values.put(key, new Value(text, place)));
    }
  }

  /** Those that decide how to reach a server. */
  LinkValues ofConnection() {
    var result = new LinkValues();
    values.forEach((key, value) -> {
      if (key.isOfConnection()) result.values.put(key, value);
    });
    return result;
  }

  /** The value, without surrounding space and never empty. */
  public Optional<String> value(SettingKey key) {
    return Optional.ofNullable(values.get(key)).map(Value::text);
  }

  /** Where the value comes from; empty when there is none. */
  public Optional<Place> place(SettingKey key) {
    return Optional.ofNullable(values.get(key)).map(Value::place);
  }

  /** The keys that have a value. */
  public Set<SettingKey> keys() {
    return Set.copyOf(values.keySet());
  }

  /** All values by the names of their keys: may hold secrets. */
  public SortedMap<String, String> texts() {
    SortedMap<String, String> texts = new TreeMap<>();
    values.forEach((key, value) -> texts.put(key.name(), value.text()));
    return texts;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LinkValues that && texts().equals(that.texts());
  }

  @Override
  public int hashCode() {
    return texts().hashCode();
  }

  @Override
  public String toString() {
    return "values of " + values.keySet();
  }
}
