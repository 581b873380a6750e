package org.natskvcache.provider;

/** A place where settings are given. {@link SettingOrder} says which of them counts. */
public enum Place {
  /** Secrets of a link, from hosts since 1.1. */
  LINK_SECRET("link secret", " of the link's secrets"),
  /** Values of a link, from a host. */
  LINK("link", ""),
  /** Secrets of the provider, from hosts since 1.1. */
  PROVIDER_SECRET("provider secret", " of the provider's secrets"),
  /** The provider's configuration, from a host. */
  PROVIDER_CONFIGURATION("provider configuration", " of the provider configuration"),
  /** The option {@code --link-config}. */
  LINK_CONFIG("--link-config", " of --link-config"),
  /** A file named by {@code --link-file}. */
  LINK_FILE("--link-file", " of --link-file"),
  /** An option that stands for one key. */
  FLAG("--nats-url", ""),
  /** The process's environment. */
  ENVIRONMENT("environment", " of the environment");

  private final String text;
  private final String suffix;

  Place(String text, String suffix) {
    this.text = text;
    this.suffix = suffix;
  }

  /** The place's name; that of {@link #FLAG} is the option of {@code NATS_URL}. */
  public String text() {
    return text;
  }

  /** A key as the person who set it here knows it. */
  public String named(SettingKey key) {
    return this == FLAG ? flag(key) : key + suffix;
  }

  private static String flag(SettingKey key) {
    return switch (key) {
      case NATS_URL -> "--nats-url";
      case NATS_CREDS_FILE -> "--creds";
      case NATS_CA_FILE -> "--ca-file";
      case NATS_CERT_FILE -> "--cert-file";
      case NATS_KEY_FILE -> "--key-file";
      default -> key.name();
    };
  }
}
