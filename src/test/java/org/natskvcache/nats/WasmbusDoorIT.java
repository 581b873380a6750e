package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.texts;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;
import org.natskvcache.NatsForTests;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.PosingReplica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

/** The wasmbus door through a real server, with a map behind it. */
class WasmbusDoorIT {
  private static final long NOW = 1_700_000_100;
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final String HOST = Vectors.key("host_public");
  private static final String P =
      "wasmbus.rpc.default." + Vectors.key("provider_public") + ".default";

  private static NatsForTests server;

  private final SigningCaller caller = SigningCaller.ofFixture();
  private final MapCaches caches = new MapCaches();
  private final Lifecycle lifecycle = new Lifecycle();
  private final CompletableFuture<Void> cleanedUp = new CompletableFuture<>();
  private Connection providerSide;
  private Connection hostSide;
  private WasmbusDoor door;

  @BeforeAll
  static void startServer() {
    server = NatsForTests.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @BeforeEach
  void open() throws Exception {
    providerSide = connect();
    hostSide = connect();
    door = door(new LinkTable(LinkValues.of(Map.of())));
    lifecycle.enter(Lifecycle.Phase.RUNNING);
    door.listen();
    door.start(true);
  }

  @AfterEach
  void close() throws Exception {
    door.close();
    door.close();
    providerSide.close();
    hostSide.close();
  }

  private WasmbusDoor door(LinkTable table) {
    return door(new LinkedCaches(table, caches));
  }

  private WasmbusDoor door(LinkedCaches links) {
    var identity =
        new WasmbusDoor.Identity(
            "default",
            Vectors.key("provider_public"),
            "default",
            HOST,
            false,
            Set.of(caller.issuer()),
            "");
    return new WasmbusDoor(
        providerSide,
        identity,
        List.of(link(caller.actor(), Map.of())),
        links,
        () -> NOW,
        lifecycle,
        () -> cleanedUp.complete(null));
  }

  @Test
  void everyOperationAnswersWhatItDid() throws Exception {
    assertEquals("{\"value\":\"\",\"exists\":false}", ok("Get", text("k")));
    assertEquals("", ok("Set", struct("key", "k", "value", "Alice", "expires", 0)));
    assertEquals("{\"value\":\"Alice\",\"exists\":true}", ok("Get", text("k")));
    assertEquals("true", ok("Contains", text("k")));
    assertEquals("true", ok("Del", text("k")));
    assertEquals("false", ok("Del", text("k")));
    assertEquals("false", ok("Contains", text("k")));
    assertEquals("25", ok("Increment", struct("key", "n", "value", 25)));
    assertEquals("-275", ok("Increment", struct("key", "n", "value", -300)));
    assertEquals("1", ok("ListAdd", struct("listName", "l", "value", "a")));
    assertEquals("2", ok("ListAdd", struct("listName", "l", "value", "b")));
    assertEquals("[\"a\",\"b\"]", ok("ListRange", struct("listName", "l", "start", 0, "stop", -1)));
    assertEquals("true", ok("ListDel", struct("listName", "l", "value", "a")));
    assertEquals("false", ok("ListDel", struct("listName", "l", "value", "a")));
    assertEquals("true", ok("ListClear", text("l")));
    assertEquals("1", ok("SetAdd", struct("setName", "s", "value", "x")));
    assertEquals("0", ok("SetAdd", struct("setName", "s", "value", "x")));
    assertEquals("1", ok("SetAdd", struct("setName", "t", "value", "y")));
    assertEquals("[\"x\"]", ok("SetQuery", text("s")));
    assertEquals("[\"x\",\"y\"]", ok("SetUnion", texts("s", "t")));
    assertEquals("[]", ok("SetIntersection", texts("s", "t")));
    assertEquals("1", ok("SetDel", struct("setName", "s", "value", "x")));
    assertEquals("true", ok("SetClear", text("t")));
  }

  @Test
  void shortNamesAndContractPrefixesWork() throws Exception {
    assertEquals("", request(caller.invocation("Get", text("k"))).error());
    assertEquals(
        "", request(caller.invocation("wasmcloud:keyvalue/KeyValue.Get", text("k"))).error());
  }

  @Test
  void responseRepeatsTheIdAndGivesTheLength() throws Exception {
    Invocation call = caller.signed("KeyValue.Get", text("k"));
    SigningCaller.Response response = request(SigningCaller.encode(call));
    assertEquals(call.id(), response.invocationId());
    assertEquals(response.msg().length, response.contentLength());
  }

  @Test
  void mistakesAreErrorsThatChangeNothing() throws Exception {
    ok("ListAdd", struct("listName", "l", "value", "a"));
    assertError("wrong type", "KeyValue.Get", text("l"));
    assertError("wrong type", "KeyValue.SetUnion", texts("l", "other"));
    ok("Increment", struct("key", "n", "value", Integer.MAX_VALUE));
    assertError("overflow", "KeyValue.Increment", struct("key", "n", "value", 1));
    assertEquals("{\"value\":\"2147483647\",\"exists\":true}", ok("Get", text("n")));
    assertError("deserialization: 'String'", "KeyValue.Get", new byte[0]);
    assertError(
        "deserialization: 'IncrementRequest'",
        "KeyValue.Increment",
        struct("key", "n", "value", 1L << 31));
    assertError("wrong number of arguments", "KeyValue.SetUnion", texts());
    assertError("method not handled Foo.Bar - unknown method", "Foo.Bar", text("k"));
    assertError("method not handled KeyValue::Bar", "KeyValue.Bar", text("k"));
  }

  @Test
  void valueThatIsNoTextIsAnError() throws Exception {
    caches
        .replica("default")
        .call(new Command.Set(Key.of("k"), new Bytes(new byte[] {-1}), 0), reply -> {});
    assertError("UTF-8", "KeyValue.Get", text("k"));
  }

  @Test
  void largestInlineResultArrives() throws Exception {
    String value = "x".repeat(921_600 - 20);
    assertEquals("", ok("Set", struct("key", "k", "value", value, "expires", 0)));
    assertTrue(ok("Get", text("k")).contains(value));
  }

  static Stream<String> refusedVectors() {
    return Vectors.startingWith("invocation.invalid.").stream().map(v -> v.get("id").textValue());
  }

  @ParameterizedTest
  @MethodSource("refusedVectors")
  void refusalsAreAnsweredUnderTheirId(String id) throws Exception {
    long before = Counter.REFUSED_INVOCATIONS.value();
    SigningCaller.Response response = request(Vectors.bytes(id));
    assertFalse(response.error().isEmpty());
    assertEquals(Vectors.vector(id).get("value").get("id").textValue(), response.invocationId());
    assertEquals(before + 1, Counter.REFUSED_INVOCATIONS.value());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "invocation.otp-0.50-to-0.52",
        "invocation.otp-0.53+",
        "invocation.rust-0.78+",
        "invocation.rust-0.78+.traced",
        "invocation.rust-0.78+.set"
      })
  void everyHostFamilyIsServed(String id) throws Exception {
    assertEquals("", request(Vectors.bytes(id)).error());
  }

