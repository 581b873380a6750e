package org.natskvcache.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.natskvcache.bench.Contract.Prepared;
import org.natskvcache.bench.Contract.Progress;
import org.natskvcache.cli.BenchOperation;

/**
 * One connection's calls. The reading thread answers handshakes, and begins a call where one has
 * ended; with a rate a second thread begins them when they are due. Both hold this object's lock
 * while they touch calls or the wire. Each call has a number, which its reply subject ends with,
 * and takes the place of that number modulo the places.
 */
final class Caller {
  /** When to begin calls, and when they count; nanoseconds of {@link System#nanoTime}. */
  record Schedule(
      long startNanos,
      long beginNanos,
      long endNanos,
      long calls,
      int inFlight,
      long periodNanos,
      long timeoutNanos) {}

  /** What to call. */
  interface Calls {
    /** The call of this number, from 0. */
    Prepared next(SplittableRandom random, long number);
  }

  private static final long SWEEP_NANOS = 20_000_000;

  /** A place: a call in flight, while {@code call} is not null. */
  private static final class Place {
    long number = -1;
    long dueNanos;
    long sentNanos;
    boolean measured;
    @Nullable BenchOperation operation;
    Progress.Open progress = Progress.Open.WAITING;
  }

  private final Wire wire;
  private final Contract contract;
  private final Calls calls;
  private final Schedule schedule;
  private final byte[] inbox;
  private final SplittableRandom random;
  private final Place[] places;
  private final Tally tally = new Tally();
  private long begun;
  private long measuredBegun;
  private int open;
  private long sweptNanos;
  private boolean stopped;

  /**
   * A caller that has sent nothing yet.
   *
   * @param inbox this connection's own subject, with a dot behind it
   * @param seed of what is drawn
   */
  Caller(Wire wire, Contract contract, Calls calls, Schedule schedule, String inbox, long seed)
      throws IOException {
    this.wire = wire;
    this.contract = contract;
    this.calls = calls;
    this.schedule = schedule;
    this.inbox = inbox.getBytes(StandardCharsets.US_ASCII);
    random = new SplittableRandom(seed);
    places = new Place[schedule.inFlight];
    for (int i = 0; i < places.length; i++) places[i] = new Place();
    wire.subscribe(inbox + ">");
  }

  /** No further call is begun. */
  synchronized void stop() {
    stopped = true;
    notifyAll();
  }

  synchronized Tally tally() {
    Tally copy = new Tally();
    copy.add(tally);
    return copy;
  }

  /** Calls until all is answered or has failed; for one thread. */
  void run() throws InterruptedException {
    Thread pacer = null;
    if (schedule.periodNanos > 0) pacer = Thread.ofPlatform().daemon().start(this::pace);
    try {
      if (pacer == null) fill();
      while (!finished()) {
        wire.read();
        synchronized (this) {
          wire.dispatch(this::received);
          long now = System.nanoTime();
          if (now - sweptNanos >= SWEEP_NANOS) sweep(now);
          wire.flush();
        }
      }
    } catch (IOException e) {
      synchronized (this) {
        stopped = true;
        for (Place place : places) {
          if (place.operation != null) end(place, Progress.Failed.CONNECTION_LOST, 0);
        }
        tally.broken = String.valueOf(e.getMessage());
        notifyAll();
      }
    }
    if (pacer != null) pacer.join();
    synchronized (this) {
      String complaint = wire.complaint();
      if (complaint != null) tally.broken = "the server says " + complaint;
    }
  }

  private synchronized boolean finished() {
    return open == 0 && !more(System.nanoTime());
  }

  /** Whether a call may still begin that is due at this time. */
  private boolean more(long due) {
    if (stopped) return false;
    return schedule.calls > 0 ? measuredBegun < schedule.calls : due - schedule.endNanos < 0;
  }

  private synchronized void fill() throws IOException {
    for (Place place : places) {
      long now = System.nanoTime();
      if (more(now)) begin(place, now);
    }
    wire.flush();
  }

  private void pace() {
    try {
      long due = schedule.startNanos;
      while (true) {
        long now = System.nanoTime();
        while (due - now > 0) {
          synchronized (this) {
            wire.flush();
            if (stopped) return;
          }
          LockSupport.parkNanos(Math.min(due - now, SWEEP_NANOS));
          now = System.nanoTime();
        }
        synchronized (this) {
          Place place = places[(int) (begun % places.length)];
          while (place.operation != null && !stopped) {
            wire.flush();
            wait(); // too many in flight: this call begins late, and its latency counts that
          }
          if (!more(due)) {
            stopped = true;
            return;
          }
          begin(place, due);
        }
        due += schedule.periodNanos;
      }
    } catch (IOException e) {
      stop(); // the reading thread sees it too, and tells
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stop();
    }
  }

  private void begin(Place place, long due) {
    Prepared call = calls.next(random, begun);
    place.number =
        place.number < 0 || schedule.periodNanos > 0 ? begun : place.number + places.length;
    place.dueNanos = due;
    place.sentNanos = schedule.periodNanos > 0 ? System.nanoTime() : due;
    place.measured = due - schedule.beginNanos >= 0;
    place.operation = call.operation();
    place.progress = Progress.Open.WAITING;
    begun++;
    open++;
    if (place.measured) {
      measuredBegun++;
      tally.sent++;
    }
    wire.publish(call.headers().length > 0).raw(call.subject()).space().raw(inbox);
    wire.number(place.number).body(call.headers(), call.body());
  }

  private void received(WireMessage message) {
    long number = 0;
    int end = message.subjectAt + message.subjectLength;
    for (int i = message.subjectAt + inbox.length; i < end && message.buffer[i] != '.'; i++) {
      number = number * 10 + message.buffer[i] - '0';
    }
    Place place = places[(int) (Math.max(0, number) % places.length)];
    BenchOperation operation = place.operation;
    if (operation == null || place.number != number) {
      return; // the end of one that was answered, or it had failed
    }
    switch (contract.received(message, operation, place.progress, wire)) {
      case Progress.Open progress -> place.progress = progress;
      case Progress.Done ignored -> end(place, null, System.nanoTime());
      case Progress.Failed failure -> end(place, failure, System.nanoTime());
    }
  }

  private void end(Place place, Progress.@Nullable Failed failure, long now) {
    BenchOperation operation = place.operation;
    if (operation == null) return;
    if (failure != null) tally.failed(failure, place.measured);
    else if (place.measured) tally.answered(operation, now - place.dueNanos, now);
    place.operation = null;
    open--;
    if (schedule.periodNanos > 0) notifyAll();
    else if (more(now)) begin(place, now);
  }

  private void sweep(long now) {
    sweptNanos = now;
    for (Place place : places) {
      if (place.operation != null && now - place.sentNanos > schedule.timeoutNanos) {
        end(place, Progress.Failed.TIMED_OUT, now);
      }
    }
  }
}
