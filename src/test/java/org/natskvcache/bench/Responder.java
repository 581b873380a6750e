package org.natskvcache.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A process that answers calls, which is measured. It dies with this JVM.
 *
 * @param label in tables
 * @param sized whether its id ends with the size of values
 */
record Responder(String label, boolean sized, Process process, double startMillis, double idleMiB) {
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();
  private static final Duration START_MAX = Duration.ofSeconds(30);

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
  }

  /**
   * Starts it twice, the first time for what is only done once, and waits for its first answer.
   *
   * @param stdin written whole; empty leaves the input open
   */
  static Responder start(
      String label,
      boolean sized,
      List<String> command,
      String stdin,
      String url,
      Contract contract)
      throws IOException, InterruptedException {
    Process first = process(command, stdin);
    awaitAnswer(label, first, url, contract);
    end(first);
    long begin = System.nanoTime();
    Process second = process(command, stdin);
    awaitAnswer(label, second, url, contract);
    double millis = (System.nanoTime() - begin) / 1e6;
    return new Responder(label, sized, second, millis, residentMiB(second.pid()));
  }

  /** A class of ours as a command. */
  static List<String> java(Class<?> main, String... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseSerialGC");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(List.of(args));
    return command;
  }

  static Process process(List<String> command, String stdin) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    RUNNING.add(process);
    process.onExit().thenRun(() -> RUNNING.remove(process));
    if (!stdin.isEmpty()) {
      process.getOutputStream().write(stdin.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().close();
    }
    return process;
  }

  static void end(Process process) throws InterruptedException {
    process.destroy();
    if (!process.waitFor(5, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
  }

  private static void awaitAnswer(String label, Process process, String url, Contract contract)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_MAX.toNanos();
    try (Load load = new Load(url, Access.OPEN, contract, 1)) {
      while (!load.fill(1, 1_000).trouble().isEmpty()) {
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw new IOException(label + " does not answer");
        }
        // without this pause the questions would take the processor from the one they wait for
        Thread.sleep(3);
      }
    }
  }

  long cpuNanos() {
    return cpuNanos(process.pid());
  }

  /** Processor time of a process so far, in steps of 10 ms on Linux. */
  static long cpuNanos(long pid) {
    return ProcessHandle.of(pid)
        .orElseThrow()
        .info()
        .totalCpuDuration()
        .orElse(Duration.ZERO)
        .toNanos();
  }

  double residentMiB() throws IOException {
    return residentMiB(process.pid());
  }

  /** Resident memory; NaN where there is no such file. */
  private static double residentMiB(long pid) throws IOException {
    Path status = Path.of("/proc/" + pid + "/status");
    if (!Files.exists(status)) return Double.NaN;
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
    }
    return Double.NaN;
  }
}
