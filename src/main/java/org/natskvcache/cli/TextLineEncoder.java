package org.natskvcache.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import org.slf4j.event.KeyValuePair;

/**
 * A log event as a line of text, UTF-8:
 *
 * <pre>2026-01-01T00:00:00.000Z INFO  Main started link=default peers=2</pre>
 *
 * <p>The logger's package is left out. A value that would not read as one word is quoted. Control
 * characters, line ends among them, are written as escapes, so that one event stays one line
 * whatever a peer or a host sent; a stack trace is the quoted value of {@code trace}.
 */
final class TextLineEncoder extends LineEncoder {
  @Override
  public byte[] encode(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(160);
    timestamp(line, event.getTimeStamp());
    String level = event.getLevel().toString();
    line.append(' ').append(level).append(" ".repeat(Math.max(0, 5 - level.length())));
    String logger = event.getLoggerName();
    line.append(' ').append(logger, logger.lastIndexOf('.') + 1, logger.length()).append(' ');
    String message = event.getFormattedMessage();
    escape(line, message == null ? "" : message, false);
    if (event.getKeyValuePairs() != null) {
      for (KeyValuePair pair : event.getKeyValuePairs())
        pair(line, pair.key, String.valueOf(pair.value));
    }
    if (event.getThrowableProxy() != null) {
      pair(line, "trace", ThrowableProxyUtil.asString(event.getThrowableProxy()).strip());
    }
    return line.append('\n').toString().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Appends milliseconds since 1970 as ISO 8601 with three decimals, by hand: a formatter is slow
   * to load.
   */
  static void timestamp(StringBuilder line, long millis) {
    LocalDateTime t =
        LocalDateTime.ofEpochSecond(
            Math.floorDiv(millis, 1000L),
            (int) Math.floorMod(millis, 1000L) * 1_000_000,
            ZoneOffset.UTC);
    digits(line, t.getYear(), 4).append('-');
    digits(line, t.getMonthValue(), 2).append('-');
    digits(line, t.getDayOfMonth(), 2).append('T');
    digits(line, t.getHour(), 2).append(':');
    digits(line, t.getMinute(), 2).append(':');
    digits(line, t.getSecond(), 2).append('.');
    digits(line, t.getNano() / 1_000_000, 3).append('Z');
  }

  private static StringBuilder digits(StringBuilder line, int number, int width) {
    String text = Integer.toString(number);
    return line.append("0".repeat(Math.max(0, width - text.length()))).append(text);
  }

  private static void pair(StringBuilder line, String key, String value) {
    line.append(' ').append(key).append('=');
    boolean word =
        !value.isEmpty()
            && value.chars().allMatch(c -> c > ' ' && c != '"' && c != '=' && c != 0x7f);
    if (word) {
      escape(line, value, false);
      return;
    }
    line.append('"');
    escape(line, value, true);
    line.append('"');
  }

  private static void escape(StringBuilder line, String text, boolean quoted) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        case '"', '\\' -> line.append(quoted ? "\\" : "").append(c);
        default -> {
          // C0, DEL, C1 and the Unicode line ends: some viewers break a line there
          if (c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029')
            line.append("\\u").append(hex4(c));
          else line.append(c);
        }
      }
    }
  }

  private static String hex4(char c) {
    return Integer.toHexString(0x10000 | c).substring(1);
  }
}