  @Test
  void unlinkedActorIsRefused() throws Exception {
    var stranger =
        new SigningCaller(
            Vectors.key("cluster_seed"), "MSTRANGER", Vectors.key("provider_public"), "default");
    assertEquals(
        "unlinked actor: 'MSTRANGER'",
        request(stranger.invocation("KeyValue.Get", text("k"))).error());
  }

  @Test
  void undecodableBodiesAreAnsweredWithoutId() throws Exception {
    long before = Counter.MALFORMED_INVOCATIONS.value();
    for (byte[] body :
        new byte[][] {{}, {(byte) 0xc3}, "junk".getBytes(UTF_8), new byte[100_000]}) {
      SigningCaller.Response response = request(body);
      assertTrue(response.error().startsWith("deser error: "), response::error);
      assertEquals("", response.invocationId());
    }
    assertEquals(before + 4, Counter.MALFORMED_INVOCATIONS.value());
    assertEquals("false", ok("Contains", text("k")));
  }

  @Test
  void callWithoutReplySubjectIsCarriedOut() throws Exception {
    hostSide.publish(
        P, caller.invocation("KeyValue.Increment", struct("key", "silent", "value", 7)));
    await(() -> ok("Get", text("silent")).contains("\"7\""));
  }

  @Test
  void linksComeAndGo() throws Exception {
    var other =
        new SigningCaller(
            Vectors.key("cluster_seed"), "MOTHER", Vectors.key("provider_public"), "default");
    hostSide.publish(P + ".linkdefs.put", put("MOTHER", Map.of()));
    await(() -> request(other.invocation("KeyValue.Get", text("k"))).error().isEmpty());
    hostSide.publish(P + ".linkdefs.del", put("MOTHER", Map.of()));
    await(() -> request(other.invocation("KeyValue.Get", text("k"))).error().contains("unlinked"));
    hostSide.publish(P + ".linkdefs.del", put("MOTHER", Map.of()));
    hostSide.publish(P + ".linkdefs.del", Vectors.bytes("linkdef.del.otp-0.50-to-0.59"));
    await(() -> caches.released.contains("default"));
    await(() -> request(caller.invocation("KeyValue.Get", text("k"))).error().contains("unlinked"));
    hostSide.publish(P + ".linkdefs.put", Vectors.bytes("linkdef.put.otp-0.60+"));
    await(() -> request(caller.invocation("KeyValue.Get", text("k"))).error().isEmpty());
    assertEquals("nats://127.0.0.1:4222", caches.opened.get("default").servers().getFirst().url());
  }

