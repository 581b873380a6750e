package org.natskvcache.metrics;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CounterTest {
  @ParameterizedTest
  @EnumSource
  void operatorsCanLookItUp(Counter counter) throws Exception {
    String name = "`kvcache." + counter.name().toLowerCase(Locale.ROOT) + "`";
    String page = Files.readString(Path.of("docs/observability.md"));
    String row =
        page.lines().filter(line -> line.contains(name)).findFirst().orElse("no row for " + name);
    assertTrue(row.startsWith("|") && row.contains("{" + counter.unit() + "}"), row);
  }
}
