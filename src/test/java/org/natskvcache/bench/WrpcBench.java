package org.natskvcache.bench;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Nats;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.bench.DoorBench.Result;
import org.natskvcache.wrpc.ValueWriter;

/**
 * What a wRPC call costs: get of a 64-byte value through nats-server on loopback, against a bare
 * jnats responder in a process of its own that sends the same messages without looking at the call.
 * Same client, same calls, in turns; the client keeps a fixed number in flight and ends the params
 * of each call as a host does. Also: start to first answer, and memory when idle.
 */
@SuppressWarnings("try") // a close that is interrupted ends the benchmark, which is fine
final class WrpcBench {
  private static final String FUNCTION = ".wrpc.0.0.1.wrpc:keyvalue/store@0.2.0-draft.";
  private static final String SUBJECT = "bench.kv" + FUNCTION + "get";
  private static final int VALUE_BYTES = 64;
  private static final byte[] NOTHING = {};

  private WrpcBench() {}

  public static void main(String[] args) throws Exception {
    try (NatsForTests nats = NatsForTests.start()) {
      DoorBench.startTimes(nats, hostData(nats), SUBJECT, headers(), get());
      throughput(nats);
    }
  }

  private static String hostData(NatsForTests nats) {
    String json =
        """
        {"host_id":"N","lattice_rpc_prefix":"bench","link_name":"default","provider_key":"kv",\
        "lattice_rpc_url":"%s","env_values":{},"config":{},"link_definitions":[{"source_id":"c",\
        "target":"kv","name":"default","wit_namespace":"wasi","wit_package":"keyvalue",\
        "interfaces":["store"],"target_config":{"NATS_URL":"%s"}}]}\
        """
            .formatted(nats.url(), nats.url());
    return Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8)) + "\n";
  }

  private static Headers headers() {
    return new Headers().add("source-id", "c").add("link-name", "default");
  }

  private static byte[] get() {
    return new ValueWriter(128).string("default").string("0123456789abcdef").toByteArray();
  }

  private static byte[] set() {
    byte[] value = "v".repeat(VALUE_BYTES).getBytes(StandardCharsets.US_ASCII);
    return new ValueWriter(128)
        .string("default")
        .string("0123456789abcdef")
        .bytes(value)
        .toByteArray();
  }

  private static void throughput(NatsForTests nats) throws Exception {
    try (Connection client = Nats.connect(nats.url());
        ProviderProcess provider = ProviderProcess.startProvider(hostData(nats))) {
      provider.awaitLog("live");
      System.out.println("resident memory when idle: " + residentMiB(provider.pid()) + " MiB");
      client.publish("bench.kv" + FUNCTION + "set", "nobody", headers(), set());
      Process echo = DoorBench.startEcho(WrpcEchoResponder.class, nats, 3 + VALUE_BYTES);
      System.out.printf(
          "get, value %d bytes, medians of %d turns of %d s%n",
          VALUE_BYTES, DoorBench.TURNS, DoorBench.MEASURED.toSeconds());
      System.out.println(
          "in flight | provider calls/s p50us p99us cpu us/call | echo calls/s p50us p99us cpu us/call | ratio");
      for (int window : new int[] {1, 16, 256}) {
        List<Result> ours = new ArrayList<>();
        List<Result> theirs = new ArrayList<>();
        for (int turn = 0; turn < DoorBench.TURNS; turn++) {
          ours.add(run(client, SUBJECT, window, provider.pid()));
          theirs.add(run(client, "bench.echo", window, echo.pid()));
        }
        DoorBench.print(window, ours, theirs);
      }
      System.out.println("resident memory afterwards: " + residentMiB(provider.pid()) + " MiB");
      echo.destroy();
    }
  }

  private static long residentMiB(long pid) throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
    }
    return -1;
  }

  /** Keeps {@code window} calls in flight; the end of one begins the next. */
  private static Result run(Connection client, String subject, int window, long pid)
      throws Exception {
    String inbox = client.createInbox() + ".";
    Headers headers = headers();
    byte[] call = get();
    long[] sentAt = new long[window];
    Histogram latencies = new Histogram(60_000_000_000L, 3);
    AtomicLong answered = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    AtomicBoolean measuring = new AtomicBoolean();
    Dispatcher dispatcher =
        client.createDispatcher(m -> {
          if (m.getReplyTo() != null) { // the handshake
            client.publish(m.getReplyTo() + ".params", NOTHING);
            return;
          }
          if (m.getData().length > 0) return; // the result; its end follows
          String name = m.getSubject();
          int slot =
              Integer.parseInt(name.substring(inbox.length(), name.indexOf('.', inbox.length())));
          long now = System.nanoTime();
          answered.lazySet(answered.get() + 1);
          if (measuring.get()) latencies.recordValue(now - sentAt[slot]);
          if (stop.get()) return;
          sentAt[slot] = now;
          client.publish(new NatsMessage(subject, inbox + slot, headers, call));
        });
    dispatcher.subscribe(inbox + ">");
    client.flush(Duration.ofSeconds(2));
    for (int slot = 0; slot < window; slot++) {
      sentAt[slot] = System.nanoTime();
      client.publish(new NatsMessage(subject, inbox + slot, headers, call));
    }
    Thread.sleep(DoorBench.WARM);
    long cpu = DoorBench.cpuNanos(pid);
    long before = answered.get();
    long begin = System.nanoTime();
    measuring.set(true);
    Thread.sleep(DoorBench.MEASURED);
    measuring.set(false);
    long count = answered.get() - before;
    double seconds = (System.nanoTime() - begin) / 1e9;
    long cpuUsed = DoorBench.cpuNanos(pid) - cpu;
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
