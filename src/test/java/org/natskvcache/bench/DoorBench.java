package org.natskvcache.bench;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.impl.Headers;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wasmbus.SigningCaller;

/**
 * What a wasmbus call costs: KeyValue.Get of a 64-byte value through nats-server on loopback,
 * against a bare jnats responder in a process of its own that sends as many bytes back without
 * looking at the request. Same client, same requests, in turns; the client keeps a fixed number in
 * flight. The requests were signed beforehand, each once, and are sent over and over: the provider
 * keeps no token, so it verifies every one.
 *
 * <p>Also: the time from starting the process to its first answer.
 */
@SuppressWarnings("try") // a close that is interrupted ends the benchmark, which is fine
final class DoorBench {
  static final int TURNS = 5;
  private static final int SIGNED = 2_000;
  static final Duration WARM = Duration.ofSeconds(2);
  static final Duration MEASURED = Duration.ofSeconds(3);
  private static final String KEY = "0123456789abcdef";

  record Result(double callsPerSecond, double p50Micros, double p99Micros, double cpuMicros) {}

  private DoorBench() {}

  public static void main(String[] args) throws Exception {
    SigningCaller caller = SigningCaller.ofFixture();
    try (NatsForTests nats = NatsForTests.start()) {
      startTimes(nats, caller);
      throughput(nats, caller);
    }
  }

