package org.natskvcache.nats;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which NATS servers to connect to, and as whom.
 *
 * @param servers addresses, {@code nats://}, {@code tls://}, {@code ws://} or {@code wss://}, tried
 *     in turn; {@code user:password@} or {@code token@} may stand before the host, percent-encoded
 *     where needed
 * @param jwt the user's JWT, or null
 * @param seed the user's nkey seed ({@code SU...}), or null; alone it is nkey authentication
 * @param credsFile a {@code .creds} file in place of both, or null
 * @param caFile PEM certificates to trust instead of the system's, or null
 * @param certFile our PEM certificate chain, own first, or null
 * @param keyFile its private key, PEM PKCS#8, or null
 * @param ignoreDiscovered whether servers that a server tells of are left alone
 */
public record ConnectionSettings(
    List<String> servers,
    @Nullable String jwt,
    @Nullable String seed,
    @Nullable Path credsFile,
    @Nullable Path caFile,
    @Nullable Path certFile,
    @Nullable Path keyFile,
    boolean ignoreDiscovered) {
  private static final List<String> SCHEMES = List.of("nats", "tls", "ws", "wss");

  /**
   * Checks what has to go together. An address without a scheme gets {@code nats://}.
   *
   * @throws IllegalArgumentException naming what is wrong, never a value
   */
  public ConnectionSettings {
    servers =
        servers.stream()
            .map(String::strip)
            .filter(server -> !server.isEmpty())
            .map(server -> server.contains("://") ? server : "nats://" + server)
            .toList();
    if (servers.isEmpty()) {
      throw new IllegalArgumentException("no NATS server address");
    }
    for (String server : servers) {
      String scheme = scheme(server);
      if (!SCHEMES.contains(scheme)) {
        throw new IllegalArgumentException("a NATS server address is not one of " + SCHEMES);
      }
    }
    ServerCredentials.of(servers);
    if (jwt != null && seed == null) {
      throw new IllegalArgumentException("a JWT needs its seed");
    }
    if ((certFile == null) != (keyFile == null)) {
      throw new IllegalArgumentException(
          "a client certificate needs its key, and a key its certificate");
    }
  }

  /** Settings with nothing but addresses, separated by commas. */
  public static ConnectionSettings of(String urls) {
    return new ConnectionSettings(
        Arrays.asList(urls.split(",", -1)), null, null, null, null, null, null, false);
  }

  /** The same with other credentials. */
  public ConnectionSettings withCredentials(@Nullable String newJwt, @Nullable String newSeed) {
    return new ConnectionSettings(
        servers, newJwt, newSeed, credsFile, caFile, certFile, keyFile, ignoreDiscovered);
  }

  /** The same with a file of credentials. */
  public ConnectionSettings withCredsFile(@Nullable Path newCredsFile) {
    return new ConnectionSettings(
        servers, jwt, seed, newCredsFile, caFile, certFile, keyFile, ignoreDiscovered);
  }

  /** The same with other TLS files. */
  public ConnectionSettings withTls(
      @Nullable Path newCaFile, @Nullable Path newCertFile, @Nullable Path newKeyFile) {
    return new ConnectionSettings(
        servers, jwt, seed, credsFile, newCaFile, newCertFile, newKeyFile, ignoreDiscovered);
  }

  /** The same, but for whether servers that a server tells of are left alone. */
  public ConnectionSettings ignoringDiscovered(boolean ignore) {
    return new ConnectionSettings(servers, jwt, seed, credsFile, caFile, certFile, keyFile, ignore);
  }

  /** Whether these settings insist on TLS: then a server without it is refused. */
  public boolean tls() {
    return caFile != null
        || certFile != null
        || servers.stream()
            .map(ConnectionSettings::scheme)
            .anyMatch(Set.of("tls", "wss")::contains);
  }

  /** The addresses as they may be logged. */
  public String redacted() {
    return servers.stream().map(ConnectionSettings::redacted).collect(Collectors.joining(","));
  }

  /** An address, or several separated by commas, without what stands before the {@code @}. */
  public static String redacted(String urls) {
    return Arrays.stream(urls.split(",", -1))
        .map(ConnectionSettings::redactedOne)
        .collect(Collectors.joining(","));
  }

  private static String redactedOne(String url) {
    int at = url.lastIndexOf('@');
    if (at < 0) {
      return url;
    }
    int authority = url.indexOf("://");
    return (authority < 0 || authority > at ? "" : url.substring(0, authority + 3))
        + "***"
        + url.substring(at);
  }

  private static String scheme(String server) {
    return server.substring(0, server.indexOf("://")).toLowerCase(Locale.ROOT);
  }

  /** Without credentials. */
  @Override
  public String toString() {
    return "ConnectionSettings["
        + redacted()
        + (jwt == null ? "" : ", jwt")
        + (seed == null ? "" : ", seed")
        + (credsFile == null ? "" : ", creds=" + credsFile)
        + (caFile == null ? "" : ", ca=" + caFile)
        + (certFile == null ? "" : ", cert=" + certFile)
        + "]";
  }
}