  @Test
  void linkPutAgainChangesItsOwnKeys() throws Exception {
    assertEquals("5", ok("Increment", struct("key", "n", "value", 5)));
    hostSide.publish(
        P + ".linkdefs.put", put(caller.actor(), Map.of("MUTATION_REPLIES", "default")));
    await(() -> ok("Increment", struct("key", "n", "value", 0)).equals("0"));
    assertEquals("0", ok("Increment", struct("key", "n", "value", 5)));
    assertEquals("false", ok("Del", text("n")));
    ok("ListAdd", struct("listName", "l", "value", "a"));
    assertError("wrong type", "KeyValue.Increment", struct("key", "l", "value", 1));
  }

  @Test
  void brokenAndRefusedLinksAreCountedAndChangeNothing() throws Exception {
    long malformed = Counter.MALFORMED_LINKS.value();
    long refused = Counter.REFUSED_LINKS.value();
    hostSide.publish(P + ".linkdefs.put", "junk".getBytes(UTF_8));
    hostSide.publish(P + ".linkdefs.del", new byte[0]);
    hostSide.publish(P + ".linkdefs.put", put("MBAD", Map.of("NATS_URL", "http://user:pass@h")));
    await(() ->
        Counter.MALFORMED_LINKS.value() == malformed + 2
            && Counter.REFUSED_LINKS.value() == refused + 1);
    var bad =
        new SigningCaller(
            Vectors.key("cluster_seed"), "MBAD", Vectors.key("provider_public"), "default");
    assertTrue(request(bad.invocation("KeyValue.Get", text("k"))).error().contains("unlinked"));
    assertEquals("false", ok("Contains", text("k")));
  }

