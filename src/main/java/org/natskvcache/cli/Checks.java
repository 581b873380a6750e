package org.natskvcache.cli;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.rpc.Nkey;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * What an argument must look like. The messages name options and keys, never a value that could be
 * a secret.
 */
final class Checks {
  private Checks() {}

  /**
   * Refuses what is no NATS subject token, or, with {@code many}, no sequence of them separated by
   * dots.
   */
  static void subject(CommandLine line, String option, String text, boolean many) {
    boolean legal =
        !text.isEmpty() && text.chars().allMatch(c -> c > ' ' && c != 0x7f && c != '*' && c != '>');
    for (String token : text.split("\\.", -1)) legal &= !token.isEmpty();
    if (!many) legal &= text.indexOf('.') < 0;
    if (!legal)
      throw wrong(
          line,
          option,
          "must be usable in a NATS subject: no white space, *, > or "
              + (many ? "empty token" : "dot"));
  }

  static void publicKey(CommandLine line, String option, Nkey.Role role, String text) {
    if (!Nkey.isPublic(role, text)) {
      throw wrong(
          line, option, "must be a public key of 56 characters that begins with " + role.letter());
    }
  }

  static void linkName(CommandLine line, String option, String name) {
    if (name.isEmpty() || name.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
      throw wrong(line, option, "a link name must not be empty or hold white space");
    }
    for (SettingKey key : SettingKey.values()) {
      if (name.toUpperCase(Locale.ROOT).contains(":" + key + "=")) {
        throw wrong(line, option, key + " is a setting: give it by --link-config or --link-file");
      }
    }
  }

  /** Refuses a secret that every user of this machine could read in the list of processes. */
  static void noSecret(CommandLine line, String option, String key, String value) {
    boolean secret = SettingKey.parse(key).filter(SettingKey::isSecret).isPresent();
    if (!secret && !hasUserInfo(value)) return;
    throw wrong(
        line,
        option,
        (secret
                ? key.strip().toUpperCase(Locale.ROOT) + " is a secret"
                : "a URL with a user, a password or a token is a secret")
            + ", and other users can read a command line: put it in a --link-file or in the environment");
  }

  /** Whether one of the servers in a list has credentials before its host. */
  private static boolean hasUserInfo(String urls) {
    for (String url : urls.split(",", -1)) {
      int scheme = url.indexOf("://");
      String authority = (scheme < 0 ? url : url.substring(scheme + 3)).split("[/?#]", 2)[0];
      if (authority.indexOf('@') >= 0) return true;
    }
    return false;
  }

  static void atLeastOne(CommandLine line, String option, @Nullable Number number) {
    if (number != null && number.longValue() < 1) throw wrong(line, option, "must be at least 1");
  }

  static void within(CommandLine line, String option, double number, double least, double most) {
    if (number >= least && number <= most) return;
    var plain = new DecimalFormat("#,##0.###", DecimalFormatSymbols.getInstance(Locale.ROOT));
    throw wrong(line, option, "must be " + plain.format(least) + " to " + plain.format(most));
  }

  static ParameterException wrong(CommandLine line, @Nullable String option, String reason) {
    return new ParameterException(line, (option == null ? "" : option + ": ") + reason);
  }
}
