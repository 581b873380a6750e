package org.natskvcache.provider;

/**
 * Why a link was refused.
 *
 * @param key the setting
 * @param reason what is wrong with it, to be read after the key; never the value
 */
public record InvalidSetting(SettingKey key, String reason) {
  @Override
  public String toString() {
    return key + " " + reason;
  }
}
