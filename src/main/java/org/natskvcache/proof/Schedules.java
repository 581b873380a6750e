package org.natskvcache.proof;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.cli.SimOptions;
import org.natskvcache.crdt.Defect;
import org.natskvcache.sim.Simulation;
import org.natskvcache.sim.SimulationFailure;
import org.natskvcache.sim.SimulationReport;

/**
 * Schedules being run, on several threads, up to the first that fails. They are begun and summed up
 * in the order of their seeds, so the outcome is that of one thread. Thread-safe.
 */
final class Schedules {
  /** What became of one schedule. */
  private record Outcome(SimulationReport report, @Nullable SimulationFailure failure) {}

  private final SimOptions options;
  private final Defect defect;
  private final long endNanos;

  // all below: under this object's lock
  private final TreeMap<Long, Outcome> waiting = new TreeMap<>();
  private final SimulationReport sum = new SimulationReport();
  private long begun;
  private long end;
  private int running;
  private boolean stopped;
  private @Nullable SimulationFailure failure;

  Schedules(SimOptions options, Defect defect) {
    this.options = options;
    this.defect = defect;
    end = options.schedules();
    endNanos =
        System.nanoTime()
            + (options.minutes() == 0 ? Long.MAX_VALUE / 2 : options.minutes() * 60_000_000_000L);
  }

  void start() {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < options.threads(); i++) {
      threads.add(Thread.ofPlatform().daemon().name("schedules-" + i).unstarted(this::work));
    }
    synchronized (this) {
      running = threads.size();
    }
    threads.forEach(Thread::start);
  }

  private void work() {
    for (long next = begin(); next >= 0; next = begin()) {
      SimulationReport report = new SimulationReport();
      SimulationFailure failed = null;
      try {
        report = new Simulation(options.seed() + next, defect).run(options.steps());
      } catch (SimulationFailure caught) {
        failed = caught;
      }
      ended(next, new Outcome(report, failed));
    }
    synchronized (this) {
      running--;
      notifyAll();
    }
  }

  private synchronized long begin() {
    boolean none = stopped || begun >= end || System.nanoTime() - endNanos >= 0;
    return none ? -1 : begun++;
  }

  private synchronized void ended(long index, Outcome outcome) {
    if (outcome.failure != null) end = Math.min(end, index);
    waiting.put(index, outcome);
    while (failure == null && waiting.containsKey(sum.schedules)) {
      Outcome next = waiting.remove(sum.schedules);
      failure = next.failure;
      if (failure == null) sum.add(next.report);
    }
  }

  /** No further schedule is begun. */
  synchronized void stop() {
    stopped = true;
  }

  /** Waits for the end of all that was begun, for so long at most, and tells whether it came. */
  synchronized boolean await(long millis) throws InterruptedException {
    long until = System.nanoTime() + millis * 1_000_000;
    for (long left = millis; running > 0 && left > 0; ) {
      wait(left);
      left = (until - System.nanoTime()) / 1_000_000;
    }
    return running == 0;
  }

  /** What was done by schedules that did not fail, up to the first that did. */
  synchronized SimulationReport sum() {
    SimulationReport copy = new SimulationReport();
    copy.add(sum);
    copy.traceHash = sum.traceHash;
    return copy;
  }

  /** The failure of the schedule after those of {@link #sum}; null if it did not fail. */
  synchronized @Nullable SimulationFailure failure() {
    return failure;
  }
}
