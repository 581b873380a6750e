package org.natskvcache.provider;

import java.util.Locale;
import java.util.Optional;

/** How much is logged: the host data's level, else the bare level in {@code RUST_LOG}, else info. */
public enum LogLevel {
  TRACE,
  DEBUG,
  INFO,
  WARN,
  ERROR;

  /**
   * Chooses the level.
   *
   * @param hostLevel from host data; empty for none; an unknown name is info
   * @param rustLog the environment variable, such as {@code info,some_crate=debug}; empty for none
   */
  public static LogLevel choose(String hostLevel, String rustLog) {
    if (!hostLevel.isBlank()) {
      return parse(hostLevel).orElse(INFO);
    }
    for (String directive : rustLog.split(",", -1)) {
      Optional<LogLevel> level = parse(directive);
      if (level.isPresent()) {
        return level.get();
      }
    }
    return INFO;
  }

  private static Optional<LogLevel> parse(String name) {
    return switch (name.strip().toLowerCase(Locale.ROOT)) {
      case "trace" -> Optional.of(TRACE);
      case "debug" -> Optional.of(DEBUG);
      case "info", "notice" -> Optional.of(INFO);
      case "warn", "warning" -> Optional.of(WARN);
      case "error", "critical", "alert", "emergency" -> Optional.of(ERROR);
      default -> Optional.empty();
    };
  }
}
