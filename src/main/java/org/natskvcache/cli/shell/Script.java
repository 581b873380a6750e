package org.natskvcache.cli.shell;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.node.ReplicaStatus;

/**
 * Runs commands from a stream, one a line, to its end or to the first error. Lines that are blank
 * or begin with {@code #} are skipped. It begins when every cache has what its group has: a script
 * cannot see that an answer came too early. At its end it leaves the groups, and fails where nobody
 * heard what it wrote.
 */
final class Script {
  /** Longest wait for the caches, milliseconds. */
  static final long LIVE_MILLIS_MAX = 10_000;

  /** Longest line, bytes: room for several values of the default size limit. */
  static final int LINE_BYTES_MAX = 16 << 20;

  /** Longest wait for a peer's answer at the end; one that is there needs milliseconds. */
  private static final Duration HAND_OVER_MAX = Duration.ofSeconds(3);

  private static final long LOOK_MILLIS = 10;

  private final ShellSession session;
  private final PrintWriter out;
  private final PrintWriter err;
  private final long liveMillisMax;
  private final boolean alone;

  Script(
      ShellSession session, PrintWriter out, PrintWriter err, long liveMillisMax, boolean alone) {
    this.session = session;
    this.out = out;
    this.err = err;
    this.liveMillisMax = liveMillisMax;
    this.alone = alone;
  }

  /** Runs the whole script; the answer is an {@link ExitCode}. */
  int run(InputStream script) {
    if (!awaitLive() || !(alone || isAmongItsLike())) return ExitCode.FAILED;
    int code = runLines(script);
    return alone || handOver() ? code : ExitCode.FAILED;
  }

  private int runLines(InputStream script) {
    int number = 0;
    try {
      InputStream in = new BufferedInputStream(script, 64 << 10);
      Interpreter interpreter = new Interpreter(session, false);
      while (true) {
        byte[] line = nextLine(in);
        number++;
        if (line == null) return finish(ExitCode.OK);
        if (line.length > LINE_BYTES_MAX) return fail(number, "ERR the line is over 16 MiB");
        if (isComment(line)) continue;
        Interpreter.Outcome outcome = interpreter.run(line);
        if (outcome.error() != null) return fail(number, outcome);
        if (!outcome.text().isEmpty()) out.print(outcome.text() + "\n");
        if (outcome.quit()) return finish(ExitCode.OK);
        if (in.available() == 0)
          out.flush(); // whoever writes the next line may wait for this answer
      }
    } catch (IOException e) {
      return fail(number + 1, "ERR the script cannot be read: " + e.getMessage());
    }
  }

  private boolean awaitLive() {
    long end = System.nanoTime() + liveMillisMax * 1_000_000;
    for (String link : session.links()) {
      while (!isLive(link)) {
        if (System.nanoTime() - end >= 0) {
          ReplicaStatus status = session.cache(link).status();
          err.println(
              "nats-kvcache: the cache of link "
                  + link
                  + " is not live after "
                  + liveMillisMax
                  + " ms (state "
                  + status.state()
                  + ", connection "
                  + (status.connected() ? "up" : "down")
                  + (status.hindrance() == null ? "" : ", " + status.hindrance())
                  + "): the script was not run");
          err.flush();
          return false;
        }
        try {
          Thread.sleep(LOOK_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return false;
        }
      }
    }
    return true;
  }

  /** Whether nothing is known that would make a script read or write beside its group. */
  private boolean isAmongItsLike() {
    for (String link : session.links()) {
      List<String> problems = session.cache(link).status().problems();
      if (problems.isEmpty()) continue;
      err.println(
          "nats-kvcache: on link %s %s: the script was not run. Put it right, or say --alone"
              .formatted(link, String.join(", ", problems)));
      err.flush();
      return false;
    }
    return true;
  }

  /**
   * Leaves every group, and says which one has nobody who heard what was written: then it is lost.
   */
  private boolean handOver() {
    boolean heard = true;
    for (String link : session.links()) {
      if (session.cache(link).handOver(HAND_OVER_MAX)) continue;
      heard = false;
      err.println(
          "nats-kvcache: nobody heard these writes: no other instance answered on link "
              + link
              + "; they may be lost. Start an instance, give the REPLICATION_KEY of those that run, or"
              + " say --alone");
    }
    err.flush();
    return heard;
  }

  private boolean isLive(String link) {
    ReplicaStatus.State state = session.cache(link).status().state();
    return state == ReplicaStatus.State.LIVE || state == ReplicaStatus.State.STANDALONE;
  }

  /**
   * The next line without its end; null after the last; one byte too long if it was over the limit.
   */
  private static byte @Nullable [] nextLine(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int b = in.read();
    if (b < 0) return null;
    while (b >= 0 && b != '\n' && line.size() <= LINE_BYTES_MAX) {
      line.write(b);
      b = in.read();
    }
    return line.toByteArray();
  }

  private static boolean isComment(byte[] line) {
    for (byte b : line) {
      if (b != ' ' && b != '\t') return b == '#';
    }
    return false;
  }

  /** A list that holds an error is printed like any answer; an error alone goes to stderr only. */
  private int fail(int line, Interpreter.Outcome outcome) {
    if (!outcome.text().startsWith("(error) ")) out.print(outcome.text() + "\n");
    return fail(line, String.valueOf(outcome.error()));
  }

  private int fail(int line, String message) {
    out.flush();
    err.println("nats-kvcache: line " + line + ": " + message);
    err.flush();
    return ExitCode.FAILED;
  }

  private int finish(int code) {
    out.flush();
    return code;
  }
}
