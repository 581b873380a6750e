package org.natskvcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The other benchmarks in their shortest form: each runs to its end and tells all its figures.
 * Never a time.
 */
class BenchmarksIT {
  /** Digits, which are no part of a word and have no minus before them. */
  private static final Pattern FIGURE = Pattern.compile("(?<![\\w.-])\\d+(\\.\\d+)?\\b");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    // which, what its lines of figures have in common, how many there are
    "JoinBench, ', ms ', 8",
    "StepBench, ' (?:call|receive|tick) ms ', 36",
    "CrowdBench, 'in step', 7",
    "LagBench, 'peer lag over', 2",
    "TelemetryBench, ' of CPU for a call', 3"
  })
  void runsToItsEnd(String name, String line, int count) throws Exception {
    assertFigures(run(name), line, count);
  }

  @Test
  void memoryBesideRedis() throws Exception {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(at -> Files.isExecutable(Path.of(at, "redis-server"))),
        "there is no redis-server on the PATH");
    assertFigures(run("MemoryBench"), "20000 ", 4);
  }

  private static void assertFigures(String printed, String line, int count) {
    Pattern pattern = Pattern.compile(line);
    List<String> lines = printed.lines().filter(it -> pattern.matcher(it).find()).toList();
    assertEquals(count, lines.size(), printed);
    for (String each : lines) {
      assertTrue(FIGURE.matcher(each).find(), each);
      assertFalse(each.contains("NaN") || each.contains("Infinity") || each.contains(" -"), each);
    }
  }

  private String run(String name) throws IOException, InterruptedException {
    Path out = folder.resolve(name);
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-XX:+UseSerialGC",
                "-Dbench.smoke=true",
                "-Dkvcache.executable=" + System.getProperty("kvcache.executable"),
                "-classpath",
                System.getProperty("java.class.path"),
                BenchmarksIT.class.getPackageName() + "." + name)
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    boolean ended = process.waitFor(3, TimeUnit.MINUTES);
    if (!ended) process.destroyForcibly().waitFor();
    String printed = Files.readString(out, StandardCharsets.UTF_8);
    assertTrue(ended, printed);
    assertEquals(0, process.exitValue(), printed);
    return printed;
  }
}
