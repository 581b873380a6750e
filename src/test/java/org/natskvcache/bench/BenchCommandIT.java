package org.natskvcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nats.client.Connection;
import io.nats.client.MessageHandler;
import io.nats.client.Nats;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.cli.BenchOperation;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.InvocationResponse;
import org.natskvcache.rpc.wasmbus.InvocationSigner;
import org.natskvcache.rpc.wasmbus.KeyValueCodec;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.KeyValueRequest;
import org.natskvcache.store.Bytes;
import org.natskvcache.wrpc.Handler;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/**
 * The figures against providers whose behaviour is known: nothing is lost, whatever becomes of it.
 */
class BenchCommandIT {
  private static final byte[] OK = {0};
  private static final SigningKey CLUSTER =
      new SigningKey(new Nkey.Seed(Nkey.Role.CLUSTER, new Bytes(new byte[32])));

  private final NatsForTests nats = NatsForTests.start();
  private final List<KeyValueRequest> received = new ArrayList<>();
  private final StringWriter err = new StringWriter();
  private Connection connection;
  private int exitCode;

  @BeforeEach
  void connect() throws IOException, InterruptedException {
    connection = Nats.connect(nats.url());
  }

  @AfterEach
  void close() throws InterruptedException {
    connection.close();
    nats.close();
  }

  private void serve(String id, Handler<KeyValueRequest> handler) throws Exception {
    var server =
        new WrpcServer(connection, "l." + id, WrpcLimits.DEFAULTS, (event, subject, cause) -> {});
    for (KeyValueFunction function : KeyValueFunction.values()) {
      server.serve(function.instance(), function.function(), function::decode, handler);
    }
    connection.flush(Duration.ofSeconds(5));
  }

  private BenchOptions options(
      int connections, double rate, double seconds, long calls, String... ids) {
    return options(BenchOptions.Door.WRPC, connections, rate, seconds, calls, ids);
  }

  private BenchOptions options(
      BenchOptions.Door door,
      int connections,
      double rate,
      double seconds,
      long calls,
      String... ids) {
    return new BenchOptions(
        door,
        IntStream.range(0, ids.length)
            .mapToObj(i -> new BenchOptions.Target(nats.url(), "l", ids[i]))
            .toList(),
        "default",
        "c",
        Map.of(BenchOperation.GET, 3, BenchOperation.INCREMENT, 1),
        100,
        50,
        true,
        connections,
        16,
        rate,
        0,
        seconds,
        calls,
        ids.length,
        300,
        new BenchOptions.Login(null, null, null, null),
        null,
        true);
  }

  private JsonNode run(BenchOptions options, @Nullable SigningKey cluster) throws IOException {
    StringWriter out = new StringWriter();
    exitCode =
        new BenchCommand(
                options, Access.OPEN, cluster, new PrintWriter(out), new PrintWriter(err), false)
            .run();
    return new ObjectMapper().readTree(out.toString());
  }

  @Test
  void everyCallIsMadeAndCounted() throws Exception {
    serve(
        "kv",
        (call, request) -> {
          synchronized (received) {
            received.add(request);
          }
          call.result(OK);
        });
    JsonNode target = run(options(3, 0, 0, 1_000, "kv"), null).get("targets").get(0);
    assertEquals(0, exitCode, err::toString);
    assertEquals(1_000, target.get("sent").asInt());
    assertEquals(1_000, target.get("answered").asInt());
    assertEquals(0, target.get("failed").asInt());
    long gets = target.at("/operations/get/latencies").asLong();
    assertEquals(1_000 - gets, target.at("/operations/increment/latencies").asLong());
    assertTrue(gets > 600 && gets < 900, () -> gets + " of 1000 with a share of 3/4");
    assertEquals(50, count(KeyValueFunction.SET));
    assertEquals(gets, count(KeyValueFunction.GET));
    assertEquals(1_000 - gets, count(KeyValueFunction.INCREMENT));
    assertEquals(
        100,
        received.stream()
            .filter(r -> !r.values().isEmpty())
            .findAny()
            .orElseThrow()
            .values()
            .getFirst()
            .size());
  }

  private long count(KeyValueFunction function) {
    synchronized (received) {
      return received.stream().filter(request -> request.function() == function).count();
    }
  }

