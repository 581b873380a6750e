package org.natskvcache.proof;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.SimOptions;
import org.natskvcache.crdt.Defect;
import org.natskvcache.sim.Shortened;
import org.natskvcache.sim.SimulationFailure;
import org.natskvcache.sim.SimulationReport;

/** The job behind {@code sim}: progress on stderr, the outcome on stdout. */
public final class SimulationCommand {
  private static final long TERMINAL_PERIOD_MILLIS = 500;
  private static final long LOG_PERIOD_MILLIS = 10_000;

  private final SimOptions options;
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean terminal;
  private final CountDownLatch told = new CountDownLatch(1);
  private volatile @Nullable Schedules current;
  private volatile boolean interrupted;
  private volatile int exitCode = ExitCode.FAILED;

  /**
   * Starts nothing yet.
   *
   * @param terminal whether the progress is rewritten in place
   */
  public SimulationCommand(SimOptions options, PrintWriter out, PrintWriter err, boolean terminal) {
    this.options = options;
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /**
   * Runs the schedules; a signal ends it with what is known by then.
   *
   * @return {@link ExitCode#OK} if the design was not found wrong, or every variant asked for was
   */
  public int run() {
    Thread hook = new Thread(this::interrupt, "stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      exitCode = options.variants() ? variants() : single();
      out.flush();
      return exitCode;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ExitCode.FAILED;
    } finally {
      told.countDown();
      if (!interrupted) Runtime.getRuntime().removeShutdownHook(hook);
    }
  }

  private void interrupt() {
    interrupted = true;
    Schedules running = current;
    if (running != null) running.stop();
    try {
      told.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(exitCode);
  }

  private Schedules finished(Defect defect) throws InterruptedException {
    Schedules schedules = new Schedules(options, defect);
    current = schedules;
    if (interrupted) schedules.stop();
    long startNanos = System.nanoTime();
    schedules.start();
    long period = terminal ? TERMINAL_PERIOD_MILLIS : LOG_PERIOD_MILLIS;
    while (!schedules.await(period)) progress(schedules.sum(), startNanos);
    if (terminal) err.print("\r\u001b[K");
    err.flush();
    return schedules;
  }

  private void progress(SimulationReport sum, long startNanos) {
    double seconds = (System.nanoTime() - startNanos) / 1e9;
    String line =
        String.format(
            Locale.ROOT,
            "%.0f s: %d schedules (%.1f/s), lost %d, repeated %d, damaged %d, cut %d, crashes %d,"
                + " leaves %d, pauses %d, clock jumps %d, mutations %d, checks %d",
            seconds,
            sum.schedules,
            sum.schedules / seconds,
            sum.lost,
            sum.repeated,
            sum.damaged,
            sum.cutMessages,
            sum.crashes,
            sum.leaves,
            sum.pauses,
            sum.clockJumps,
            sum.mutations,
            sum.contentChecks + sum.digestChecks);
    if (terminal) err.print("\r\u001b[K" + line);
    else err.println(line);
    err.flush();
  }

  private int single() throws InterruptedException {
    long startNanos = System.nanoTime();
    Schedules schedules = finished(options.variant());
    SimulationReport sum = schedules.sum();
    SimulationFailure failure = schedules.failure();
    if (failure != null) tellShortened(options.seed() + sum.schedules);
    out.println("result=" + result(failure, sum));
    if (options.variant() != Defect.NONE) out.println("variant=" + options.variant());
    out.println("first-seed=" + options.seed());
    out.println("steps=" + options.steps());
    out.println("threads=" + options.threads());
    out.printf(Locale.ROOT, "seconds=%.1f%n", (System.nanoTime() - startNanos) / 1e9);
    sum.counts().forEach((name, count) -> out.println(name + "=" + count));
    out.printf("trace=%016x%n", sum.traceHash);
    return (failure == null) == (options.variant() == Defect.NONE) ? ExitCode.OK : ExitCode.FAILED;
  }

  private String result(@Nullable SimulationFailure failure, SimulationReport sum) {
    if (failure != null) return options.variant() == Defect.NONE ? "failed" : "caught";
    if (interrupted && sum.schedules < options.schedules()) return "interrupted";
    return options.variant() == Defect.NONE ? "agreed" : "not caught";
  }

  /** Says how a schedule fails when it is as short as it can be. */
  private void tellShortened(long seed) {
    Shortened shortest = Shortened.of(seed, options.variant(), options.steps());
    out.println("failing-seed=" + seed);
    out.println("failing-steps=" + shortest.steps());
    out.println("reason=" + shortest.reason());
    out.println("last-actions=" + shortest.lastActions().size());
    shortest.lastActions().forEach(action -> out.println("  " + action));
    String variant = options.variant() == Defect.NONE ? "" : " --variant " + options.variant();
    out.println(
        "replay=nats-kvcache sim --seed "
            + seed
            + " --schedules 1 --steps "
            + shortest.steps()
            + variant);
  }

  private int variants() throws InterruptedException {
    int escaped = 0;
    for (Defect defect : Defect.values()) {
      if (defect == Defect.NONE) continue;
      Schedules schedules = finished(defect);
      SimulationFailure failure = schedules.failure();
      if (interrupted && failure == null) break;
      if (failure == null) escaped++;
      out.println(
          "variant="
              + defect
              + (failure == null
                  ? " caught=no schedules=" + schedules.sum().schedules
                  : " caught=yes schedules="
                      + (schedules.sum().schedules + 1)
                      + " "
                      + brief(failure)));
      out.flush();
    }
    out.println("result=" + (interrupted ? "interrupted" : escaped == 0 ? "caught" : "not caught"));
    return escaped == 0 && !interrupted ? ExitCode.OK : ExitCode.FAILED;
  }

  private static String brief(SimulationFailure failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }
}
