package org.natskvcache.nats;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Server addresses taken apart: hosts on one side, what stood before the {@code @} on the other. So
 * the NATS client never holds a password in an address it might print, and servers it learns of
 * from the cluster, whose addresses carry none, are given the same credentials.
 *
 * @param hosts the addresses without credentials
 * @param user the user, or null
 * @param secret the user's password; without a user, the token; or null
 */
record ServerCredentials(List<String> hosts, @Nullable String user, @Nullable String secret) {

  /**
   * Takes the addresses apart.
   *
   * @throws IllegalArgumentException when two addresses carry different credentials
   */
  static ServerCredentials of(List<String> servers) {
    var hosts = new ArrayList<String>();
    String credentials = null;
    for (String server : servers) {
      int start = server.indexOf("://") + 3;
      int at = server.lastIndexOf('@');
      if (at < start) {
        hosts.add(server);
        continue;
      }
      hosts.add(server.substring(0, start) + server.substring(at + 1));
      String own = server.substring(start, at);
      if (credentials != null && !credentials.equals(own)) {
        throw new IllegalArgumentException("NATS server addresses carry different credentials");
      }
      credentials = own;
    }
    if (credentials == null) {
      return new ServerCredentials(hosts, null, null);
    }
    int colon = credentials.indexOf(':');
    return colon < 0
        ? new ServerCredentials(hosts, null, decoded(credentials))
        : new ServerCredentials(
            hosts,
            decoded(credentials.substring(0, colon)),
            decoded(credentials.substring(colon + 1)));
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text; // a bare percent sign: then it was not encoded
    }
  }

  /** Without credentials. */
  @Override
  public String toString() {
    return "ServerCredentials" + hosts;
  }
}
