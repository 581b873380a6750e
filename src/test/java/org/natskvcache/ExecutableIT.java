package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The self-contained executable: where it unpacks to, and what it says when it cannot. */
class ExecutableIT {
  /** Unpacked into once, by six starts at once. */
  @TempDir private static Path warm;

  @TempDir private Path folder;

  private final List<ProviderProcess> processes = new ArrayList<>();

  @AfterEach
  void close() {
    processes.forEach(ProviderProcess::close);
  }

  private ProviderProcess start(Map<String, String> environment, String... args) {
    ProviderProcess process = ProviderProcess.start(environment, "", args);
    processes.add(process);
    return process;
  }

  private ProviderProcess startIn(Path cache, String... args) {
    return start(Map.of("PROVIDER_CACHE_DIR", cache.toString()), args);
  }

  private static List<String> entries(Path folder) throws IOException {
    if (!Files.exists(folder)) return List.of();
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(each -> each.getFileName().toString()).sorted().toList();
    }
  }

  /** It says its version and nothing else. */
  private static void assertRuns(ProviderProcess process) {
    assertEquals(0, process.awaitExit(), () -> process.log().toString());
    assertEquals(1, process.output().size(), () -> process.output().toString());
    assertTrue(
        process.output().getFirst().startsWith("nats-kvcache 0"), process.output()::toString);
  }

  /** As {@link #assertRuns}, having said once on stderr why not from there. */
  private static void assertRunsElsewhere(ProviderProcess process, Path not, String why) {
    assertRuns(process);
    String expected = "nats-kvcache: runs from " + warm + "/";
    assertEquals(1, process.log().size(), () -> process.log().toString());
    String line = process.log().getFirst();
    assertTrue(line.startsWith(expected) && line.contains(not + ": " + why), line);
  }

  @BeforeAll
  static void firstStartsAtOnceLeaveOneCopy() throws Exception {
    Path cache = warm.resolve("nats-kvcache");
    List<ProviderProcess> starts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      starts.add(ProviderProcess.start(Map.of("XDG_CACHE_HOME", warm.toString()), "", "--version"));
    }
    for (ProviderProcess start : starts) {
      assertRuns(start);
      assertEquals(List.of(), start.log());
    }
    assertEquals(1, entries(cache).size(), () -> "left " + cache);
    String hash = entries(cache).getFirst();
    assertTrue(hash.matches("[0-9a-f]{24}"), hash);
    assertEquals(
        List.of(".ok", "nats-kvcache.aot", "nats-kvcache.jar", "runtime"),
        entries(cache.resolve(hash)));
  }

  private static Path copy(Path cache) throws IOException {
    List<String> copies =
        entries(cache).stream().filter(name -> name.matches("[0-9a-f]{24}")).toList();
    assertEquals(1, copies.size(), copies::toString);
    return cache.resolve(copies.getFirst());
  }

  @Test
  void laterStartsUnpackNothing() throws Exception {
    Path copy = copy(warm.resolve("nats-kvcache"));
    Object before = Files.getAttribute(copy, "unix:ino");
    for (String timeZone : List.of("UTC", "Pacific/Kiritimati")) {
      ProviderProcess again =
          start(
              Map.of("XDG_CACHE_HOME", warm.toString(), "TZ", timeZone, "LC_ALL", "C.UTF-8"),
              "--version");
      assertRuns(again);
      assertEquals(List.of(), again.log());
    }
    assertEquals(before, Files.getAttribute(copy, "unix:ino"));
    assertEquals("rwx------", mode(copy.getParent()));
  }

  private static String mode(Path file) throws IOException {
    return java.nio.file.attribute.PosixFilePermissions.toString(
        Files.getPosixFilePermissions(file));
  }

  /** What a cleaner of temporary files, a full disk or a crash of the machine leave. */
  @ParameterizedTest
  @CsvSource({"runtime/lib/libnet.so, -1", "nats-kvcache.jar, 1000", "runtime/lib/modules, 0"})
  void damagedCopyIsReplaced(String file, int left) throws Exception {
    Path copy = copy(warm.resolve("nats-kvcache"));
    Path damaged = copy.resolve(file);
    long size = Files.size(damaged);
    if (left < 0) {
      Files.delete(damaged);
    } else {
      try (var content = new RandomAccessFile(damaged.toFile(), "rw")) {
        content.setLength(left);
      }
    }
    assertRuns(start(Map.of("XDG_CACHE_HOME", warm.toString()), "--version"));
    assertEquals(size, Files.size(damaged));
    assertEquals(List.of(copy.getFileName().toString()), entries(copy.getParent()));
  }

  @Test
  void killedFirstStartsDoNoHarm() throws Exception {
    Path cache = folder.resolve("cache");
    ProviderProcess terminated = startIn(cache, "--version");
    Waiting.until("it unpacks", () -> isUnpacking(cache));
    terminated.terminate();
    assertEquals(143, terminated.awaitExit());
    assertEquals(List.of(), entries(cache), "it cleans up");
    ProviderProcess killed = startIn(cache, "--version");
    Waiting.until("it unpacks", () -> isUnpacking(cache));
    List<ProcessHandle> pipeline =
        ProcessHandle.of(killed.pid()).orElseThrow().descendants().toList();
    killed.kill();
    for (ProcessHandle each : pipeline) {
      each.destroyForcibly();
      each.onExit().join();
    }
    List<String> left = entries(cache);
    assertEquals(2, left.size(), left::toString);
    assertEquals(".unpacking", left.getLast());
    Path stale = Files.createDirectories(cache.resolve(".0123456789ab.abcdef"));
    Files.writeString(stale.resolve("file"), "x");
    Files.setLastModifiedTime(stale, FileTime.from(Instant.now().minusSeconds(200_000)));
    assertRuns(startIn(cache, "--version"));
    copy(cache);
    assertEquals(2, entries(cache).size(), "what is younger than a day may be at work");
    assertTrue(entries(cache).contains(left.getFirst()));
  }

  private static boolean isUnpacking(Path cache) {
    try {
      for (String name : entries(cache)) {
        if (Files.exists(cache.resolve(name).resolve("nats-kvcache.aot"))) return true;
      }
      return false;
    } catch (IOException e) {
      return false; // it was removed just now
    }
  }

  private ProviderProcess startNotIn(Path unusable) {
    return start(
        Map.of("PROVIDER_CACHE_DIR", unusable.toString(), "XDG_CACHE_HOME", warm.toString()),
        "--version");
  }

  @Test
  void placesThatCannotBeUsedAreNamed() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    assertRunsElsewhere(startNotIn(file), file, "cannot be made");
    Path ours = Files.createDirectory(folder.resolve("ours"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), ours);
    assertRunsElsewhere(startNotIn(link), link, "is not ours");
  }

  private static boolean isRoot() throws IOException {
    return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
  }

  /** Whoever owns the folder could exchange the copy in it, even one of ours. */
  @Test
  void foreignFolderIsNotUsed() throws Exception {
    assumeTrue(isRoot(), "only root can give a folder away");
    Path former = warm.resolve("nats-kvcache");
    Path foreign = folder.resolve("foreign");
    Files.createDirectory(foreign);
    Files.createSymbolicLink(foreign.resolve(copy(former).getFileName()), copy(former));
    Files.setAttribute(foreign, "unix:uid", 4_711);
    assertRunsElsewhere(startNotIn(foreign), foreign, "is not ours");
    assertEquals(1, entries(foreign).size());
  }

  /** Runs a shell script in a mount namespace of its own; skips the test where that cannot be. */
  private ProviderProcess mounted(String script, String... args) throws Exception {
    assumeTrue(isRoot(), "only root can mount");
    File unshare = new File("/usr/bin/unshare");
    assumeTrue(unshare.canExecute(), "there is no unshare to mount with");
    ProviderProcess probe =
        ProviderProcess.start(
            unshare, Map.of(), "", "-m", "/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt");
    assumeTrue(probe.awaitExit() == 0, "mounting is forbidden here");
    var command = new ArrayList<>(List.of("-m", "/bin/sh", "-ec", script, "sh"));
    command.addAll(List.of(args));
    ProviderProcess process =
        ProviderProcess.start(unshare, Map.of(), "", command.toArray(String[]::new));
    processes.add(process);
    return process;
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "size=1m, 'unpacking failed, is the disk full?'",
    "noexec, does not let programs run",
    "ro, cannot be written"
  })
  void unfitFileSystemIsNamed(String option, String why) throws Exception {
    ProviderProcess process =
        mounted(
            "mount -t tmpfs -o mode=700,$1 tmpfs \"$2\"; exec env -i PROVIDER_CACHE_DIR=\"$2\" XDG_CACHE_HOME=\"$3\" \"$4\" --version",
            option,
            folder.toString(),
            warm.toString(),
            ProviderProcess.executable().toString());
    assertRunsElsewhere(process, folder, why);
  }

  @Test
  void withoutAnyPlaceItSaysWhatToDo() throws Exception {
    Path own = Files.createDirectory(folder.resolve("own"));
    Path executable = own.resolve("nats-kvcache");
    Files.copy(ProviderProcess.executable().toPath(), executable);
    assertTrue(executable.toFile().setExecutable(true));
    ProviderProcess process =
        mounted(
            "mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"; mount --bind \"$1\" /mnt; "
                + "mount -t tmpfs -o ro tmpfs /var/tmp; mount -t tmpfs -o ro tmpfs /tmp; exec env -i /mnt/nats-kvcache --version",
            own.toString());
    assertEquals(70, process.awaitExit());
    assertEquals(List.of(), process.output());
    assertEquals(1, process.log().size(), () -> process.log().toString());
    String line = process.log().getFirst();
    assertTrue(
        line.startsWith("nats-kvcache: no folder to unpack into; set PROVIDER_CACHE_DIR"), line);
    for (String place :
        List.of("/tmp/nats-kvcache-0: ", "/var/tmp/nats-kvcache-0: ", "/mnt/.nats-kvcache: ")) {
      assertTrue(line.contains(place), line);
    }
  }

  /** What the Java runtime has to say goes to stderr, and signals reach it: the shell is gone. */
  @Test
  void outputIsTheCommandsAndTheProcessIsJavas() {
    Map<String, String> environment = new HashMap<>();
    environment.put("XDG_CACHE_HOME", warm.toString());
    environment.put("PROVIDER_JAVA_OPTS", "-Xverify:none");
    ProviderProcess warned = start(environment, "--version");
    assertRuns(warned);
    assertNotEquals(List.of(), warned.log());
    environment.remove("PROVIDER_JAVA_OPTS");
    ProviderProcess waiting = ProviderProcess.start(environment, null);
    processes.add(waiting);
    assertEquals(0, java(waiting).children().count());
  }

  /** The process once Java is in the shell's place, and its arguments can be read. */
  private static ProcessHandle java(ProviderProcess process) {
    ProcessHandle handle = ProcessHandle.of(process.pid()).orElseThrow();
    Waiting.until(
        "Java in the shell's place",
        () -> {
          ProcessHandle.Info info = handle.info();
          return info.command().filter(name -> name.endsWith("/runtime/bin/java")).isPresent()
              && info.arguments().isPresent();
        });
    return handle;
  }

  @Test
  void youngGenerationIsBoundedUnlessTheHeapIsTheUsersOrSmall() {
    var machine = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    assumeTrue(machine.getTotalMemorySize() > 1 << 30, "there is little memory");
    assertEquals(1, youngBounds(Map.of()));
    assertEquals(0, youngBounds(Map.of("PROVIDER_JAVA_OPTS", "-Xmx64m")));
    assertEquals(0, youngBounds(Map.of("PROVIDER_JAVA_OPTS", "-XX:MaxRAMPercentage=70")));
  }

  private long youngBounds(Map<String, String> more) {
    Map<String, String> environment = new HashMap<>(more);
    environment.put("XDG_CACHE_HOME", warm.toString());
    ProviderProcess process = ProviderProcess.start(environment, null);
    processes.add(process);
    return Stream.of(java(process).info().arguments().orElseThrow())
        .filter("-Xmn64m"::equals)
        .count();
  }

  /** Another shell with no other tools than its own. */
  @Test
  void busyboxIsEnough() throws Exception {
    Optional<Path> busybox =
        Stream.of("/bin/busybox", "/usr/bin/busybox")
            .map(Path::of)
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(busybox.isPresent(), "there is no busybox here");
    Path tools = Files.createDirectory(folder.resolve("tools"));
    for (String tool :
        List.of(
            "cat", "chmod", "find", "gzip", "id", "ls", "mkdir", "mktemp", "mv", "rm", "sed",
            "tail", "tar")) {
      Files.createSymbolicLink(tools.resolve(tool), busybox.orElseThrow());
    }
    for (int i = 0; i < 2; i++) {
      ProviderProcess process =
          ProviderProcess.start(
              busybox.orElseThrow().toFile(),
              Map.of(
                  "PATH",
                  tools.toString(),
                  "PROVIDER_CACHE_DIR",
                  folder.resolve("cache").toString()),
              "",
              "sh",
              ProviderProcess.executable().toString(),
              "--version");
      processes.add(process);
      assertRuns(process);
      assertEquals(List.of(), process.log());
    }
  }

  private static String jarForm() {
    return ProviderProcess.executable() + "-jar";
  }

  @ParameterizedTest
  @CsvSource({"PROVIDER_JAVA, /bin/java", "JAVA_HOME, ''", "PATH, /bin"})
  void jarFormRunsWithAJavaOfOnesOwn(String variable, String below) {
    ProviderProcess process =
        ProviderProcess.start(
            new File(jarForm()),
            Map.of(variable, System.getProperty("java.home") + below),
            "",
            "--version");
    processes.add(process);
    assertRuns(process);
    assertEquals(List.of(), process.log());
  }

  @Test
  void jarFormSaysThatJavaIsMissing() throws Exception {
    ProviderProcess process =
        mounted(
            "for f in /usr/lib/jvm /opt /usr/local; do [ ! -d $f ] || mount -t tmpfs tmpfs $f; done; exec env -i \"$1\" --version",
            jarForm());
    assertEquals(127, process.awaitExit(), () -> process.output().toString());
    assertEquals(List.of(), process.output());
    assertEquals(
        List.of(
            "nats-kvcache: no Java 25 or newer found; install one, or set PROVIDER_JAVA to its java program or JAVA_HOME to its folder"),
        process.log());
  }
}
