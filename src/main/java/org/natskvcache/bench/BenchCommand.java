package org.natskvcache.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wasmbus.InvocationSigner;

/** The job behind {@code bench}: progress on stderr, figures on stdout. */
public final class BenchCommand {
  private static final long LOG_PERIOD_NANOS = 5_000_000_000L;

  private final BenchOptions options;
  private final Access access;
  private final @Nullable SigningKey cluster;
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean terminal;
  private final CountDownLatch told = new CountDownLatch(1);
  private volatile @Nullable Load current;
  private volatile boolean interrupted;
  private long progressNanos = System.nanoTime();

  /**
   * Connects to nothing yet.
   *
   * @param access to the servers of all targets
   * @param cluster signs the calls; null where the contract has no signatures
   * @param terminal whether the progress is rewritten in place
   */
  public BenchCommand(
      BenchOptions options,
      Access access,
      @Nullable SigningKey cluster,
      PrintWriter out,
      PrintWriter err,
      boolean terminal) {
    this.options = options;
    this.access = access;
    this.cluster = cluster;
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /**
   * Measures; a signal ends it with what is known by then.
   *
   * @return {@link ExitCode#OK} if every call was answered
   */
  public int run() {
    Thread hook = new Thread(this::interrupt, "stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return measured();
    } catch (IOException e) {
      err.println("nats-kvcache: " + e.getMessage());
      return ExitCode.FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ExitCode.FAILED;
    } finally {
      out.flush();
      err.flush();
      told.countDown();
      if (!interrupted) Runtime.getRuntime().removeShutdownHook(hook);
    }
  }

  private void interrupt() {
    interrupted = true;
    Load running = current;
    if (running != null) running.stop();
    try {
      told.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(ExitCode.FAILED);
  }

  private int measured() throws IOException, InterruptedException {
    if (cluster != null) {
      err.println(
          "bench: calls are signed; the provider needs --cluster-issuer "
              + cluster.publicKey().text()
              + " --actor "
              + InvocationSigner.actor(cluster));
    }
    BenchReport report = new BenchReport(options);
    List<Contract> contracts = new ArrayList<>();
    for (BenchOptions.Target target : options.targets()) {
      contracts.add(Load.contract(options, target, cluster));
      try (Load load = loaded(target, contracts.getLast())) {
        Tally filled = load.fill(options.keys(), options.timeoutMillis());
        if (!filled.trouble().isEmpty()) {
          throw new IOException("setting keys of " + target + " failed: " + filled.trouble());
        }
      }
    }
    for (int turn = 0; turn < options.turns() && !interrupted; turn++) {
      for (int i = 0; i < contracts.size() && !interrupted; i++) {
        String about = options.targets().get(i) + " turn " + (turn + 1) + " of " + options.turns();
        try (Load load = loaded(options.targets().get(i), contracts.get(i))) {
          long begin = System.nanoTime();
          report.add(i, load.run(options, () -> 0, tally -> progress(about, begin, tally)));
        }
      }
    }
    if (terminal) err.print("\r\u001b[K");
    out.println(options.json() ? report.json(interrupted) : report.text(interrupted));
    return report.allAnswered() && !interrupted ? ExitCode.OK : ExitCode.FAILED;
  }

  private Load loaded(BenchOptions.Target target, Contract contract) throws IOException {
    Load load = new Load(target.natsUrl(), access, contract, options.connections());
    current = load;
    if (interrupted) load.stop();
    return load;
  }

  private void progress(String about, long begin, Tally tally) {
    long now = System.nanoTime();
    if (!terminal && now - progressNanos < LOG_PERIOD_NANOS) return;
    progressNanos = now;
    String line =
        String.format(
            Locale.ROOT,
            "bench: %s: %.0f s, %d calls, p50 %.0f us, p99 %.0f us, failed %d",
            about,
            (now - begin) / 1e9,
            tally.answered(),
            tally.all().getValueAtPercentile(50) / 1e3,
            tally.all().getValueAtPercentile(99) / 1e3,
            tally.failed() + tally.warmUpFailures);
    if (terminal) err.print("\r\u001b[K" + line);
    else err.println(line);
    err.flush();
  }
}
