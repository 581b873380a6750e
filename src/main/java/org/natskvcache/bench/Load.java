package org.natskvcache.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.bench.Contract.Prepared;
import org.natskvcache.cli.BenchOperation;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.rpc.SigningKey;

/** One measurement: some connections that call one target alike. */
final class Load implements AutoCloseable {
  /** Different calls that are made beforehand where that takes time. */
  private static final int PREPARED_MAX = 4_096;

  private static final int FILL_IN_FLIGHT = 64;
  private static final long PROGRESS_NANOS = 500_000_000;
  private static final long STEP_MILLIS = 10;

  /**
   * What came of it.
   *
   * @param seconds from the begin of the measurement to its last answer, at least
   * @param cpuNanos what the clock given to {@link #run} went on meanwhile
   */
  record Result(Tally tally, double seconds, long cpuNanos) {
    double callsPerSecond() {
      return tally.answered() / seconds;
    }
  }

  private final List<Wire> wires = new ArrayList<>();
  private final Contract contract;
  private volatile boolean stopped;
  private volatile List<Caller> callers = List.of();

  /**
   * How to call a target.
   *
   * @param cluster null where the contract has no signatures
   */
  static Contract contract(
      BenchOptions options, BenchOptions.Target target, @Nullable SigningKey cluster) {
    byte[] value = "v".repeat(options.valueBytes()).getBytes(StandardCharsets.US_ASCII);
    return cluster == null
        ? new WrpcContract(target, options.component(), options.link(), value)
        : new WasmbusContract(target, options.link(), cluster, value);
  }

  /** Opens the connections. */
  Load(String url, Access access, Contract contract, int connections) throws IOException {
    this.contract = contract;
    try {
      for (int i = 0; i < connections; i++) wires.add(Wire.connect(url, access));
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  /** Sets the keys from 0 to {@code keys}; for one connection. */
  Tally fill(int keys, long timeoutMillis) throws IOException, InterruptedException {
    long now = System.nanoTime();
    var schedule =
        new Caller.Schedule(
            now, now, now, keys, Math.min(keys, FILL_IN_FLIGHT), 0, timeoutMillis * 1_000_000);
    Caller.Calls calls = (random, number) -> contract.prepare(BenchOperation.SET, (int) number);
    return run(schedule, List.of(schedule), calls, () -> 0, ignored -> {}).tally;
  }

  /**
   * Warms up and measures.
   *
   * @param cpu a clock of the callee's processor time, nanoseconds
   * @param progress hears what there is twice a second
   */
  Result run(BenchOptions options, LongSupplier cpu, Consumer<Tally> progress)
      throws IOException, InterruptedException {
    Caller.Calls calls = drawn(options);
    long period =
        options.rate() == 0 ? 0 : Math.round(1e9 * options.connections() / options.rate());
    long start = System.nanoTime();
    long begin = start + Math.round(options.warmUpSeconds() * 1e9);
    List<Caller.Schedule> schedules = new ArrayList<>();
    for (int i = 0; i < wires.size(); i++) {
      schedules.add(
          new Caller.Schedule(
              start + period * i / wires.size(),
              begin,
              begin + Math.round(options.seconds() * 1e9),
              share(options.calls(), i),
              (int) share(options.inFlight(), i),
              period,
              options.timeoutMillis() * 1_000_000));
    }
    return run(schedules.getFirst(), schedules, calls, cpu, progress);
  }

  private long share(long whole, int index) {
    return whole / wires.size() + (index < whole % wires.size() ? 1 : 0);
  }

  private Caller.Calls drawn(BenchOptions options) {
    Keys keys = new Keys(options.keys(), options.zipf());
    BenchOperation[] operations = operations(options.mix());
    Caller.Calls fresh =
        (random, number) ->
            contract.prepare(operations[random.nextInt(operations.length)], keys.draw(random));
    if (!contract.costly()) return fresh;
    SplittableRandom once = new SplittableRandom(1);
    Prepared[] prepared = new Prepared[PREPARED_MAX];
    for (int i = 0; i < prepared.length; i++) prepared[i] = fresh.next(once, i);
    return (random, number) -> prepared[random.nextInt(prepared.length)];
  }

  /** Each operation as often as its share says, reduced to a short list. */
  static BenchOperation[] operations(Map<BenchOperation, Integer> mix) {
    long sum = mix.values().stream().mapToLong(Integer::longValue).sum();
    int scale = (int) Math.max(1, sum / 10_000);
    List<BenchOperation> operations = new ArrayList<>();
    mix.forEach((operation, share) -> {
      for (int i = 0; i < Math.max(1, share / scale); i++) operations.add(operation);
    });
    return operations.toArray(BenchOperation[]::new);
  }

  private Result run(
      Caller.Schedule times,
      List<Caller.Schedule> schedules,
      Caller.Calls calls,
      LongSupplier cpu,
      Consumer<Tally> progress)
      throws IOException, InterruptedException {
    List<Caller> made = new ArrayList<>();
    for (int i = 0; i < schedules.size(); i++) {
      String inbox =
          "_INBOX." + Long.toString(ThreadLocalRandom.current().nextLong(1L << 62), 36) + ".";
      made.add(new Caller(wires.get(i), contract, calls, schedules.get(i), inbox, i));
    }
    callers = made;
    if (stopped) stop();
    List<Thread> threads = new ArrayList<>();
    for (Caller caller : made) {
      threads.add(
          Thread.ofPlatform()
              .daemon()
              .name("bench")
              .start(() -> {
                try {
                  caller.run();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              }));
    }
    waitUntil(times.beginNanos(), threads, () -> {});
    long begin = System.nanoTime();
    long cpuBegin = cpu.getAsLong();
    long end = times.calls() > 0 ? Long.MAX_VALUE / 2 + begin : times.endNanos();
    waitUntil(end, threads, () -> progress.accept(sum()));
    long cpuNanos = cpu.getAsLong() - cpuBegin;
    long ended = System.nanoTime();
    for (Thread thread : threads) thread.join();
    Tally tally = sum();
    long last = Math.max(tally.lastNanos, Math.min(ended, times.endNanos()));
    return new Result(tally, Math.max(1, last - times.beginNanos()) / 1e9, cpuNanos);
  }

  private static void waitUntil(long nanos, List<Thread> threads, Runnable meanwhile)
      throws InterruptedException {
    long told = System.nanoTime();
    long left = nanos - told;
    while (left > 0 && threads.stream().anyMatch(Thread::isAlive)) {
      Thread.sleep(Math.min(STEP_MILLIS, left / 1_000_000 + 1));
      long now = System.nanoTime();
      if (now - told > PROGRESS_NANOS) {
        meanwhile.run();
        told = now;
      }
      left = nanos - now;
    }
  }

  private Tally sum() {
    Tally sum = new Tally();
    callers.forEach(caller -> sum.add(caller.tally()));
    return sum;
  }

  /** No further call is begun; {@link #run} returns soon with what there is. */
  void stop() {
    stopped = true;
    callers.forEach(Caller::stop);
  }

  @Override
  public void close() {
    wires.forEach(Wire::close);
  }
}
