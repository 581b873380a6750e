package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.impl.Headers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.Thrown;
import org.natskvcache.Waiting;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.telemetry.Tracing;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcPeer;
import org.natskvcache.wrpc.WrpcServer;

/** Caches that throw, behind both doors, on a real server: other links and calls go on. */
class DoorFailuresIT {
  private static final String PROVIDER = "kv-cache";
  private static final String CONTROL = "wasmbus.rpc.default." + PROVIDER;

  private static final String GET =
      WrpcServer.subject("default." + PROVIDER, "wrpc:keyvalue/store@0.2.0-draft", "get");

  private static final byte[] PARAMS = new ValueWriter(16).string("").string("k").toByteArray();

  private static final long NOW = 1_700_000_100;

  private static NatsForTests server;

  private final MapCaches caches = new MapCaches();
  private final LinkedCaches links =
      new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), caches);
  private final List<AutoCloseable> open = new ArrayList<>();
  private final long failures = Counter.FAILURES.value();
  private Connection host;

  @BeforeAll
  static void startServer() {
    server = NatsForTests.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @BeforeEach
  void connect() throws Exception {
    host = opened(Nats.connect(server.url()));
  }

  @AfterEach
  void close() throws Exception {
    caches.thrown = null;
    for (AutoCloseable each : open.reversed()) each.close();
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.add(resource);
    return resource;
  }

  static Stream<Arguments> thrownOnEachLine() {
    return Thrown.all()
        .flatMap(thrown -> Stream.of(Arguments.of(thrown, false), Arguments.of(thrown, true)));
  }

  @ParameterizedTest
  @MethodSource("thrownOnEachLine")
  void wrpcDoorGoesOn(Throwable thrown, boolean direct) throws Exception {
    Connection connection =
        opened(direct ? DirectConnections.connect(server.url()) : Nats.connect(server.url()));
    var door =
        opened(
            new WrpcDoor(
                connection,
                new WrpcDoor.Identity("default", PROVIDER, "", null),
                List.of(),
                links,
                LinkValues::of,
                new Lifecycle(),
                () -> {},
                () -> Tracing.OFF));
    door.listen();
    door.start(true);
    var peer = new WrpcPeer(host);
    host.publish(CONTROL + ".linkdefs.put", link("good"));
    awaitHealth("{\"healthy\":true,\"message\":\"link good: standalone\"}");

    caches.thrown = thrown;
    host.publish(CONTROL + ".linkdefs.put", link("bad"));
    awaitHealth(
        "{\"healthy\":false,\"message\":\"link bad of a is refused: the cache cannot be opened, "
            + thrown.getClass().getSimpleName()
            + " in the log\"}");
    assertEquals(0, get(peer, "good")[0], "ok");
    assertTrue(isRefused(peer, "bad"));
    caches.thrown = null;
    host.publish(CONTROL + ".linkdefs.put", link("bad"));
    awaitHealth("{\"healthy\":true,\"message\":\"link bad: standalone; link good: standalone\"}");

    caches.replica("bad").thrown = thrown;
    assertEquals(0, get(peer, "bad").length, "aborted");
    assertEquals(0, get(peer, "good")[0]);
    awaitHealth(
        "{\"healthy\":false,\"message\":\"health is unknown: "
            + thrown.getClass().getSimpleName()
            + " in the log\"}");
    caches.replica("bad").thrown = null;
    assertEquals(0, get(peer, "bad")[0]);

    caches.thrown = thrown;
    host.publish(CONTROL + ".linkdefs.del", link("bad"));
    until("the end of the link", () -> isRefused(peer, "bad"));
    assertEquals(0, get(peer, "good")[0]);
    until("all are counted", () -> Counter.FAILURES.value() >= failures + 4);
  }

  private static byte[] link(String name) {
    return ("{\"source_id\":\"a\",\"target\":\""
            + PROVIDER
            + "\",\"name\":\""
            + name
            + "\",\"wit_namespace\":\"wasi\",\"wit_package\":\"keyvalue\",\"interfaces\":[\"store\"]}")
        .getBytes(UTF_8);
  }

  private void awaitHealth(String json) {
    var last = new String[1];
    until(
        () -> json + ", last " + last[0],
        () -> {
          last[0] = new String(request(CONTROL + ".health", new byte[0]).getData(), UTF_8);
          return last[0].equals(json);
        });
  }

  private Message request(String subject, byte[] body) {
    try {
      Message reply = host.request(subject, body, Waiting.PATIENCE);
      if (reply == null) throw new AssertionError("no answer on " + subject);
      return reply;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] get(WrpcPeer peer, String link) {
    return peer.call(GET, headers(link), WrpcPeer.cut(PARAMS, PARAMS.length, 1));
  }

  /** Whether a call is refused; else it is carried out. */
  private static boolean isRefused(WrpcPeer peer, String link) {
    Optional<String> rest = peer.ask(GET, headers(link), PARAMS);
    if (rest.isEmpty()) return true;
    peer.end(rest.get());
    peer.results();
    return false;
  }

  private static Headers headers(String link) {
    return new Headers().add("source-id", "a").add("link-name", link);
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void wasmbusDoorGoesOn(Throwable thrown) throws Exception {
    SigningCaller caller = SigningCaller.ofFixture();
    String subject = "wasmbus.rpc.default." + Vectors.key("provider_public") + ".default";
    var identity =
        new WasmbusDoor.Identity(
            "default",
            Vectors.key("provider_public"),
            "default",
            "",
            false,
            Set.of(caller.issuer()),
            "");
    var initial =
        new LinkDefinition(caller.actor(), Vectors.key("provider_public"), "default", "", Map.of());
    caches.thrown = thrown;
    var door =
        opened(
            new WasmbusDoor(
                opened(Nats.connect(server.url())),
                identity,
                List.of(initial),
                links,
                () -> NOW,
                new Lifecycle(),
                () -> {}));
    door.listen();
    door.start(true);
    HealthResponse refused =
        HealthResponse.decode(request(subject + ".health", new byte[0]).getData());
    assertEquals(
        "link default of "
            + caller.actor()
            + " is refused: the cache cannot be opened, "
            + thrown.getClass().getSimpleName()
            + " in the log",
        refused.message());
    assertTrue(call(caller, subject).error().startsWith("unlinked actor"));
    caches.thrown = null;
    host.publish(
        subject + ".linkdefs.put", struct("actor_id", caller.actor(), "link_name", "default"));
    until("the link", () -> call(caller, subject).error().isEmpty());
    assertEquals(
        new HealthResponse(true, "link default: standalone"),
        HealthResponse.decode(request(subject + ".health", new byte[0]).getData()));
    caches.replica("default").thrown = thrown;
    assertEquals("internal error", call(caller, subject).error());
    caches.replica("default").thrown = null;
    assertEquals("", call(caller, subject).error());
    until("all are counted", () -> Counter.FAILURES.value() >= failures + 2);
  }

  private SigningCaller.Response call(SigningCaller caller, String subject) {
    try {
      return SigningCaller.Response.decode(
          request(subject, caller.invocation("KeyValue.Get", text("k"))).getData());
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
