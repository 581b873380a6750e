package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Which package may name which, read from the sources. Dependencies point at the core: {@code crdt}
 * knows nothing, {@code nats} alone knows NATS. Whoever changes the picture changes this table.
 */
class LayeringTest {
  private static final Path SOURCES = Path.of("src/main/java");
  private static final String BASE = "org.natskvcache";

  /** Of a package: what it may name besides itself, the JDK and jspecify. */
  private static final Map<String, Set<String>> ALLOWED = new TreeMap<>();

  private static void allow(String in, String... names) {
    ALLOWED.put(in, new TreeSet<>(Arrays.asList(names)));
  }

  static {
    allow("crdt");
    allow("store", "crdt");
    allow("replication.wire", "crdt", "store", "javax.crypto");
    allow("replication", "crdt", "store", "replication.wire");
    allow("metrics", "org.slf4j");
    allow("node", "crdt", "store", "replication", "replication.wire", "metrics", "org.slf4j");
    allow("sim", "crdt", "store", "replication", "replication.wire", "node");
    allow("direct", "metrics");
    allow("wrpc", "direct", "io.nats");
    allow(
        "rpc",
        "crdt",
        "store",
        "node",
        "com.fasterxml.jackson",
        "org.bouncycastle.math.ec",
        "software.pando.crypto");
    allow("rpc.wrpc", "store", "rpc", "wrpc", "com.fasterxml.jackson");
    allow(
        "rpc.wasmbus",
        "crdt",
        "store",
        "node",
        "rpc",
        "com.fasterxml.jackson",
        "org.bouncycastle.math.ec");
    allow(
        "provider",
        "crdt",
        "store",
        "replication.wire",
        "node",
        "rpc",
        "rpc.wrpc",
        "metrics",
        "com.fasterxml.jackson");
    allow("telemetry", "node", "rpc", "provider", "metrics", "org.slf4j", "io.opentelemetry");
    allow(
        "nats",
        "direct",
        "crdt",
        "store",
        "node",
        "rpc",
        "rpc.wasmbus",
        "rpc.wrpc",
        "wrpc",
        "replication.wire", // the names of channels
        "provider",
        "metrics",
        "telemetry",
        "org.slf4j",
        "io.nats");
    allow("archive", "store", "rpc", "com.fasterxml.jackson", "org.apache.commons.compress");
    allow(
        "cli",
        "crdt",
        "rpc",
        "provider",
        "com.fasterxml.jackson",
        "picocli",
        "ch.qos.logback",
        "org.slf4j");
    allow("proof", "crdt", "sim", "cli");
    allow(
        "bench",
        "rpc",
        "rpc.wasmbus",
        "rpc.wrpc",
        "wrpc",
        "cli",
        "com.fasterxml.jackson",
        "org.HdrHistogram");
    allow("cli.shell", "crdt", "store", "node", "cli", "org.jline");
    allow("cli.doctor", "crdt", "store", "node", "cli.shell", "com.fasterxml.jackson");
    allow(
        "", // Main, what it builds the others with, and Training
        "crdt",
        "store",
        "replication.wire", // keys
        "node",
        "rpc",
        "rpc.wasmbus",
        "rpc.wrpc",
        "wrpc",
        "provider",
        "nats",
        "metrics",
        "telemetry",
        "archive",
        "proof",
        "bench",
        "cli",
        "cli.shell",
        "cli.doctor",
        "org.slf4j",
        "javax.crypto",
        "io.nats"); // Training plays a host
  }

  /** The packages that must give the same answer for the same arguments, always. */
  private static final Set<String> PURE =
      Set.of(
          "crdt",
          "store",
          "replication",
          "replication.wire",
          "node",
          "sim",
          "rpc",
          "rpc.wasmbus",
          "rpc.wrpc",
          "provider");

  /** Clocks, threads, hidden randomness and the outside world. */
  private static final Pattern IMPURE =
      Pattern.compile(
          "\\b(System\\s*\\.\\s*(currentTimeMillis|nanoTime|getenv|getProperty|out|err|in|exit)"
              + "|Instant\\s*\\.\\s*now|Clock\\s*\\.\\s*system\\w*|Thread\\b|ThreadLocalRandom"
              + "|SecureRandom|Math\\s*\\.\\s*random|new\\s+Random\\b|new\\s+SplittableRandom\\s*\\(\\s*\\)"
              + "|java\\.nio\\.file|java\\.net\\.(Socket|http)|synchronized|volatile"
              + "|java\\.util\\.concurrent\\.locks)");

  /** What is not pure in a pure package, and may be: several threads enter there. */
  private static final Set<String> IMPURE_CLASSES =
      Set.of("node.LockedReplica", "provider.FileName", "provider.LinkedCaches");

  /** What only one class of its package may name. */
  private static final Map<String, Set<String>> ONLY_BY =
      Map.of(
          "node org.slf4j", Set.of("node.LockedReplica", "node.DroppedFrames"),
          "node metrics", Set.of("node.LockedReplica", "node.DroppedFrames", "node.NodeCounts"),
          "replication.wire javax.crypto",
              Set.of("replication.wire.FrameKey", "replication.wire.FrameSealer"),
          "provider metrics", Set.of("provider.LinkedCaches"));

