package org.natskvcache.cli;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How much is logged, from most to least. */
public enum LogLevel {
  TRACE,
  DEBUG,
  INFO,
  WARN,
  ERROR,
  OFF;

  /**
   * The level a text names, in any case, with the names other loggers use; null when it names none.
   */
  public static @Nullable LogLevel named(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "trace" -> TRACE;
      case "debug" -> DEBUG;
      case "info", "notice" -> INFO;
      case "warn", "warning" -> WARN;
      case "error", "critical", "alert", "emergency" -> ERROR;
      case "off", "none" -> OFF;
      default -> null;
    };
  }

  /**
   * The level to use: what the command line says, else what the host says, else {@code RUST_LOG},
   * else {@link #INFO}. An unknown or empty text of the host counts as {@code info}, respectively
   * as not said.
   *
   * @param flag from the command line
   * @param host {@code log_level} of the host data
   * @param rustLog the environment variable
   */
  public static LogLevel choose(
      @Nullable LogLevel flag, @Nullable String host, @Nullable String rustLog) {
    if (flag != null) return flag;
    if (host != null && !host.isBlank()) {
      LogLevel level = named(host);
      return level == null ? INFO : level;
    }
    LogLevel level = rustLog == null ? null : fromRustLog(rustLog);
    return level == null ? INFO : level;
  }

  /**
   * The level of a {@code RUST_LOG} text: directives separated by commas, each {@code level} or
   * {@code target=level}. We have no targets of Rust, so the last plain level counts, or, if there
   * is none, the last directive's level. A directive with a span or field filter is passed over.
   * Null when nothing names a level.
   */
  static @Nullable LogLevel fromRustLog(String text) {
    LogLevel plain = null;
    LogLevel targeted = null;
    for (String directive : text.split(",", -1)) {
      int equals = directive.lastIndexOf('=');
      LogLevel level = directive.indexOf('[') >= 0 ? null : named(directive.substring(equals + 1));
      if (level == null) continue;
      if (equals < 0) plain = level;
      else targeted = level;
    }
    return plain != null ? plain : targeted;
  }
}