  @Test
  void linksAreNeverAnswered() throws Exception {
    CompletableFuture<Message> answer =
        hostSide.request(P + ".linkdefs.put", put("MOTHER", Map.of()));
    assertEquals("false", ok("Contains", text("k")));
    health("");
    assertFalse(answer.isDone());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "81ab706c616365686f6c646572c3", "ffff", "7b7d"})
  void healthIsAnsweredWhateverIsAsked(String hex) throws Exception {
    assertEquals(new HealthResponse(true, "link default: standalone"), health(hex));
  }

  @Test
  void healthTellsOfALostReplicationConnection() throws Exception {
    caches.replica("default").status =
        PosingReplica.status(ReplicaStatus.State.LIVE, false, List.of(), null);
    assertEquals(
        new HealthResponse(false, "link default: replication connection down"), health(""));
    assertEquals("false", ok("Contains", text("k")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{\"host_id\":\"NAGASFIHF5SBGTNTZUOVWT3O63SJUMIFUL7BH52T3UAFKQW7PPP46KFU\"}",
        "not json",
        "{}"
      })
  void shutdownCleansUpThenAnswersThenStops(String body) throws Exception {
    Message reply = hostSide.request(P + ".shutdown", body.getBytes(UTF_8), PATIENCE);
    assertNotNull(reply);
    assertEquals("shutting down", new String(reply.getData(), UTF_8));
    assertTrue(cleanedUp.isDone());
    door.stopped().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    assertEquals(Lifecycle.Phase.STOPPED, lifecycle.phase());
    assertNull(
        hostSide.request(P, caller.invocation("KeyValue.Get", text("k")), Duration.ofMillis(200)));
  }

  @Test
  void shutdownOfAnotherHostOrWithoutReplyIsIgnoredSilently() throws Exception {
    hostSide.publish(P + ".shutdown", new byte[0]);
    CompletableFuture<Message> answer =
        hostSide.request(P + ".shutdown", "{\"host_id\":\"NOTHER\"}".getBytes(UTF_8));
    health(""); // served by the same thread, so both requests were looked at
    assertFalse(answer.isDone());
    assertFalse(cleanedUp.isDone());
    assertEquals(Lifecycle.Phase.RUNNING, lifecycle.phase());
    assertEquals("false", ok("Contains", text("k")));
  }

  /** What we may publish on, and a caller may not, is no place for an answer. */
  @Test
  void nothingIsAnsweredOnSubjectsOfOthers() throws Exception {
    byte[] ours = ("{\"host_id\":\"" + HOST + "\"}").getBytes(UTF_8);
    for (String victim :
        List.of(P + ".shutdown.of", "$SYS.of", "default.of", "lattice.state.events.hb")) {
      var heard = hostSide.subscribe(victim);
      long before = Counter.REFUSED_REPLY_SUBJECTS.value();
      hostSide.publish(P, victim, caller.invocation("KeyValue.Get", text("k")));
      hostSide.publish(P + ".health", victim, new byte[0]);
      hostSide.publish(P + ".shutdown", victim, ours);
      await(() -> Counter.REFUSED_REPLY_SUBJECTS.value() == before + 3);
      assertEquals("false", ok("Contains", text("k")));
      assertNull(heard.nextMessage(Duration.ofMillis(1)), victim);
      heard.unsubscribe();
    }
    assertEquals(Lifecycle.Phase.RUNNING, lifecycle.phase());
  }

  @Test
  void callsSentBeforeAShutdownAreAnswered() throws Exception {
    var answers =
        Stream.generate(() -> hostSide.request(P, caller.invocation("KeyValue.Get", text("k"))))
            .limit(20)
            .toList();
    assertNotNull(hostSide.request(P + ".shutdown", new byte[0], PATIENCE));
    for (CompletableFuture<Message> answer : answers) {
      answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** A link that comes before those of the start is not lost, and counts more than they do. */
  @Test
  void aDoorThatStartsSaysSoAndKeepsLinksForLater() throws Exception {
    door.close();
    var links = new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), new MapCaches());
    try (var starting = door(links)) {
      starting.listen();
      providerSide.flush(PATIENCE);
      hostSide.publish(
          P + ".linkdefs.put", put(caller.actor(), Map.of("MUTATION_REPLIES", "default")));
      hostSide.publish(P + ".linkdefs.put", put("MOTHER", Map.of()));
      hostSide.publish(P + ".linkdefs.del", put("MOTHER", Map.of()));
      assertEquals(new HealthResponse(false, "starting, no calls are taken yet"), health(""));
      assertEquals(Map.of(), links.routes(LinkId.Role.CALLER));
      starting.start(true);
      assertEquals(
          Set.of(LinkId.caller(caller.actor(), "default")),
          links.routes(LinkId.Role.CALLER).keySet());
      assertTrue(health("").healthy());
      assertEquals("0", ok("Increment", struct("key", "n", "value", 5)));
    }
    assertTrue(links.health().healthy());
  }

  @Test
  void instancesShareCallsAndEachAnswersHealth() throws Exception {
    var secondCaches = new MapCaches();
    Connection second = connect();
    try {
      var identity =
          new WasmbusDoor.Identity(
              "default",
              Vectors.key("provider_public"),
              "default",
              "NOTHER",
              true,
              Set.of(caller.issuer()),
              "");
      var links = new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), secondCaches);
      try (var other =
          new WasmbusDoor(
              second,
              identity,
              List.of(link(caller.actor(), Map.of())),
              links,
              () -> NOW,
              new Lifecycle(),
              () -> {})) {
        other.listen();
        other.start(true);
        for (int i = 0; i < 100; i++) {
          ok("SetAdd", struct("setName", "s", "value", "v" + i));
        }
        long here = caches.replica("default").status().entries();
        assertEquals(
            2,
            here + secondCaches.replica("default").status().entries(),
            "both took some of the calls");
      }
    } finally {
      second.close();
    }
  }

  /** Signatures are verified side by side, and yet nothing overtakes. */
  @Test
  void callsThatWaitAreCarriedOutInTheirOrder() throws Exception {
    int count = 400;
    List<byte[]> calls = new ArrayList<>();
    List<String> honest = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      var call = caller.signed("KeyValue.ListAdd", struct("listName", "q", "value", "v" + i));
      boolean forged = i % 7 == 3;
      if (!forged) honest.add('"' + "v" + i + '"');
      String token = call.encodedClaims();
      int signature = token.lastIndexOf('.') + 5;
      char other = token.charAt(signature) == 'A' ? 'B' : 'A';
      String tampered = token.substring(0, signature) + other + token.substring(signature + 1);
      calls.add(SigningCaller.encode(forged ? SigningCaller.withClaims(call, tampered) : call));
    }
    List<CompletableFuture<Message>> answers = new ArrayList<>();
    for (byte[] call : calls) answers.add(hostSide.request(P, call));
    for (int i = 0; i < count; i++) {
      var answer =
          SigningCaller.Response.decode(answers.get(i).get(10, TimeUnit.SECONDS).getData());
      assertEquals(i % 7 == 3 ? "Invocation claims signature invalid" : "", answer.error());
    }
    String all = ok("ListRange", struct("listName", "q", "start", 0, "stop", -1));
    assertEquals("[" + String.join(",", honest) + "]", all);
  }

  private HealthResponse health(String hex) throws Exception {
    Message reply = hostSide.request(P + ".health", HexFormat.of().parseHex(hex), PATIENCE);
    assertNotNull(reply);
    return HealthResponse.decode(reply.getData());
  }

  private SigningCaller.Response request(byte[] invocation) throws Exception {
    Message reply = hostSide.request(P, invocation, PATIENCE);
    assertNotNull(reply, "no answer");
    return SigningCaller.Response.decode(reply.getData());
  }

  /** The result of a call that must succeed, as JSON; empty for no result. */
  private String ok(String operation, byte[] msg) throws Exception {
    SigningCaller.Response response = request(caller.invocation("KeyValue." + operation, msg));
    assertEquals("", response.error());
    if (response.msg().length == 0) return "";
    Value value = MessagePack.newDefaultUnpacker(response.msg()).unpackValue();
    return value.toJson();
  }

  private void assertError(String part, String operation, byte[] msg) throws Exception {
    SigningCaller.Response response = request(caller.invocation(operation, msg));
    assertTrue(response.error().contains(part), response::error);
    assertEquals(0, response.msg().length);
  }

  private static LinkDefinition link(String actor, Map<String, String> values) {
    return new LinkDefinition(
        actor, Vectors.key("provider_public"), "default", SigningCaller.CONTRACT, values);
  }

  private static byte[] put(String actor, Map<String, String> values) {
    var out =
        new MessagePackWriter(100)
            .mapHeader(5)
            .text("actor_id")
            .text(actor)
            .text("provider_id")
            .text("V");
    out.text("link_name")
        .text("default")
        .text("contract_id")
        .text("c")
        .text("values")
        .mapHeader(values.size());
    values.forEach((key, value) -> out.text(key).text(value));
    return out.toByteArray();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > deadline) throw new AssertionError("waited in vain");
      Thread.onSpinWait();
    }
  }

  private static Connection connect() throws Exception {
    return Nats.connect(Options.builder().server(server.url()).build());
  }
}
