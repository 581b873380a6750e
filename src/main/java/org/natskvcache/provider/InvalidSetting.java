package org.natskvcache.provider;

/**
 * Why a link was refused.
 *
 * @param key the setting
 * @param place where it was given
 * @param reason what is wrong with it, to be read after the key; never a secret
 */
public record InvalidSetting(SettingKey key, Place place, String reason) {
  @Override
  public String toString() {
    return place.named(key) + " " + reason;
  }
}
