package org.natskvcache.provider;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * One NATS server. Prints without user, password or token.
 *
 * @param scheme {@code nats}, {@code tls}, {@code ws} or {@code wss}
 * @param userInfo {@code user:password} or a token, as written in the URL; empty for none
 * @param host lower case; an IPv6 address in brackets
 * @param port 1 to 65535
 */
public record ServerUrl(String scheme, String userInfo, String host, int port) {
  public static final int DEFAULT_PORT = 4222;

  private static final Set<String> SCHEMES = Set.of("nats", "tls", "ws", "wss");
  private static final int HOST_CHARS_MAX = 253;

  /** What a list of addresses came to. */
  public sealed interface Parsed {
    /**
     * All of them make sense, and can be connected to as one list.
     *
     * @param servers at least one
     */
    record Valid(List<ServerUrl> servers) implements Parsed {}

    /**
     * They do not.
     *
     * @param reason the part that is wrong, to be read after the name of the setting; no secret
     */
    record Invalid(String reason) implements Parsed {}
  }

  /**
   * Reads addresses separated by commas, of which empty ones are skipped; one without a scheme is
   * {@code nats://}. All that carry a login carry the same one. A login in a later one only is
   * refused: then its comma was taken for the end of the first, and a part of it would be logged as
   * a host.
   */
  public static Parsed parseList(String text) {
    List<String> parts =
        Arrays.stream(text.split(",", -1)).map(String::strip).filter(p -> !p.isEmpty()).toList();
    if (parts.isEmpty()) {
      return new Parsed.Invalid("names no server");
    }
    boolean login = text.indexOf('@') >= 0;
    if (login && parts.getFirst().indexOf('@') < 0) {
      return new Parsed.Invalid(
          "has a login in a later server only; a comma in a password is written %2C");
    }
    var urls = new ArrayList<ServerUrl>();
    for (String part : parts) {
      var reader = new Reader(!login || parts.size() == 1);
      ServerUrl url = reader.read(part);
      if (!reader.problem.isEmpty()) {
        String where =
            parts.size() == 1 ? "" : " in server " + (urls.size() + 1) + " of " + parts.size();
        return new Parsed.Invalid("is wrong" + where + ": " + reader.problem);
      }
      urls.add(url);
    }
    long logins =
        urls.stream().map(ServerUrl::userInfo).filter(info -> !info.isEmpty()).distinct().count();
    return logins > 1
        ? new Parsed.Invalid("has servers with different logins; one list has one login")
        : new Parsed.Valid(List.copyOf(urls));
  }

  /** Reads one address. */
  private static final class Reader {
    /**
     * Whether parts may be repeated: where a login is cut by a comma, a part of it could be taken
     * for a host.
     */
    private final boolean quotes;

    private String problem = "";

    Reader(boolean quotes) {
      this.quotes = quotes;
    }

    ServerUrl read(String text) {
      int mark = text.indexOf("://");
      String scheme = mark < 0 ? "nats" : text.substring(0, mark).toLowerCase(Locale.ROOT);
      String rest = mark < 0 ? text : text.substring(mark + 3);
      int at = rest.lastIndexOf('@');
      String login = at < 0 ? "" : rest.substring(0, at);
      String address = rest.substring(at + 1);
      if (address.endsWith("/")) address = address.substring(0, address.length() - 1);
      if (!SCHEMES.contains(scheme)) {
        problem = "the scheme" + quoted(scheme, "[a-z0-9+.-]+") + " is none of nats, tls, ws, wss";
      } else if (address.chars().anyMatch(c -> c == '/' || c == '?' || c == '#')) {
        problem = "only [LOGIN@]HOST[:PORT] may stand behind the scheme";
      }
      int bracket = address.startsWith("[") ? address.indexOf(']') : -1;
      int colon = address.indexOf(':', bracket + 1);
      String host = (colon < 0 ? address : address.substring(0, colon)).toLowerCase(Locale.ROOT);
      int port = port(colon < 0 ? "" : address.substring(colon + 1));
      checkHost(host);
      if (problem.isEmpty()
          && !login.isEmpty()
          && hostOf("nats://" + login + "@" + host).isEmpty()) {
        problem = "the login holds a character that has to be written as % and two digits";
      }
      return new ServerUrl(scheme, login, host, port);
    }

    private int port(String text) {
      if (text.isEmpty()) return DEFAULT_PORT;
      int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
      if (problem.isEmpty() && text.indexOf(':') >= 0) {
        problem = "an IPv6 address stands in brackets";
      } else if (problem.isEmpty() && (port < 1 || port > 65_535)) {
        problem = "the port is no number from 1 to 65535";
      }
      return port;
    }

    private void checkHost(String host) {
      if (!problem.isEmpty()) return;
      if (host.isEmpty()) {
        problem = "it names no host";
      } else if (host.length() > HOST_CHARS_MAX) {
        problem = "the host name is longer than " + HOST_CHARS_MAX + " characters";
      } else if (!hostOf("nats://" + host).equals(host)) {
        problem = "the host name" + quoted(host, "[\\p{L}\\p{N}._-]+") + fault(host);
      }
    }

    /** What is wrong with a host name, to be read after it. */
    private static String fault(String host) {
      if (host.indexOf('_') >= 0) {
        return " holds _, which host names do not have; use another name or the address";
      }
      if (host.chars().anyMatch(Character::isWhitespace)) return " holds white space";
      return host.chars().anyMatch(c -> c > 0x7f)
          ? " holds a character outside ASCII; write it as xn--..."
          : " is none, and no address";
    }

    private String quoted(String text, String harmless) {
      return quotes && text.matches(harmless) ? " " + text : "";
    }

    /** The host as the NATS client reads it; empty when it reads none. */
    private static String hostOf(String url) {
      try {
        String host = new URI(url).getHost();
        return host == null ? "" : host;
      } catch (URISyntaxException e) {
        return ""; // its message would repeat the URL, and a password with it
      }
    }
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
