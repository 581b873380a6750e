package org.natskvcache.provider;

import java.util.ArrayList;
import java.util.List;

/**
 * Settings of the whole process, checked. They come from the provider's configuration or the
 * environment, never from a link.
 *
 * @param releasedCachesMax most caches without a link that are kept; 0: none
 * @param releasedCacheSeconds how long such a cache is kept, seconds; 0: not at all
 * @param problems values that make no sense; the default counts instead
 */
public record ProcessSettings(
    int releasedCachesMax, int releasedCacheSeconds, List<InvalidSetting> problems) {
  static final int CACHES_LIMIT = 10_000;
  static final int SECONDS_LIMIT = 604_800;

  public ProcessSettings {
    problems = List.copyOf(problems);
  }

  /** Checks what the provider's configuration and the environment say. */
  public static ProcessSettings of(LinkValues values) {
    List<InvalidSetting> problems = new ArrayList<>();
    int caches = number(values, SettingKey.RELEASED_CACHES_MAX, CACHES_LIMIT, 16, problems);
    int seconds = number(values, SettingKey.RELEASED_CACHE_SECS, SECONDS_LIMIT, 3_600, problems);
    return new ProcessSettings(caches, seconds, problems);
  }

  private static int number(
      LinkValues values, SettingKey key, int max, int otherwise, List<InvalidSetting> problems) {
    String text = values.value(key).orElse("" + otherwise);
    int number =
        text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : -1; // nine digits cannot overflow
    if (number >= 0 && number <= max) return number;
    problems.add(
        new InvalidSetting(
            key,
            values.place(key).orElse(Place.ENVIRONMENT),
            "is not a whole number from 0 to " + max + "; " + otherwise + " counts"));
    return otherwise;
  }
}
