package org.natskvcache.chaos;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.process.HeartbeatListener;
import org.natskvcache.process.ProviderFixture;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.rpc.wasmbus.HealthResponse;

/**
 * Trouble, then agreement. {@code -Dchaos.minutes=30} makes more of it, in rounds, each with a
 * comparison at its end; {@code -Dchaos.seed=7} draws other faults. {@code docs/chaos.md} tells it
 * all. The faults, every process's log and the verdict are in {@code target/chaos/SEED}.
 */
class ChaosIT {
  private static final long SEED = Long.getLong("chaos.seed", 1);
  private static final double MINUTES =
      Double.parseDouble(System.getProperty("chaos.minutes", "0.3"));
  private static final long ROUND_MILLIS_MAX = 90_000;
  private static final int WRITERS = 2;

  /** Long enough for connections that hang to be noticed, and for a snapshot after that. */
  private static final long AGREEMENT_MILLIS_MAX = 60_000;

  private final Tally calls = new Tally();
  private final Tally unanswered = new Tally();
  private final Tally faults = new Tally();
  private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final List<Ledger> ledgers = new CopyOnWriteArrayList<>();
  private final Writer.Shared shared = new Writer.Shared(ledgers, calls, unanswered, failures::add);
  private long keysCompared;
  private int writersStarted;
  private int keySteps;

  @Test
  void whateverBreaksAllAgreeOnceItIsHealed() throws IOException {
    assumeTrue(
        NatsForTests.program().isPresent(), "a cluster takes a nats-server program, not Docker");
    Path logs = emptied(Path.of("target", "chaos", "" + SEED));
    try (var fixture = new ProviderFixture();
        var log = new ChaosLog(logs.resolve("faults.log"))) {
      var keys = new KeyRotation(SEED);
      var cluster = new Cluster(fixture, keys, logs);
      var heartbeats =
          fixture.open(
              new HeartbeatListener(
                  fixture.connect(cluster.nodes.getFirst().url()),
                  CacheSettings.DEFAULT_STATE_SUBJECT));
      log.say("seed=" + SEED + " minutes=" + MINUTES + " log=" + log.file);
      try {
        long left = Math.round(MINUTES * 60_000);
        int rounds = (int) Math.max(1, Math.ceilDiv(left, ROUND_MILLIS_MAX));
        for (int round = 1; round <= rounds && failures.isEmpty(); round++) {
          round(cluster, heartbeats, log, round, left / rounds);
          if (round < rounds) rotate(cluster, keys, log);
        }
      } catch (Exception | AssertionError e) {
        failures.add(e);
      } finally {
        cluster.keepLogs();
        verdict(cluster, log);
      }
    }
    if (!failures.isEmpty()) {
      var text = new StringBuilder("-Dchaos.seed=" + SEED + ", logs in " + logs);
      failures.forEach(failure -> text.append("\n").append(failure));
      fail(text.toString());
    }
  }

  /** Gives everybody the keys of the next step, one after the other; some have them already. */
  private void rotate(Cluster cluster, KeyRotation keys, ChaosLog log) {
    for (Instance instance : cluster.instances) {
      if (!instance.rotate()) {
        failures.add(new AssertionError("instance " + instance.name() + " did not end with 0"));
      }
      if (!waitFor(() -> healthy(instance))) {
        failures.add(new AssertionError("not healthy with the next keys: " + instance.name()));
      }
    }
    keys.advance();
    keySteps++;
    log.line("keys rotated");
  }

