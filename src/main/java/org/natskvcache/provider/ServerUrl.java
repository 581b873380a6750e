package org.natskvcache.provider;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * One NATS server. Prints without user, password or token.
 *
 * @param scheme {@code nats} or {@code tls}
 * @param userInfo {@code user:password} or a token, as written in the URL; empty for none
 * @param host lower case; an IPv6 address in brackets
 * @param port 1 to 65535
 */
public record ServerUrl(String scheme, String userInfo, String host, int port) {
  public static final int DEFAULT_PORT = 4222;

  /** What a refusal says about a text that {@link #parseList} does not take. */
  static final String EXPECTED = "is not a list of host:port, nats://host:port or tls://host:port";

  /**
   * Reads addresses separated by commas, at least one; one without a scheme is {@code nats://}. A
   * login in a later one only is refused: then its comma was taken for the end of the first, and a
   * part of it would be logged as a host.
   */
  public static Optional<List<ServerUrl>> parseList(String text) {
    var urls = new ArrayList<ServerUrl>();
    for (String part : text.split(",", -1)) {
      Optional<ServerUrl> url = parse(part.strip());
      if (url.isEmpty()) {
        return Optional.empty();
      }
      urls.add(url.get());
    }
    boolean cutLogin =
        urls.getFirst().userInfo.isEmpty()
            && urls.stream().anyMatch(url -> !url.userInfo.isEmpty());
    return cutLogin ? Optional.empty() : Optional.of(List.copyOf(urls));
  }

  private static Optional<ServerUrl> parse(String text) {
    URI uri;
    try {
      uri = new URI(text.contains("://") ? text : "nats://" + text);
    } catch (URISyntaxException e) {
      return Optional.empty(); // its message would repeat the URL, and a password with it
    }
    if (uri.getScheme() == null) {
      return Optional.empty(); // "a/b://c" is a path
    }
    String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
    String path = uri.getRawPath();
    boolean plain =
        (path == null || path.isEmpty() || path.equals("/"))
            && uri.getRawQuery() == null
            && uri.getRawFragment() == null;
    int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
    if (!(scheme.equals("nats") || scheme.equals("tls"))
        || uri.getHost() == null
        || !plain
        || port < 1
        || port > 65535) {
      return Optional.empty();
    }
    String userInfo = uri.getRawUserInfo() == null ? "" : uri.getRawUserInfo();
    return Optional.of(
        new ServerUrl(scheme, userInfo, uri.getHost().toLowerCase(Locale.ROOT), port));
  }

  /** The URL to connect to, with its credentials: not for logs. */
  public String url() {
    return scheme + "://" + (userInfo.isEmpty() ? "" : userInfo + "@") + host + ":" + port;
  }

  /** Host and port. */
  public String address() {
    return host + ":" + port;
  }

  @Override
  public String toString() {
    return scheme + "://" + (userInfo.isEmpty() ? "" : "***@") + host + ":" + port;
  }
}
