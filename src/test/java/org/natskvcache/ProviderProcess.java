package org.natskvcache;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The built executable as a child process, started as a host would: with an empty environment, one
 * line on standard input, then its end. Its two outputs are collected line by line. It dies with
 * the test's JVM.
 */
public final class ProviderProcess implements AutoCloseable {
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

  /** Set before the running ones are ended: what starts after that ends itself. */
  private static volatile boolean stopping;

  static {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stopping = true;
                  RUNNING.forEach(Process::destroyForcibly);
                },
                "provider-process-stop"));
  }

  private final Process process;
  private final Lines stdout = new Lines();
  private final Lines stderr = new Lines();

  private ProviderProcess(Process process) {
    this.process = process;
    stdout.collect(process.getInputStream(), "provider-stdout");
    stderr.collect(process.getErrorStream(), "provider-stderr");
  }

  /** The executable under test: the system property {@code kvcache.executable}. */
  public static File executable() {
    String path = System.getProperty("kvcache.executable");
    if (path == null || !new File(path).canExecute()) {
      throw new IllegalStateException(
          "the system property kvcache.executable does not name the built executable; run the test"
              + " through mvn verify, or build it first and set the property");
    }
    return new File(path);
  }

  /** Provider mode: {@code hostData} is the line written to standard input, without its end. */
  public static ProviderProcess startProvider(String hostData) {
    return start(Map.of(), hostData + "\n");
  }

  /** Any other mode, with an empty environment and an empty standard input. */
  public static ProviderProcess start(String... args) {
    return start(Map.of(), "", args);
  }

  /**
   * The general form.
   *
   * @param environment all of it: nothing is inherited
   * @param stdin written whole, then closed; null leaves it open for {@link #write}
   */
  public static ProviderProcess start(
      Map<String, String> environment, @Nullable String stdin, String... args) {
    return start(executable(), environment, stdin, args);
  }

  /** Of another program, such as one that makes a terminal for the executable. */
  public static ProviderProcess start(
      File program, Map<String, String> environment, @Nullable String stdin, String... args) {
    var command = new ArrayList<String>();
    command.add(program.getAbsolutePath());
    command.addAll(List.of(args));
    var builder = new ProcessBuilder(command);
    builder.environment().clear();
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      RUNNING.add(process);
      if (stopping) {
        process.destroyForcibly();
      }
      process.onExit().thenRun(() -> RUNNING.remove(process));
      var provider = new ProviderProcess(process);
      if (stdin != null) {
        provider.write(stdin);
        provider.closeInput();
      }
      return provider;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes to an open standard input. A process that is gone or has closed it does not mind. */
  public void write(String text) {
    try {
      process.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      // it ended or stopped reading; the test sees that by its exit code or its log
    }
  }

  public void closeInput() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // as above
    }
  }

  /** Waits for a line on standard error that contains {@code text}, and returns the first one. */
  public String awaitLog(String text) {
    return await(stderr, text);
  }

  /** Waits for a line on standard output that contains {@code text}, and returns the first one. */
  public String awaitOutput(String text) {
    return await(stdout, text);
  }

  /** Lines on standard error so far. */
  public List<String> log() {
    return stderr.all();
  }

  /** Lines on standard output so far. */
  public List<String> output() {
    return stdout.all();
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** SIGTERM: asks it to stop. */
  public void terminate() {
    // Not Process.destroy: that closes our ends of the streams too, and its last words are lost.
    process.toHandle().destroy();
  }

  /** SIGINT, as Ctrl-C on its terminal would. */
  public void interrupt() {
    Signals.send(pid(), "INT");
  }

  /** SIGQUIT: a Java runtime prints what its threads do, on standard output. */
  public void quit() {
    Signals.send(pid(), "QUIT");
  }

  /** SIGSTOP: it stands still, its connections open, until {@link #resume}. */
  public void pause() {
    Signals.send(pid(), "STOP");
  }

  /** SIGCONT. */
  public void resume() {
    Signals.send(pid(), "CONT");
  }

  /** SIGKILL, as a crash would. */
  public void kill() {
    process.toHandle().destroyForcibly();
    awaitExit();
  }

  /** Waits for its end and for the rest of its output; fails when it does not end. */
  public int awaitExit() {
    try {
      if (!process.waitFor(Waiting.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("still running; " + story());
      }
      stdout.join();
      stderr.join();
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Ends it if it still runs. */
  @Override
  public void close() {
    if (process.isAlive()) {
      kill();
    }
  }

  private String await(Lines lines, String text) {
    Predicate<String> wanted = line -> line.contains(text);
    // An ended process writes no more, but what it wrote may still be on its way to us.
    Waiting.until(
        () -> "a line with \"" + text + "\"; " + story(),
        () -> {
          boolean ended = lines.ended();
          boolean found = lines.all().stream().anyMatch(wanted);
          if (!found && ended) {
            throw new AssertionError("no line with \"" + text + "\"; " + story());
          }
          return found;
        });
    return lines.all().stream().filter(wanted).findFirst().orElseThrow();
  }

  private String story() {
    return "stdout: " + stdout.all() + " stderr: " + stderr.all();
  }

  /** What one stream has said. */
  private static final class Lines {
    private final List<String> lines = new ArrayList<>();
    private @Nullable Thread reader;

    void collect(InputStream stream, String threadName) {
      reader =
          Thread.ofPlatform()
              .daemon()
              .name(threadName)
              .start(() -> {
                try (var in =
                    new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                  for (String line = in.readLine(); line != null; line = in.readLine()) {
                    add(line);
                  }
                } catch (IOException e) {
                  add("(stream broken: " + e.getMessage() + ")");
                }
              });
    }

    private synchronized void add(String line) {
      lines.add(line);
    }

    synchronized List<String> all() {
      return List.copyOf(lines);
    }

    boolean ended() {
      return reader != null && !reader.isAlive();
    }

    void join() throws InterruptedException {
      if (reader != null) {
        reader.join(Waiting.PATIENCE);
      }
    }
  }
}