  private static Path emptied(Path folder) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> old = Files.list(folder)) {
      for (Path file : old.toList()) {
        Files.delete(file);
      }
    }
    return folder;
  }

  private void round(
      Cluster cluster, HeartbeatListener heartbeats, ChaosLog log, int round, long millis) {
    if (!waitFor(() -> cluster.instances.stream().allMatch(ChaosIT::healthy))) {
      failures.add(new AssertionError("not everyone is healthy before the round"));
      return;
    }
    cluster.instances.forEach(this::write);
    List<Plan.Fault> plan = Plan.draw(SEED + 1_000_003L * (round - 1), millis);
    BooleanSupplier enough = () -> !failures.isEmpty() || anyDied(cluster, log);
    new Storm(cluster, log, faults, calls, this::write, failures::add).run(plan, enough);
    log.line("healed");
    cluster.instances.forEach(Instance::rest);
    long expired = System.currentTimeMillis() + Writer.EXPIRY_SECONDS_MAX * 1_000L;
    if (!failures.isEmpty() || anyDied(cluster, log)) {
      return;
    }
    long begin = System.nanoTime();
    boolean agreed =
        waitFor(() ->
            System.currentTimeMillis() > expired
                && heartbeats.agree(Cluster.INSTANCES, begin)
                && cluster.instances.stream().allMatch(ChaosIT::healthy));
    long took = (System.nanoTime() - begin) / 1_000_000;
    log.line(
        (agreed ? "agreed after " : "NO AGREEMENT after ")
            + took
            + " ms: "
            + heartbeats.story(begin));
    if (!agreed) {
      failures.add(new AssertionError("no agreement: " + heartbeats.story(begin)));
    }
    Comparison comparison = Comparison.of(cluster.instances, ledgers);
    keysCompared += (long) comparison.keys * Cluster.INSTANCES;
    comparison.complaints.forEach(complaint -> failures.add(new AssertionError(complaint)));
    for (Instance instance : cluster.instances) {
      instance.errors().forEach(line -> failures.add(new AssertionError(line)));
    }
    Map<String, Integer> gone = comparison.account.lostAnswered();
    log.line("answered additions gone with an instance, by writer: " + gone);
    log.say(
        "round="
            + round
            + " agreed="
            + agreed
            + " after_ms="
            + took
            + " keys="
            + comparison.keys
            + " counters="
            + comparison.counters
            + " exact="
            + comparison.exactCounters
            + " open_additions="
            + comparison.account.open()
            + " answered_and_gone_with_an_instance="
            + gone.values().stream().mapToInt(Integer::intValue).sum()
            + " complaints="
            + comparison.complaints.size());
  }

  private void write(Instance instance) {
    var writers = new ArrayList<Writer>();
    for (int i = 0; i < WRITERS; i++) {
      boolean lasting = instance.index < Cluster.LASTING;
      String name = instance.name() + "." + ++writersStarted;
      writers.add(
          new Writer(name, instance.provider(), lasting, SEED * 10_007 + writersStarted, shared));
    }
    instance.write(writers);
  }

  private boolean anyDied(Cluster cluster, ChaosLog log) {
    for (Instance instance : cluster.instances) {
      if (instance.died()) {
        log.line("died by itself: instance " + instance.name());
        failures.add(new AssertionError("instance " + instance.name() + " ended by itself"));
        return true;
      }
    }
    return false;
  }

  /** Connected, in step and without an alarm. */
  private static boolean healthy(Instance instance) {
    HealthResponse health = instance.provider().healthOrNull();
    return health != null && health.healthy() && health.message().contains("live");
  }

  private static boolean waitFor(BooleanSupplier condition) {
    long end = System.nanoTime() + AGREEMENT_MILLIS_MAX * 1_000_000;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  private void verdict(Cluster cluster, ChaosLog log) {
    failures.forEach(failure -> log.line("FAILURE " + failure));
    log.say("calls=" + calls.sum() + " " + calls);
    log.say("unanswered=" + unanswered.sum() + " " + unanswered);
    log.say("faults=" + faults.sum() + " " + faults);
    log.say(
        "slow_consumers="
            + cluster.slowConsumers()
            + " snapshots_installed="
            + cluster.snapshots()
            + " key_steps="
            + keySteps
            + " keys_compared="
            + keysCompared);
    log.say(
        "verdict="
            + (failures.isEmpty() ? "agreed" : "FAILED")
            + " seed="
            + SEED
            + " minutes="
            + MINUTES);
  }
}
