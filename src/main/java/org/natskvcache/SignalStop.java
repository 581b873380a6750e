package org.natskvcache;

import java.time.Duration;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.nats.Lattice;
import org.natskvcache.provider.Lifecycle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stops the process on SIGTERM and SIGINT. The JVM runs it once: signals that come while it runs
 * wait for its end, which ends the process with {@link ExitCode#OK}.
 *
 * <p>Who sends a signal waits longer than a host that sends a shutdown message: 10 s for Docker, 30
 * s for Kubernetes. So the calls in flight get seconds here. Most need milliseconds.
 */
final class SignalStop {
  private static final Logger LOG = LoggerFactory.getLogger(SignalStop.class);

  /** Longest wait for calls in flight. A process just started answers the first ones slowly. */
  private static final Duration CALLS_MAX = Duration.ofSeconds(5);

  /** Longest wait for a stop that a host began; it takes 300 ms on a machine that is not busy. */
  private static final Duration HOST_STOP_MAX = Duration.ofSeconds(2);

  private final Lifecycle lifecycle;
  private final Lattice lattice;
  private final Runnable cleanUp;

  /**
   * @param cleanUp leaves the groups and sends the last traces
   */
  SignalStop(Lifecycle lifecycle, Lattice lattice, Runnable cleanUp) {
    this.lifecycle = lifecycle;
    this.lattice = lattice;
    this.cleanUp = cleanUp;
  }

  void install() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::run, "stop"));
  }

  /** Runs while the JVM shuts down, whatever began that; a host's stop may be under way or over. */
  private void run() {
    if (lifecycle.enter(Lifecycle.Phase.STOPPING)) {
      LOG.info("event=stopping cause=signal");
      lattice.stopCalls(CALLS_MAX);
      cleanUp.run();
      lattice.close();
      lifecycle.enter(Lifecycle.Phase.STOPPED);
      LOG.info("event=stopped");
    } else {
      awaitHostStop();
    }
    Runtime.getRuntime().halt(ExitCode.OK);
  }

  private void awaitHostStop() {
    long end = System.nanoTime() + HOST_STOP_MAX.toNanos();
    while (lifecycle.phase() != Lifecycle.Phase.STOPPED && System.nanoTime() < end) {
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        return; // nobody interrupts a shutdown hook
      }
    }
  }
}