  @Test
  void failuresAreCountedByKind() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    serve(
        "kv",
        (call, request) -> {
          boolean set = request.function() == KeyValueFunction.SET;
          switch (set ? 0 : calls.incrementAndGet() % 4) {
            case 0 -> call.result(OK);
            case 1 -> call.result(new byte[] {1, 2, 2, 'n', 'o'});
            case 2 -> call.abort();
            default -> {
              // no answer
            }
          }
        });
    JsonNode target = run(options(1, 0, 0, 400, "kv"), null).get("targets").get(0);
    assertEquals(1, exitCode);
    assertEquals(400, target.get("sent").asInt());
    assertEquals(100, target.get("answered").asInt());
    assertEquals(300, target.get("failed").asInt());
    for (String kind : List.of("refused", "aborted", "timed-out")) {
      assertEquals(100, target.get("failures").path(kind).asInt(), target::toString);
    }
    assertEquals("refused: no", target.get("first_failure").asText());
  }

  @Test
  void callsBeginOnTimeWhileNobodyAnswers() throws Exception {
    AtomicInteger gets = new AtomicInteger();
    serve(
        "kv",
        (call, request) -> {
          if (request.function() != KeyValueFunction.SET && gets.incrementAndGet() == 200) pause();
          call.result(OK);
        });
    JsonNode target = run(options(1, 1_000, 1, 0, "kv"), null).get("targets").get(0);
    assertEquals(0, exitCode, err::toString);
    assertEquals(1_000, target.get("answered").asInt());
    double p90 = target.get("turns").get(0).get("p90_us").asDouble();
    // a tenth of the calls were to begin in the first 100 ms of the pause: they waited for its rest
    assertTrue(p90 >= 80_000, () -> "p90 of " + p90 + " us leaves out who waited");
  }

  private static void pause() {
    try {
      Thread.sleep(200);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void twoAreComparedInTurns() throws Exception {
    serve("a", (call, request) -> call.result(OK));
    serve("b", (call, request) -> call.result(OK));
    JsonNode json = run(options(1, 0, 0, 100, "a", "b"), null);
    assertEquals(0, exitCode, err::toString);
    for (JsonNode target : json.get("targets")) {
      assertEquals(2, target.get("turns").size());
      assertEquals(200, target.get("answered").asInt());
    }
    JsonNode ratio = json.get("second_to_first").get("calls_per_second");
    assertTrue(ratio.get("least").asDouble() > 0);
    assertTrue(ratio.get("least").asDouble() <= ratio.get("most").asDouble());
  }

  @Test
  void aTargetThatIsNotThereIsSaidAtOnce() {
    var out = new StringWriter();
    var command =
        new BenchCommand(
            options(1, 0, 1, 0, "kv"),
            Access.OPEN,
            null,
            new PrintWriter(out),
            new PrintWriter(err),
            false);
    assertEquals(1, command.run());
    assertEquals("", out.toString());
    assertTrue(err.toString().contains("nobody-listens"), err::toString);
  }

  @Test
  void callsOfTheOtherDoorPassAllChecks() throws Exception {
    String id = Nkey.random(Nkey.Role.SERVICE).text();
    var checks = new InvocationChecks(Set.of(CLUSTER.publicKey().text()), id);
    List<String> refusals = new ArrayList<>();
    MessageHandler handler =
        message -> {
          try {
            Invocation call = Invocation.decode(message.getData());
            var refusal = checks.refusal(call, 1, true);
            var request = KeyValueCodec.decode(call.operation(), call.msg());
            synchronized (refusals) {
              if (refusal != null) refusals.add(refusal.text());
              if (request instanceof KeyValueCodec.Request.Refused(var text)) refusals.add(text);
              if (!call.origin().publicKey().equals(InvocationSigner.actor(CLUSTER))) {
                refusals.add("another actor");
              }
            }
            byte[] answer = InvocationResponse.ok(call.id(), Bytes.EMPTY).encode();
            connection.publish(message.getReplyTo(), answer);
          } catch (MessagePackException e) {
            throw new AssertionError(e);
          }
        };
    connection.createDispatcher(handler).subscribe("wasmbus.rpc.l." + id + ".default");
    connection.flush(Duration.ofSeconds(5));
    JsonNode json = run(options(BenchOptions.Door.WASMBUS, 1, 0, 0, 200, id), CLUSTER);
    assertEquals(0, exitCode, err::toString);
    assertEquals(200, json.get("targets").get(0).get("answered").asInt());
    assertEquals(List.of(), refusals);
  }
}
