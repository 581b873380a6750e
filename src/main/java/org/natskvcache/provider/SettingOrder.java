package org.natskvcache.provider;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which place counts where a key is given in several; the first named wins.
 *
 * <pre>
 *   under a host            link secret, link, provider secret, provider configuration, environment
 *   serve, a link           --link-config, --link-file, --nats-url, environment
 *   serve, the lattice      --nats-url, environment
 *   shell, doctor           --link-config, --nats-url, --link-file, environment
 *   bench                   its options, environment
 * </pre>
 */
public final class SettingOrder {
  private SettingOrder() {}

  /** What a link of a host sets for itself. */
  public static LinkValues ofLink(Map<String, String> secrets, Map<String, String> config) {
    return LinkValues.layered(
        List.of(LinkValues.of(Place.LINK_SECRET, secrets), LinkValues.of(Place.LINK, config)));
  }

  /** What counts under a host where a link sets nothing. */
  public static LinkValues ofProvider(
      Map<String, String> secrets, Map<String, String> config, Map<String, String> environment) {
    return LinkValues.layered(
        List.of(
            LinkValues.of(Place.PROVIDER_SECRET, secrets),
            LinkValues.of(Place.PROVIDER_CONFIGURATION, config),
            LinkValues.of(Place.ENVIRONMENT, environment)));
  }

  /**
   * What a link of {@code serve} sets for itself.
   *
   * @param config of {@code --link-config}
   * @param file of {@code --link-file}
   */
  public static LinkValues ofServedLink(Map<String, String> config, Map<String, String> file) {
    return LinkValues.layered(
        List.of(LinkValues.of(Place.LINK_CONFIG, config), LinkValues.of(Place.LINK_FILE, file)));
  }

  /**
   * What counts for the lattice of {@code serve}, and where its links set nothing.
   *
   * @param natsUrl of {@code --nats-url}, or null
   * @param update configuration from the lattice: fills gaps, changes nothing that was given
   */
  public static LinkValues ofServe(
      @Nullable String natsUrl, Map<String, String> environment, Map<String, String> update) {
    return LinkValues.layered(
        List.of(
            ofFlag(natsUrl),
            LinkValues.of(Place.ENVIRONMENT, environment),
            LinkValues.of(Place.PROVIDER_CONFIGURATION, update)));
  }

  /**
   * What counts for a link of {@code shell} and {@code doctor}: what was typed is never overruled.
   *
   * @param config of {@code --link-config}
   * @param natsUrl of {@code --nats-url}, or null
   * @param file of {@code --link-file}
   */
  public static LinkValues ofLinkUsed(
      Map<String, String> config,
      @Nullable String natsUrl,
      Map<String, String> file,
      Map<String, String> environment) {
    return LinkValues.layered(
        List.of(
            LinkValues.of(Place.LINK_CONFIG, config),
            ofFlag(natsUrl),
            LinkValues.of(Place.LINK_FILE, file),
            LinkValues.of(Place.ENVIRONMENT, environment)));
  }

  /**
   * What counts for the connections of {@code bench}.
   *
   * @param flags its options, as keys
   */
  public static LinkValues ofBench(Map<String, String> flags, Map<String, String> environment) {
    return LinkValues.layered(
            List.of(
                LinkValues.of(Place.FLAG, flags), LinkValues.of(Place.ENVIRONMENT, environment)))
        .ofConnection();
  }

  private static LinkValues ofFlag(@Nullable String natsUrl) {
    return LinkValues.of(
        Place.FLAG, natsUrl == null ? Map.of() : Map.of(SettingKey.NATS_URL.name(), natsUrl));
  }
}