  private static final Pattern NOT_CODE =
      Pattern.compile(
          "\"\"\"(?:\\\\.|[^\\\\])*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])+'"
              + "|/\\*.*?\\*/|//[^\\n]*",
          Pattern.DOTALL);
  private static final Pattern QUALIFIED =
      Pattern.compile("(?<![\\w.])((?:(?:[a-z][a-z0-9_]*|HdrHistogram)\\.)+)(?=[A-Z])");

  /** One source file. */
  private record Source(String inPackage, String name, String code) {
    /** The packages it names, by import or in full. */
    Set<String> named() {
      Set<String> named = new TreeSet<>();
      Matcher matcher = QUALIFIED.matcher(code);
      while (matcher.find()) named.add(matcher.group(1).replaceAll("\\.$", ""));
      return named;
    }
  }

  private static List<Source> sources() throws IOException {
    List<Source> sources = new ArrayList<>();
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
        String folder = SOURCES.relativize(file.getParent()).toString().replace('/', '.');
        assertTrue(folder.startsWith(BASE), file + " is outside of " + BASE);
        String inPackage = shortName(folder);
        String name = file.getFileName().toString().replace(".java", "");
        String code = NOT_CODE.matcher(Files.readString(file)).replaceAll(" ");
        sources.add(new Source(inPackage, inPackage + "." + name, code));
      }
    }
    assertTrue(sources.size() > 50, "the sources were not found");
    return sources;
  }

  private static String shortName(String name) {
    return name.equals(BASE) ? "" : name.substring(BASE.length() + 1);
  }

  private static boolean alwaysAllowed(String named, String inPackage) {
    return named.startsWith("java.")
        || named.startsWith("javax.net.ssl")
        || named.equals("org.jspecify.annotations")
        || isProject(named) && shortName(named).equals(inPackage);
  }

  private static boolean isProject(String named) {
    return named.equals(BASE) || named.startsWith(BASE + ".");
  }

  /** Whether a rule names this package: a project's package exactly, a library with all below. */
  private static boolean matches(String rule, String named) {
    if (isProject(named)) return shortName(named).equals(rule);
    return named.equals(rule) || named.startsWith(rule + ".");
  }

  /**
   * A word before a dot and a capital that is no package: a variable, as in {@code outer.new
   * Inner}.
   */
  private static boolean isPackage(String named) {
    return isProject(named)
        || named.matches("(java|javax|jdk|sun|com|org|io|ch|info|dev|net|picocli)(\\..*)?");
  }

  @Test
  void everyPackageNamesOnlyWhatItMay() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Source source : sources()) {
      Set<String> allowed = ALLOWED.get(source.inPackage);
      if (allowed == null) {
        wrong.add(source.name + " is in a package the table does not know");
        continue;
      }
      for (String named : source.named()) {
        if (!isPackage(named) || alwaysAllowed(named, source.inPackage)) continue;
        if (allowed.stream().noneMatch(rule -> matches(rule, named))) {
          wrong.add(source.name + " names " + named);
        }
      }
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void someThingsAreForOneClassOnly() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Source source : sources()) {
      ONLY_BY.forEach((rule, classes) -> {
        String[] parts = rule.split(" ");
        if (!source.inPackage.equals(parts[0]) || classes.contains(source.name)) return;
        for (String named : source.named()) {
          if (matches(parts[1], named)) wrong.add(source.name + " names " + named);
        }
      });
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void pureCodeHasNoClockThreadLockOrHiddenRandomness() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Source source : sources()) {
      if (!PURE.contains(source.inPackage) || IMPURE_CLASSES.contains(source.name)) continue;
      Matcher matcher = IMPURE.matcher(source.code);
      while (matcher.find()) wrong.add(source.name + " uses " + matcher.group());
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void everyPackageIsNullMarkedAndIntroduced() throws IOException {
    Set<String> packages = new TreeSet<>();
    Set<String> introduced = new HashSet<>();
    for (Source source : sources()) {
      packages.add(source.inPackage);
      boolean info = source.name.endsWith(".package-info");
      if (info && source.code.contains("NullMarked")) introduced.add(source.inPackage);
    }
    packages.removeAll(introduced);
    assertEquals(Set.of(), packages);
  }

  /**
   * No two packages know each other, not even in a circle: each can be read after those it names.
   */
  @Test
  void tableHasNoCircles() {
    Set<String> read = new HashSet<>();
    boolean more = true;
    while (more) {
      more = false;
      for (var rule : ALLOWED.entrySet()) {
        boolean ready =
            rule.getValue().stream().allMatch(n -> read.contains(n) || !ALLOWED.containsKey(n));
        if (ready) more |= read.add(rule.getKey());
      }
    }
    assertEquals(ALLOWED.keySet(), read);
  }
}