  private static String hostData(NatsForTests nats, SigningCaller caller) {
    String provider = providerKey(caller);
    String json =
        """
        {"host_id":"N","lattice_rpc_prefix":"bench","link_name":"default","provider_key":"%s",\
        "lattice_rpc_url":"%s","cluster_issuers":["%s"],"invocation_seed":"","env_values":{},\
        "link_definitions":[{"actor_id":"%s","provider_id":"%s","link_name":"default",\
        "contract_id":"wasmcloud:keyvalue","values":{"NATS_URL":"%s"}}]}\
        """
            .formatted(provider, nats.url(), caller.issuer(), caller.actor(), provider, nats.url());
    return Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8)) + "\n";
  }

  private static String providerKey(SigningCaller caller) {
    return caller.signed("KeyValue.Get", SigningCaller.text(KEY)).target().publicKey();
  }

  private static void startTimes(NatsForTests nats, SigningCaller caller) throws Exception {
    String subject = "wasmbus.rpc.bench." + providerKey(caller) + ".default";
    byte[] call = caller.invocation("KeyValue.Get", SigningCaller.text(KEY));
    startTimes(nats, hostData(nats, caller), subject, new Headers(), call);
  }

  /** The time from starting the process to the first message it sends back. */
  static void startTimes(
      NatsForTests nats, String hostData, String subject, Headers headers, byte[] call)
      throws Exception {
    double[] millis = new double[TURNS];
    try (Connection client = Nats.connect(nats.url())) {
      for (int turn = 0; turn < TURNS; turn++) {
        long begin = System.nanoTime();
        try (ProviderProcess provider = ProviderProcess.startProvider(hostData)) {
          Message answer = null;
          while (answer == null) {
            answer = client.request(subject, headers, call, Duration.ofMillis(100));
            // without this pause the questions would take the processor from the one they wait for
            if (answer == null) Thread.sleep(Duration.ofMillis(3));
          }
          millis[turn] = (System.nanoTime() - begin) / 1e6;
          provider.terminate();
          provider.awaitExit();
        }
      }
    }
    Arrays.sort(millis);
    System.out.printf(
        "start to first answered call, ms: min %.0f median %.0f max %.0f (%d starts, replicated link, no peers)%n",
        millis[0], millis[TURNS / 2], millis[TURNS - 1], TURNS);
  }

  private static void throughput(NatsForTests nats, SigningCaller caller) throws Exception {
    String subject = "wasmbus.rpc.bench." + providerKey(caller) + ".default";
    try (Connection client = Nats.connect(nats.url());
        ProviderProcess provider = ProviderProcess.startProvider(hostData(nats, caller))) {
      provider.awaitLog("live");
      byte[] set = SigningCaller.struct("key", KEY, "value", "v".repeat(64), "expires", 0L);
      client.request(subject, caller.invocation("KeyValue.Set", set), Duration.ofSeconds(5));
      byte[][] calls = new byte[SIGNED][];
      for (int i = 0; i < SIGNED; i++) {
        calls[i] = caller.invocation("KeyValue.Get", SigningCaller.text(KEY));
      }
      Message one = client.request(subject, calls[0], Duration.ofSeconds(5));
      Process echo = startEcho(EchoResponder.class, nats, one.getData().length);
      System.out.printf(
          "KeyValue.Get, request %d bytes, answer %d bytes, medians of %d turns of %d s%n",
          calls[0].length, one.getData().length, TURNS, MEASURED.toSeconds());
      System.out.println(
          "in flight | provider calls/s p50us p99us cpu us/call | echo calls/s p50us p99us cpu us/call | ratio");
      for (int window : new int[] {1, 16, 256}) {
        int inFlight = window;
        List<Result> ours = new ArrayList<>();
        List<Result> theirs = new ArrayList<>();
        for (int turn = 0; turn < TURNS; turn++) {
          ours.add(run(client, subject, calls, inFlight, provider.pid()));
          theirs.add(run(client, "bench.echo", calls, inFlight, echo.pid()));
        }
        print(inFlight, ours, theirs);
      }
      echo.destroy();
    }
  }

  static void print(int window, List<Result> ours, List<Result> theirs) throws Exception {
    double[] ratios = new double[TURNS];
    for (int i = 0; i < TURNS; i++) {
      ratios[i] = ours.get(i).callsPerSecond / theirs.get(i).callsPerSecond;
    }
    Arrays.sort(ratios);
    System.out.printf(
        "%9d | %s | %s | %.2f (%.2f to %.2f)%n",
        window, text(ours), text(theirs), ratios[TURNS / 2], ratios[0], ratios[TURNS - 1]);
  }

  private static String text(List<Result> results) {
    return "%.0f %.0f %.0f %.1f"
        .formatted(
            median(results.stream().map(Result::callsPerSecond).toList()),
            median(results.stream().map(Result::p50Micros).toList()),
            median(results.stream().map(Result::p99Micros).toList()),
            median(results.stream().map(Result::cpuMicros).toList()));
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  static Process startEcho(Class<?> responder, NatsForTests nats, int bytes) throws Exception {
    Process echo =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                responder.getName(),
                nats.url(),
                "bench.echo",
                "" + bytes)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    var lines =
        new BufferedReader(new InputStreamReader(echo.getInputStream(), StandardCharsets.UTF_8));
    if (!"ready".equals(lines.readLine()))
      throw new IllegalStateException("the echo did not start");
    return echo;
  }

  static long cpuNanos(long pid) {
    return ProcessHandle.of(pid)
        .orElseThrow()
        .info()
        .totalCpuDuration()
        .orElse(Duration.ZERO)
        .toNanos();
  }

  /**
   * Keeps {@code window} requests in flight; each answer sends the next request from the thread
   * that got it.
   */
  private static Result run(Connection client, String subject, byte[][] calls, int window, long pid)
      throws Exception {
    String inbox = client.createInbox() + ".";
    long[] sentAt = new long[window];
    Histogram latencies = new Histogram(60_000_000_000L, 3);
    AtomicLong answered = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    AtomicBoolean measuring = new AtomicBoolean();
    int[] next = {0};
    Dispatcher dispatcher =
        client.createDispatcher(m -> {
          int slot = Integer.parseInt(m.getSubject().substring(inbox.length()));
          long now = System.nanoTime();
          answered.lazySet(answered.get() + 1);
          if (measuring.get()) latencies.recordValue(now - sentAt[slot]);
          if (stop.get()) return;
          sentAt[slot] = now;
          next[0] = (next[0] + 1) % calls.length;
          client.publish(subject, inbox + slot, calls[next[0]]);
        });
    dispatcher.subscribe(inbox + "*");
    client.flush(Duration.ofSeconds(2));
    for (int slot = 0; slot < window; slot++) {
      sentAt[slot] = System.nanoTime();
      client.publish(subject, inbox + slot, calls[slot % calls.length]);
    }
    Thread.sleep(WARM);
    long cpu = cpuNanos(pid);
    long before = answered.get();
    long begin = System.nanoTime();
    measuring.set(true);
    Thread.sleep(MEASURED);
    measuring.set(false);
    long count = answered.get() - before;
    double seconds = (System.nanoTime() - begin) / 1e9;
    long cpuUsed = cpuNanos(pid) - cpu;
    stop.set(true);
    Thread.sleep(100);
    client.closeDispatcher(dispatcher);
    return new Result(
        count / seconds,
        latencies.getValueAtPercentile(50) / 1e3,
        latencies.getValueAtPercentile(99) / 1e3,
        cpuUsed / 1e3 / count);
  }
}
