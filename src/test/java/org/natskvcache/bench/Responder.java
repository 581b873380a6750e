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
import org.natskvcache.cli.BenchOperation;

/**
 * A process that answers calls, which is measured. It dies with this JVM.
 *
 * @param label in tables
 * @param sized whether its id ends with the size of values
 */
record Responder(String label, boolean sized, Process process, Spread startMillis, double idleMiB) {
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();
  private static final Duration START_MAX = Duration.ofSeconds(30);
  private static final Duration QUESTION_MAX = Duration.ofSeconds(1);

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
  }

  /**
   * Starts it again and again, the first time for what is only done once, each time until its first
   * answer. The last one stays, and its memory is looked at when it has been idle.
   *
   * @param stdin written whole; empty leaves the input open
   * @param starts how many are measured
   * @param idle how long nothing is asked before its memory counts
   */
  static Responder start(
      String label,
      boolean sized,
      List<String> command,
      String stdin,
      String url,
      Contract contract,
      int starts,
      Duration idle)
      throws IOException, InterruptedException {
    Process process = process(command, stdin);
    awaitAnswer(label, process, url, contract);
    List<Double> millis = new ArrayList<>();
    for (int i = 0; i < starts; i++) {
      end(process);
      long begin = System.nanoTime();
      process = process(command, stdin);
      awaitAnswer(label, process, url, contract);
      millis.add((System.nanoTime() - begin) / 1e6);
    }
    Thread.sleep(idle);
    return new Responder(label, sized, process, Spread.of(millis), residentMiB(process.pid()));
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

  /** Asks over one connection, on this thread: what asks must not take the processor. */
  private static void awaitAnswer(String label, Process process, String url, Contract contract)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_MAX.toNanos();
    Contract.Prepared question = contract.prepare(BenchOperation.SET, 0);
    try (Wire wire = Wire.connect(url, Access.OPEN)) {
      while (true) {
        long now = System.nanoTime();
        var once = new Caller.Schedule(now, now, now, 1, 1, 0, QUESTION_MAX.toNanos());
        var caller =
            new Caller(wire, contract, (random, number) -> question, once, "_INBOX.start.", 0);
        caller.run();
        if (caller.tally().trouble().isEmpty()) return;
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw new IOException(label + " does not answer");
        }
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
