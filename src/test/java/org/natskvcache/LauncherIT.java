package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.natskvcache.Waiting.until;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Starts on machines of all kinds: locale, processor, C library, options for Java, many at once.
 */
class LauncherIT {
  private static final String PATH = "/usr/local/bin:/usr/bin:/bin";

  /** A copy for the tests that need some copy; the first of them unpacks it. */
  @TempDir private static Path warm;

  @TempDir private Path folder;

  private final List<ProviderProcess> processes = new ArrayList<>();

  @AfterEach
  void close() {
    processes.forEach(ProviderProcess::close);
  }

  private ProviderProcess start(File program, Map<String, String> environment, String... args) {
    ProviderProcess process = ProviderProcess.start(program, environment, "", args);
    processes.add(process);
    return process;
  }

  private ProviderProcess start(Map<String, String> environment) {
    return start(ProviderProcess.executable(), environment, "--version");
  }

  private static File executable(String form) {
    return new File(ProviderProcess.executable() + form);
  }

  private static Map<String, String> environment(String... namesAndValues) {
    Map<String, String> environment = new HashMap<>();
    environment.put("JAVA_HOME", System.getProperty("java.home")); // for the form that needs one
    environment.put("PROVIDER_CACHE_DIR", warm.toString());
    for (int i = 0; i < namesAndValues.length; i += 2) {
      environment.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return environment;
  }

  private static List<String> entries(Path folder) {
    if (!Files.exists(folder)) return List.of();
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(each -> each.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void assertRuns(ProviderProcess process, String... log) {
    assertEquals(0, process.awaitExit(), () -> process.log().toString());
    assertEquals(List.of(log), process.log());
    assertEquals(1, process.output().size(), () -> process.output().toString());
    assertTrue(
        process.output().getFirst().startsWith("nats-kvcache 0"), process.output()::toString);
  }

  private Path copyOfExecutable(String form, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.copy(executable(form).toPath(), to);
    assertTrue(to.toFile().setExecutable(true, false));
    return to;
  }

  /** The test's own locale may be unable to name such a file, so a shell makes and starts it. */
  private ProviderProcess startInForeignFolder(String form, Map<String, String> environment) {
    return start(
        new File("/bin/sh"),
        environment,
        "-ec",
        "d=$(printf \"$1/b\\303\\274cher\"); mkdir -p \"$d\"; cp \"$2\" \"$d/run\"; chmod 755 \"$d/run\"; "
            + "export PROVIDER_CACHE_DIR=\"$d\"; \"$d/run\" --version; "
            + "exec \"$d/run\" par --binary \"$d/run\" --keys \"$d/keys\" --out \"$d/archive\"",
        "sh",
        folder.toString(),
        executable(form).toString());
  }

  @ParameterizedTest
  @CsvSource({"'', ''", "LC_ALL, C", "LANG, nowhere.UTF-8", "LC_CTYPE, POSIX"})
  void foldersMayHaveNamesInUtf8(String variable, String value) {
    for (String form : List.of("", "-jar")) {
      Map<String, String> locale =
          variable.isEmpty() ? environment() : environment(variable, value);
      ProviderProcess process = startInForeignFolder(form, locale);
      assertEquals(0, process.awaitExit(), () -> process.log().toString());
      assertEquals(List.of(), process.log());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-jar"})
  void optionsForAllJavaProgramsAreIgnored(String form) {
    assertRuns(start(Map.of("PROVIDER_CACHE_DIR", warm.toString())));
    assertRuns(
        start(
            executable(form),
            environment(
                "JAVA_TOOL_OPTIONS",
                "-XX:+UseG1GC",
                "JDK_JAVA_OPTIONS",
                "-Xmx1k",
                "_JAVA_OPTIONS",
                "-javaagent:/no/such.jar"),
            "--version"),
        "nats-kvcache: ignores JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS; options for its Java runtime"
            + " are taken from PROVIDER_JAVA_OPTS");
    assertRuns(start(executable(form), environment("JAVA_TOOL_OPTIONS", ""), "--version"));
  }

  private Path stub(String name, String script) throws IOException {
    Path tools = Files.createDirectories(folder.resolve("tools"));
    Path stub = Files.writeString(tools.resolve(name), "#!/bin/sh\n" + script + "\n");
    assertTrue(stub.toFile().setExecutable(true));
    return tools;
  }

  @ParameterizedTest
  @CsvSource({
    "uname, echo riscv64, a processor",
    "ldd, 'echo \"musl libc (x86_64)\" >&2; exit 1', Linux with glibc and not musl"
  })
  void systemThatCannotRunItIsToldWhatIsNeeded(String tool, String script, String need)
      throws Exception {
    Path cache = folder.resolve("cache");
    ProviderProcess process =
        start(
            Map.of(
                "PATH", stub(tool, script) + ":" + PATH, "PROVIDER_CACHE_DIR", cache.toString()));
    assertEquals(70, process.awaitExit());
    assertEquals(List.of(), process.output());
    assertEquals(1, process.log().size(), process.log()::toString);
    String line = process.log().getFirst();
    assertTrue(line.startsWith("nats-kvcache: this build needs " + need), line);
    assertEquals(List.of(), entries(cache), "nothing is unpacked");
  }

  /** As a pod whose security context has an fsGroup finds its volume. */
  @Test
  void volumeOfAnotherOwnerIsUsedWhenGiven() throws Exception {
    assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "only root can");
    File setpriv = new File("/usr/bin/setpriv");
    assumeTrue(setpriv.canExecute(), "there is no setpriv");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path volume = Files.createDirectory(folder.resolve("volume"));
    Files.setAttribute(volume, "unix:gid", 2_000);
    Files.setAttribute(volume, "unix:mode", 02775);
    Path program = copyOfExecutable("", folder.resolve("program"));
    List<String> command =
        List.of(
            "--reuid",
            "4711",
            "--regid",
            "4711",
            "--groups",
            "2000",
            program.toString(),
            "--version");
    Map<String, String> environment = Map.of("PROVIDER_CACHE_DIR", volume.toString());
    for (int i = 0; i < 2; i++) {
      assertRuns(start(setpriv, environment, command.toArray(String[]::new)));
      assertEquals(List.of("nats-kvcache-4711"), entries(volume));
    }
    Path ours = volume.resolve("nats-kvcache-4711");
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(ours)));
    Files.setAttribute(ours, "unix:uid", 4_712);
    ProviderProcess elsewhere = start(setpriv, environment, command.toArray(String[]::new));
    assertEquals(0, elsewhere.awaitExit());
    String line = elsewhere.log().getFirst();
    assertTrue(line.contains(ours + ": is not ours"), line);
  }

  /** The executable with another hash of its content, as another version has. */
  private Path otherVersion(char digit) throws IOException {
    Path other = copyOfExecutable("", folder.resolve("version-" + digit));
    try (var file = new java.io.RandomAccessFile(other.toFile(), "rw")) {
      byte[] start = new byte[4_096];
      file.readFully(start);
      int hash = new String(start, StandardCharsets.ISO_8859_1).indexOf(" H=") + 3;
      byte[] digits = new byte[24];
      Arrays.fill(digits, (byte) digit);
      file.seek(hash);
      file.write(digits);
    }
    return other;
  }

  /** With flock, and with what there is without it. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void otherVersionsAreRemovedWhenNobodyRunsThem(boolean flock) throws Exception {
    Path cache = folder.resolve("cache");
    Path tools = Files.createDirectory(folder.resolve("tools"));
    for (String tool :
        List.of(
            "cat", "chmod", "find", "gzip", "id", "ls", "mkdir", "mktemp", "mv", "rm", "sed",
            "tail", "tar")) {
      Files.createSymbolicLink(tools.resolve(tool), Path.of("/usr/bin", tool).toRealPath());
    }
    Map<String, String> environment =
        Map.of("PROVIDER_CACHE_DIR", cache.toString(), "PATH", flock ? PATH : tools.toString());
    Path running = otherVersion('1');
    ProviderProcess provider = ProviderProcess.start(running.toFile(), environment, null);
    processes.add(provider);
    until("Java runs", () -> isJava(provider));
    assertRuns(start(otherVersion('2').toFile(), environment, "--version"));
    assertRuns(start(otherVersion('3').toFile(), environment, "--version"));
    assertEquals(List.of("1".repeat(24), "3".repeat(24)), entries(cache));
    provider.close();
    assertRuns(start(environment));
    assertEquals(1, entries(cache).size(), () -> entries(cache).toString());
    assertTrue(provider.log().isEmpty(), provider.log()::toString);
  }

  private static boolean isJava(ProviderProcess process) {
    return ProcessHandle.of(process.pid())
        .flatMap(handle -> handle.info().command())
        .filter(name -> name.endsWith("/runtime/bin/java"))
        .isPresent();
  }

  /** A {@code tar} that tells of each run, and by an extra command does more. */
  private Map<String, String> toldByTar(Path told, String command) throws IOException {
    Path tools = stub("tar", "echo $$ >>" + told + "; " + command + " exec /bin/tar \"$@\"");
    return Map.of(
        "PATH", tools + ":" + PATH, "PROVIDER_CACHE_DIR", folder.resolve("cache").toString());
  }

  @Test
  void firstStartsAtOnceUnpackOnce() throws Exception {
    Path told = folder.resolve("told");
    Map<String, String> environment = toldByTar(told, "");
    List<ProviderProcess> starts = new ArrayList<>();
    for (int i = 0; i < 10; i++) starts.add(start(environment));
    for (ProviderProcess start : starts) {
      assertEquals(0, start.awaitExit(), () -> start.log().toString());
    }
    assertEquals(1, Files.readAllLines(told).size());
    assertEquals(1, entries(folder.resolve("cache")).size());
  }

  @Test
  void anotherStartTakesOverWhenTheOneThatUnpacksIsKilled() throws Exception {
    Path told = folder.resolve("told");
    Map<String, String> environment =
        toldByTar(told, "! mkdir " + folder.resolve("first") + " 2>/dev/null || exec sleep 1000;");
    ProviderProcess first = start(environment);
    until("it unpacks", () -> Files.exists(told));
    ProviderProcess second = start(environment);
    second.awaitLog("nats-kvcache: waits for process " + first.pid() + ", which unpacks into ");
    ProviderProcess third = start(environment);
    List<ProcessHandle> pipeline =
        ProcessHandle.of(first.pid()).orElseThrow().descendants().toList();
    first.kill();
    pipeline.forEach(ProcessHandle::destroyForcibly);
    for (ProviderProcess each : List.of(second, third)) {
      assertEquals(0, each.awaitExit(), () -> each.log().toString());
    }
    assertTrue(!entries(folder.resolve("cache")).contains(".unpacking"));
  }

  /** In a container, the start after a killed one often has its number. */
  @Test
  void ownNumberIsNotWaitedFor() {
    assertRuns(
        start(
            new File("/bin/sh"),
            Map.of("PROVIDER_CACHE_DIR", folder.toString()),
            "-c",
            "echo $$ >\"$PROVIDER_CACHE_DIR/.unpacking\"; exec \"$1\" --version",
            "sh",
            ProviderProcess.executable().toString()));
  }
}
