package org.natskvcache.bench;

import com.sun.net.httpserver.HttpServer;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.impl.Headers;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcCaller;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/**
 * What traces and metrics cost: wRPC calls of {@code get} through nats-server on loopback to three
 * processes in turns, one without export, one that exports metrics and a tenth of the traces, one
 * that exports everything. The collector is this process; it answers and forgets.
 */
@SuppressWarnings("try") // a close that is interrupted ends the benchmark, which is fine
final class TelemetryBench {
  private static final int TURNS = Smoke.or(5, 1);
  private static final int IN_FLIGHT = 16;
  private static final Duration WARM = Duration.ofMillis(Smoke.or(2_000, 100));
  private static final Duration MEASURED = Duration.ofMillis(Smoke.or(3_000, 300));

  private record Result(double callsPerSecond, double cpuMicros) {}

  private TelemetryBench() {}

  public static void main(String[] args) throws Exception {
    HttpServer sink =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    sink.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    sink.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    sink.start();
    String collector = "http://127.0.0.1:" + sink.getAddress().getPort();
    Map<String, Map<String, String>> kinds = new LinkedHashMap<>();
    kinds.put("off", Map.of());
    kinds.put(
        "a tenth",
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            collector,
            "OTEL_TRACES_SAMPLER",
            "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG",
            "0.1"));
    kinds.put("all", Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", collector));
    List<ProviderProcess> processes = new ArrayList<>();
    try (NatsForTests nats = NatsForTests.start();
        Connection client = Nats.connect(nats.url());
        var caller = new WrpcCaller(client, WrpcLimits.DEFAULTS, (event, subject, cause) -> {})) {
      Map<String, List<Result>> results = new LinkedHashMap<>();
      kinds.forEach((kind, environment) -> {
        ProviderProcess process =
            ProviderProcess.start(
                environment,
                "",
                "serve",
                "--nats-url",
                nats.url(),
                "--provider-id",
                id(kind),
                "--component",
                "c");
        process.awaitLog("protocol=wrpc");
        processes.add(process);
      });
      for (int turn = -1; turn < TURNS; turn++) {
        int index = 0;
        for (String kind : kinds.keySet()) {
          long pid = processes.get(index++).pid();
          Result result = run(caller, id(kind), pid);
          if (turn < 0) continue; // cold
          results.computeIfAbsent(kind, k -> new ArrayList<>()).add(result);
        }
      }
      System.out.printf(
          "wRPC get, %d in flight, medians of %d turns of %d ms%n",
          IN_FLIGHT, TURNS, MEASURED.toMillis());
      results.forEach((kind, turns) ->
          System.out.printf(
              "%-8s %.0f calls/s, %.1f us of CPU for a call%n",
              kind,
              Spread.of(turns.stream().map(Result::callsPerSecond).toList()).median(),
              Spread.of(turns.stream().map(Result::cpuMicros).toList()).median()));
    } finally {
      processes.forEach(ProviderProcess::close);
      sink.stop(0);
    }
  }

  private static String id(String kind) {
    return "kv-" + kind.replace(' ', '-');
  }

  private static Result run(WrpcCaller caller, String provider, long pid) throws Exception {
    var answered = new AtomicLong();
    var stop = new AtomicBoolean();
    for (int i = 0; i < IN_FLIGHT; i++) next(caller, provider, answered, stop);
    Thread.sleep(WARM);
    long cpu = Responder.cpuNanos(pid);
    long before = answered.get();
    long begin = System.nanoTime();
    Thread.sleep(MEASURED);
    long count = answered.get() - before;
    double seconds = (System.nanoTime() - begin) / 1e9;
    long cpuUsed = Responder.cpuNanos(pid) - cpu;
    stop.set(true);
    Thread.sleep(100);
    return new Result(count / seconds, cpuUsed / 1e3 / count);
  }

  private static void next(
      WrpcCaller caller, String provider, AtomicLong answered, AtomicBoolean stop) {
    var headers =
        new Headers()
            .add("source-id", "c")
            .add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    String subject =
        WrpcServer.subject(
            "default." + provider,
            KeyValueFunction.GET.instance(),
            KeyValueFunction.GET.function());
    byte[] params = new ValueWriter(16).string("").string("0123456789abcdef").toByteArray();
    var _ =
        caller
            .call(subject, headers, params)
            .thenRun(() -> {
              answered.incrementAndGet();
              if (!stop.get()) next(caller, provider, answered, stop);
            });
  }
}
