package org.natskvcache.provider;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Rules about NATS subjects. */
final class Subjects {
  /**
   * Longest subject we take, bytes of UTF-8: a server's control line holds 4096 with reply subject
   * and sizes.
   */
  static final int BYTES_MAX = 1024;

  private static final String DEFAULT_LINK = "default";

  private Subjects() {}

  /** The subject of a link name that sets none: two link names never share one by accident. */
  static String ofLink(String base, String linkName) {
    return linkName.isEmpty() || linkName.equals(DEFAULT_LINK)
        ? base
        : base + ".link." + escaped(linkName);
  }

  /** One token for any text: bytes outside {@code [A-Za-z0-9_-]} become {@code =HH}. */
  private static String escaped(String text) {
    var out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean plain =
          c >= 'A' && c <= 'Z'
              || c >= 'a' && c <= 'z'
              || c >= '0' && c <= '9'
              || c == '_'
              || c == '-';
      out.append(plain ? String.valueOf(c) : String.format("=%02X", (int) c));
    }
    return out.toString();
  }

  /** What keeps a text from being a subject to publish on; empty when nothing does. */
  static String problem(String subject) {
    if (subject.getBytes(StandardCharsets.UTF_8).length > BYTES_MAX) {
      return "is longer than " + BYTES_MAX + " bytes";
    }
    if (subject.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
      return "holds white space or a control character";
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(subject)) {
      return "holds half of a character";
    }
    if (subject.indexOf('*') >= 0 || subject.indexOf('>') >= 0) {
      return "holds a wildcard";
    }
    if (subject.isEmpty()
        || subject.startsWith(".")
        || subject.endsWith(".")
        || subject.contains("..")) {
      return "holds an empty token";
    }
    return subject.startsWith("$") ? "begins with $, which is the server's own" : "";
  }

  /**
   * Whether two caches, or the two subjects of one, would hear each other: replay uses {@code R},
   * every {@code R.<one token>} and every {@code R.observer.<one token>}, mutations use {@code E}
   * and {@code E.hb}.
   */
  static boolean replayTouchesState(String replay, String state) {
    return touch(ofReplay(replay), ofState(state));
  }

  static boolean statesTouch(String one, String other) {
    return touch(ofState(one), ofState(other));
  }

  static boolean replaysTouch(String one, String other) {
    return touch(ofReplay(one), ofReplay(other));
  }

  private static List<String> ofState(String state) {
    return List.of(state, state + ".hb");
  }

  private static List<String> ofReplay(String replay) {
    return List.of(replay, replay + ".*", replay + ".observer.*");
  }

  private static boolean touch(List<String> some, List<String> others) {
    return some.stream().anyMatch(one -> others.stream().anyMatch(other -> meet(one, other)));
  }

  /** Whether there is a subject that both match; {@code *} stands for any one token. */
  private static boolean meet(String one, String other) {
    String[] ones = one.split("\\.", -1);
    String[] others = other.split("\\.", -1);
    if (ones.length != others.length) return false;
    for (int i = 0; i < ones.length; i++) {
      boolean any = ones[i].equals("*") || others[i].equals("*");
      if (!any && !ones[i].equals(others[i])) return false;
    }
    return true;
  }
}
