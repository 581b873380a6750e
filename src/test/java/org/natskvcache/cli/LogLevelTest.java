package org.natskvcache.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogLevelTest {
  @ParameterizedTest
  @CsvSource({
    "trace,TRACE",
    "Debug,DEBUG",
    "info,INFO",
    "warn,WARN",
    "warning,WARN",
    "error,ERROR",
    "critical,ERROR",
    "' warn ',WARN",
    "loud,INFO",
    "7,INFO"
  })
  void hostLevels(String host, LogLevel expected) {
    assertEquals(expected, LogLevel.choose(null, host, null));
  }

  @ParameterizedTest
  @CsvSource({
    "debug,DEBUG",
    "off,OFF",
    "'debug,async_nats=trace',DEBUG",
    "'async_nats=off,warn',WARN",
    "wasmcloud_host=error,ERROR",
    "'a=debug,b::c=warn',WARN",
    "'a[span{x=1}]=debug',INFO",
    "wasmcloud,INFO",
    "=,INFO",
    "',,',INFO"
  })
  void rustLog(String text, LogLevel expected) {
    assertEquals(expected, LogLevel.choose(null, null, text));
  }

  @Test
  void flagBeforeHostBeforeEnvironmentBeforeInfo() {
    assertEquals(LogLevel.ERROR, LogLevel.choose(LogLevel.ERROR, "debug", "trace"));
    assertEquals(LogLevel.DEBUG, LogLevel.choose(null, "debug", "trace"));
    assertEquals(LogLevel.TRACE, LogLevel.choose(null, "", "trace"));
    assertEquals(LogLevel.INFO, LogLevel.choose(null, null, null));
  }
}
