package org.natskvcache.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The options about the log. */
final class LogArguments {
  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description =
          "trace, debug, info, warn, error or off. Default: RUST_LOG, else info (shell, doctor: warn).")
  @Nullable String level;

  @Option(
      names = "--structured-logging",
      description = "Log JSON lines instead of text, to stderr as well.")
  boolean structured;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this text.")
  boolean help;

  LogOptions options(CommandLine line) {
    LogLevel known = level == null ? null : LogLevel.named(level);
    if (level != null && known == null) {
      throw Checks.wrong(line, "--log-level", "must be trace, debug, info, warn, error or off");
    }
    return new LogOptions(known, structured);
  }
}
