package org.natskvcache;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.impl.Headers;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcCaller;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/**
 * What the build runs once to write the AOT cache: the provider under a host of each generation,
 * from host data to shutdown, so that everything a start loads and links is in the cache. Its
 * argument is the address of a server that routes messages.
 */
final class Training {
  private static final String HOST = "training-host";
  private static final String PROVIDER = "training";
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int ROUNDS = 200;

  private Training() {}

  /** Runs both generations and ends; an exception fails the build. */
  public static void main(String[] args) throws Exception {
    String server = args[0];
    String links =
        "\"link_definitions\":[{\"source_id\":\"c\",\"target\":\"%s\",\"wit_namespace\":\"wasi\","
                .formatted(PROVIDER)
            + "\"wit_package\":\"keyvalue\",\"target_config\":{\"NATS_URL\":\"%s\"}}],\"config\":{}"
                .formatted(server);
    host(server, links, "wasmbus.rpc.l." + PROVIDER, ".default.shutdown", Training::callWrpc);
    String actorLinks =
        "\"link_definitions\":[{\"actor_id\":\"M\",\"values\":{\"NATS_URL\":\"%s\"}}],\"cluster_issuers\":[\"%s\"]"
            .formatted(server, Nkey.random(Nkey.Role.CLUSTER).text());
    host(
        server,
        actorLinks,
        "wasmbus.rpc.l." + PROVIDER + ".default",
        ".shutdown",
        Training::callWasmbus);
  }

  private interface Calls {
    void make(Connection connection, String subject) throws Exception;
  }

  /** Starts a provider with host data, calls it, and stops it as its host would. */
  private static void host(
      String server, String links, String subject, String shutdown, Calls calls) throws Exception {
    String json =
        "{\"host_id\":\"%s\",\"lattice_rpc_prefix\":\"l\",\"provider_key\":\"%s\",\"link_name\":\"default\",\"lattice_rpc_url\":\"%s\",\"log_level\":\"info\",%s}"
            .formatted(HOST, PROVIDER, server, links);
    String line =
        Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8)) + "\r\n";
    System.setIn(new ByteArrayInputStream(line.getBytes(StandardCharsets.US_ASCII)));
    var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> new Main(err, err, Map.of()).provider());
    Connection connection = Nats.connect(server);
    try {
      while (!serves(connection.request(subject + ".health", null, Duration.ofMillis(200)))) {
        if (code.isDone())
          throw new IllegalStateException("the provider ended with " + code.join());
      }
      calls.make(connection, subject);
      byte[] request = ("{\"host_id\":\"" + HOST + "\"}").getBytes(StandardCharsets.UTF_8);
      connection.request(subject + shutdown, request, PATIENCE);
    } finally {
      connection.close();
    }
    if (code.join() != 0) throw new IllegalStateException("the provider ended with " + code.join());
  }

  /** Health is answered before calls are, and says so. */
  private static boolean serves(@Nullable Message health) {
    return health != null
        && !new String(health.getData(), StandardCharsets.UTF_8).contains("starting");
  }

  private static void callWrpc(Connection connection, String subject) throws Exception {
    var headers = new Headers().add("source-id", "c").add("link-name", "default");
    try (var caller = new WrpcCaller(connection, WrpcLimits.DEFAULTS, (event, on, cause) -> {})) {
      for (int i = 0; i < ROUNDS; i++) {
        for (KeyValueFunction function : KeyValueFunction.values()) {
          String to = WrpcServer.subject("l." + PROVIDER, function.instance(), function.function());
          caller.call(to, headers, params(function, i)).get();
        }
      }
    }
    connection.publish(subject + ".config.update", "{}".getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] params(KeyValueFunction function, int round) {
    var out = new ValueWriter(64).string("default");
    byte[] value = "value".getBytes(StandardCharsets.UTF_8);
    switch (function) {
      case GET, DELETE, EXISTS -> out.string("key" + round / 2);
      case SET -> out.string("key" + round).bytes(value);
      case LIST_KEYS -> out.option(false);
      case INCREMENT -> out.string("counter").u64(round);
      case GET_MANY, DELETE_MANY -> out.list(2).string("a").string("b");
      case SET_MANY -> out.list(1).string("a").bytes(value);
    }
    return out.toByteArray();
  }

  /** Refused calls, since nothing here may sign: they load what accepted ones need. */
  private static void callWasmbus(Connection connection, String subject) throws Exception {
    List<byte[]> payloads = List.of(new byte[] {(byte) 0xc1}, new byte[] {(byte) 0x80});
    for (byte[] payload : payloads) connection.request(subject, payload, PATIENCE);
  }
}
