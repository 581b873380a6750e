package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.texts;
import static org.natskvcache.rpc.wasmbus.SigningCaller.withoutBody;

import ch.qos.logback.classic.Level;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.ObjectStore;
import io.nats.client.Options;
import io.nats.client.PurgeOptions;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.ObjectInfo;
import io.nats.client.api.ObjectMeta;
import io.nats.client.api.ObjectStoreConfiguration;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.impl.Headers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;
import org.msgpack.value.ValueFactory;
import org.natskvcache.LogLines;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.StoredObject;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Limits;

/**
 * Bodies over 900 KiB through the object store of a real server. The host's side uses the NATS
 * client's own object store: an implementation that is not ours, and verifies digests.
 */
class LargeBodiesIT {
  private static final long NOW = 1_700_000_100;
  private static final String RUST_HOST = Vectors.key("host_public");
  private static final String P = ".%s.%s".formatted(Vectors.key("provider_public"), "default");

  private static NatsForTests jetStream;

  private final SigningCaller caller = SigningCaller.ofFixture();
  private final MapCaches caches = new MapCaches();
  private final Lifecycle lifecycle = new Lifecycle();
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private Connection host;
  private String lattice;

  @BeforeAll
  static void startServer() {
    jetStream = NatsForTests.startWithJetStream();
  }

  @AfterAll
  static void stopServer() {
    jetStream.close();
  }

  @AfterEach
  void close() throws Exception {
    while (!opened.isEmpty()) opened.pop().close();
  }

  /** A door in a lattice of its own. */
  private void open(NatsForTests server, String lattice, String domain) throws Exception {
    this.lattice = lattice;
    host = connect(server);
    var identity =
        new WasmbusDoor.Identity(
            lattice,
            Vectors.key("provider_public"),
            "default",
            RUST_HOST,
            true,
            Set.of(caller.issuer()),
            domain);
    var link =
        new LinkDefinition(
            caller.actor(), identity.providerKey(), "default", SigningCaller.CONTRACT, Map.of());
    var door =
        new WasmbusDoor(
            connect(server),
            identity,
            List.of(link),
            new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), caches),
            () -> NOW,
            lifecycle,
            () -> {});
    opened.push(door);
    lifecycle.enter(Lifecycle.Phase.RUNNING);
    door.listen();
    door.start(true);
  }

  private void open(String lattice) throws Exception {
    open(jetStream, lattice, "");
  }

  private Connection connect(NatsForTests server) throws Exception {
    Connection connection = Nats.connect(Options.builder().server(server.url()).build());
    opened.push(connection);
    return connection;
  }

  // What a host does.

  private ObjectStore bucket() throws Exception {
    var management = host.objectStoreManagement();
    if (!management.getBucketNames().contains(lattice)) {
      management.create(
          ObjectStoreConfiguration.builder(lattice).storageType(StorageType.File).build());
    }
    return host.objectStore(lattice);
  }

  private JetStreamManagement streams() throws IOException {
    return host.jetStreamManagement();
  }

  private void leave(String name, byte[] body) throws Exception {
    bucket().put(ObjectMeta.objectName(name), new ByteArrayInputStream(body));
  }

  private byte[] take(String name) throws Exception {
    var body = new ByteArrayOutputStream();
    bucket().get(name, body);
    bucket().delete(name);
    return body.toByteArray();
  }

  private static Invocation of(Invocation call, String hostId, long contentLength) {
    return new Invocation(
        call.origin(),
        call.target(),
        call.operation(),
        call.msg(),
        call.id(),
        call.encodedClaims(),
        hostId,
        contentLength);
  }

  private Invocation chunked(String operation, byte[] body) throws Exception {
    Invocation call = caller.signed("KeyValue." + operation, body);
    leave(call.id(), body);
    return withoutBody(call);
  }

  private CompletableFuture<Message> send(Invocation call) {
    return host.request("wasmbus.rpc." + lattice + P, SigningCaller.encode(call));
  }

  private static SigningCaller.Response response(CompletableFuture<Message> answer)
      throws Exception {
    return SigningCaller.Response.decode(
        answer.get(Waiting.PATIENCE.toMillis(), TimeUnit.MILLISECONDS).getData());
  }

  private SigningCaller.Response request(Invocation call) throws Exception {
    SigningCaller.Response response = response(send(call));
    assertEquals(call.id(), response.invocationId());
    return response;
  }

  /** The result of a small call, wherever it is. */
  private Value result(String operation, byte[] argument) throws Exception {
    Invocation call = caller.signed("KeyValue." + operation, argument);
    SigningCaller.Response response = request(call);
    assertEquals("", response.error());
    boolean elsewhere = response.contentLength() > response.msg().length;
    assertEquals(elsewhere, response.contentLength() > 921_600, "where Rust hosts look");
    byte[] body = elsewhere ? take(call.id() + "-r") : response.msg();
    assertEquals(response.contentLength(), body.length);
    return MessagePack.newDefaultUnpacker(body).unpackValue();
  }

  private String get(String key) throws Exception {
    return result("Get", text(key))
        .asMapValue()
        .map()
        .get(ValueFactory.newString("value"))
        .asStringValue()
        .asString();
  }

  private void set(String key, String value) throws Exception {
    byte[] body = struct("key", key, "value", value, "expires", 0);
    assertEquals("", request(chunked("Set", body)).error());
  }

  private static String x(int length) {
    return "x".repeat(length);
  }

  private void awaitDeleted(String name) {
    until(
        "deletion of " + name,
        () -> {
          try {
            ObjectInfo info = bucket().getInfo(name, true);
            return info != null && info.isDeleted() && isEmpty("C." + info.getNuid());
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  private boolean isEmpty(String tail) throws IOException {
    try {
      streams().getLastMessage("OBJ_" + lattice, "$O." + lattice + "." + tail);
      return false;
    } catch (JetStreamApiException e) {
      assertEquals(10037, e.getApiErrorCode());
      return true;
    }
  }

  private void assertRefused(Invocation call, BodyStoreException.Kind kind) throws Exception {
    long before = Counter.FAILED_LARGE_BODIES.value();
    SigningCaller.Response response = request(call);
    assertEquals(kind.text(), response.error());
    assertEquals(0, response.contentLength());
    assertEquals(before + 1, Counter.FAILED_LARGE_BODIES.value());
  }

  @Test
  void theVectorsLargeInvocationIsCarriedOut() throws Exception {
    open("default"); // the vector's claims cover nothing of the lattice
    Invocation call = Invocation.decode(Vectors.bytes("invocation.chunked"));
    leave(call.id(), struct("key", "big", "value", x(1_000_000), "expires", 0));
    assertEquals("", request(call).error());
    assertEquals(x(1_000_000), get("big"));
    awaitDeleted(call.id());
  }

  @Test
  void resultsAreStoredExactlyAbove900Kib() throws Exception {
    open("boundary");
    int overhead = 20; // of a get's result of that size
    for (int size : new int[] {921_600, 921_601}) {
      set("k", x(size - overhead));
      Invocation call = caller.signed("KeyValue.Get", text("k"));
      SigningCaller.Response response = request(call);
      assertEquals(size, response.contentLength());
      assertEquals(size == 921_600 ? size : 0, response.msg().length);
    }
  }

  @Test
  void largestSingleValueTravelsBothWays() throws Exception {
    open("largest");
    String value = x(Limits.DEFAULTS.entryBytesMax() - 1);
    assertEquals(1_032_191, value.length());
    set("k", value);
    assertEquals(value, get("k"));
    byte[] larger = struct("key", "k", "value", value + "y", "expires", 0);
    String error = request(chunked("Set", larger)).error();
    assertTrue(error.contains("1032192"), error);
    assertEquals(value, get("k"));
  }

  @Test
  void manyValuesMayBeLargerTogether() throws Exception {
    open("together");
    for (int i = 0; i < 16; i++) {
      request(chunked("ListAdd", struct("listName", "l", "value", i + x(1_000_000))));
    }
    assertEquals(
        16,
        result("ListRange", struct("listName", "l", "start", 0, "stop", -1)).asArrayValue().size());
    request(chunked("ListAdd", struct("listName", "l", "value", x(1_000_000))));
    Invocation call =
        caller.signed("KeyValue.ListRange", struct("listName", "l", "start", 0, "stop", -1));
    assertTrue(request(call).error().contains("16777216"));
  }

  @Test
  void requestsMayHave16Mib() throws Exception {
    open("names");
    byte[] body = texts(x(16_777_216 - 6)); // the name of a set, of an absurd length
    assertEquals(StoredObject.BODY_BYTES_MAX, body.length);
    SigningCaller.Response response = request(chunked("SetUnion", body));
    assertEquals("", response.error());
    assertArrayEquals(new byte[] {(byte) 0x90}, response.msg(), "no members");
    Invocation larger = caller.signed("KeyValue.Get", text("k"));
    assertRefused(
        of(withoutBody(larger), larger.hostId(), StoredObject.BODY_BYTES_MAX + 1L),
        BodyStoreException.Kind.TOO_LARGE);
  }

  @Test
  void storedResultHasWhatHostsOfAllGenerationsRead() throws Exception {
    open("generations");
    set("k", x(1_000_000));
    Invocation elixir = caller.signed("KeyValue.Get", text("k"));
    assertTrue(elixir.hostId().startsWith("C"));
    assertEquals(1_000_020, request(elixir).contentLength());
    String name = elixir.id() + "-r";
    String encoded = Base64.getUrlEncoder().encodeToString(name.getBytes(UTF_8));
    JsonNode meta = meta(encoded);
    assertEquals(meta, meta(name), "hosts 0.53 to 0.59 look under the raw name");
    assertEquals(name, meta.get("name").textValue());
    assertEquals(1_000_020, meta.get("size").longValue());
    assertEquals(8, meta.get("chunks").longValue());
    assertEquals("2023-11-14T22:15:00Z", meta.get("mtime").textValue());
    assertEquals("2023-11-14T22:15:00Z", meta.get("modified").textValue());
    assertEquals(1_000_020, take(name).length);

    Invocation rust = of(caller.signed("KeyValue.Get", text("k")), RUST_HOST, text("k").length);
    assertEquals(1_000_020, request(rust).contentLength());
    assertTrue(isEmpty("M." + rust.id() + "-r"));
    assertEquals(1_000_020, take(rust.id() + "-r").length);
  }

  private JsonNode meta(String token) throws Exception {
    MessageInfo message =
        streams().getLastMessage("OBJ_" + lattice, "$O." + lattice + ".M." + token);
    assertEquals("sub", message.getHeaders().getFirst("Nats-Rollup"));
    return new ObjectMapper().readTree(message.getData());
  }

  @Test
  void missingBucketIsMadeForAResult() throws Exception {
    open("fresh");
    for (int i = 0; i < 2; i++) {
      byte[] member = struct("setName", "s", "value", i + x(500_000));
      assertEquals("", request(caller.signed("KeyValue.SetAdd", member)).error());
    }
    assertEquals(1_000_013, request(caller.signed("KeyValue.SetQuery", text("s"))).contentLength());
    StreamConfiguration made = streams().getStreamInfo("OBJ_fresh").getConfiguration();
    assertEquals(List.of("$O.fresh.C.>", "$O.fresh.M.>"), made.getSubjects());
    assertEquals(DiscardPolicy.New, made.getDiscardPolicy());
    assertEquals(StorageType.File, made.getStorageType());
    assertEquals(1, made.getReplicas());
    assertEquals(Duration.ZERO, made.getMaxAge());
    assertTrue(made.getAllowRollup());
    assertEquals(2, result("SetQuery", text("s")).asArrayValue().size());
  }

  @Test
  void bodiesOfHostsBefore060AreFound() throws Exception {
    open("old");
    bucket();
    byte[] body = struct("key", "k", "value", x(800_000), "expires", 0);
    Invocation call = caller.signed("KeyValue.Set", body);
    var jetStreamContext = host.jetStream();
    for (int at = 0; at < body.length; at += 131_072) {
      jetStreamContext.publish(
          "$O.old.C.OLDNUID", Arrays.copyOfRange(body, at, Math.min(body.length, at + 131_072)));
    }
    String subject = "$O.old.M." + call.id();
    String meta =
        "{\"name\":\"%s\",\"bucket\":\"old\",\"nuid\":\"OLDNUID\",\"size\":%d,\"chunks\":7,\"digest\":\"\",\"deleted\":false}"
            .formatted(call.id(), body.length);
    jetStreamContext.publish(
        subject, new Headers().add("Nats-Rollup", "sub"), meta.getBytes(UTF_8));
    assertEquals("", request(withoutBody(call)).error());
    assertEquals(x(800_000), get("k"));
    until(
        "deletion",
        () -> {
          try {
            byte[] last = streams().getLastMessage("OBJ_old", subject).getData();
            return new String(last, UTF_8).contains("\"deleted\":true");
          } catch (IOException | JetStreamApiException e) {
            throw new AssertionError(e);
          }
        });
  }

  /** Hosts 0.50 to 0.52 fetch nothing; their results are as large as a message may be. */
  @Test
  void hostsThatSendNoLengthGetLargeResultsInside() throws Exception {
    open("elder");
    set("k", x(1_000_000));
    Invocation call =
        of(caller.signed("KeyValue.Get", text("k")), RUST_HOST, Invocation.NO_CONTENT_LENGTH);
    assertEquals(1_000_020, request(call).msg().length);
    request(chunked("ListAdd", struct("listName", "l", "value", x(600_000))));
    request(chunked("ListAdd", struct("listName", "l", "value", x(600_000))));
    Invocation larger =
        of(
            caller.signed("KeyValue.ListRange", struct("listName", "l", "start", 0, "stop", -1)),
            RUST_HOST,
            Invocation.NO_CONTENT_LENGTH);
    assertTrue(request(larger).error().contains("1048576"));
  }

  @Test
  void jetStreamOfADomainIsUsed() throws Exception {
    try (var server =
        NatsForTests.start("jetstream { store_dir: \"$DIR/jetstream\", domain: hub }", Map.of())) {
      open(server, "leaf", "hub");
      set("k", x(1_000_000));
      assertEquals(x(1_000_000), get("k"));
      close();
      open(server, "leaf", "elsewhere");
      bucket();
      assertRefused(
          chunked("Set", struct("key", "k", "value", x(1_000_000))),
          BodyStoreException.Kind.UNAVAILABLE);
      close();
    }
  }

  @Test
  void withoutJetStreamOnlyLargeBodiesAreRefused() throws Exception {
    try (var server = NatsForTests.start();
        var log = LogLines.of(WasmbusCalls.class)) {
      open(server, "plain", "");
      Invocation large = caller.signed("KeyValue.Set", struct("key", "k", "value", x(1_000_000)));
      assertRefused(withoutBody(large), BodyStoreException.Kind.UNAVAILABLE);
      assertRefused(withoutBody(large), BodyStoreException.Kind.UNAVAILABLE);
      for (int i = 0; i < 2; i++) {
        byte[] member = struct("setName", "s", "value", i + x(500_000));
        assertEquals("", request(caller.signed("KeyValue.SetAdd", member)).error());
      }
      assertRefused(
          caller.signed("KeyValue.SetQuery", text("s")), BodyStoreException.Kind.UNAVAILABLE);
      assertEquals("", get("k"));
      assertEquals(1, log.at(Level.WARN).size(), () -> "one line: " + log.all());
      assertFalse(log.all().toString().contains("xxx"));
      close();
    }
  }

  @Test
  void missingBucketAndMissingObjectAreErrors() throws Exception {
    open("missing");
    Invocation call = caller.signed("KeyValue.Set", struct("key", "k", "value", x(1_000_000)));
    assertRefused(withoutBody(call), BodyStoreException.Kind.NO_BUCKET);
    bucket();
    assertRefused(withoutBody(call), BodyStoreException.Kind.NO_OBJECT);
    leave(call.id(), call.msg().array());
    bucket().delete(call.id());
    assertRefused(withoutBody(call), BodyStoreException.Kind.NO_OBJECT);
    assertEquals("", get("k"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"digest", "length", "last chunk", "a chunk too many", "description"})
  void damagedBodiesAreErrorsThatChangeNothing(String what) throws Exception {
    open("damaged-" + what.replace(' ', '-'));
    byte[] body = struct("key", "k", "value", x(1_000_000), "expires", 0);
    Invocation call = chunked("Set", body);
    ObjectInfo info = bucket().getInfo(call.id());
    String chunks = "$O." + lattice + ".C." + info.getNuid();
    String encoded = Base64.getUrlEncoder().encodeToString(call.id().getBytes(UTF_8));
    String meta = "$O." + lattice + ".M." + encoded;
    var rollUp = new Headers().add("Nats-Rollup", "sub");
    switch (what) {
      case "digest" ->
          host.jetStream()
              .publish(
                  meta,
                  rollUp,
                  info.toJson().replaceFirst("SHA-256=.", "SHA-256=?").getBytes(UTF_8));
      case "length" -> call = of(call, call.hostId(), call.contentLength() + 1);
      case "last chunk" -> {
        long last = streams().getLastMessage("OBJ_" + lattice, chunks).getSeq();
        streams().deleteMessage("OBJ_" + lattice, last);
      }
      case "a chunk too many" -> {
        streams().purgeStream("OBJ_" + lattice, PurgeOptions.subject(chunks));
        for (int at = 0; at <= body.length; at += 200_000) {
          host.jetStream().publish(chunks, new byte[200_001]);
        }
      }
      default -> host.jetStream().publish(meta, rollUp, "{\"nuid\":\">\"}".getBytes(UTF_8));
    }
    assertRefused(call, BodyStoreException.Kind.DAMAGED);
    assertEquals("", get("k"));
  }

  /** Whoever has captured a call's claims must not delete the body of another call by them. */
  @Test
  void bodyThatTheClaimsDoNotCoverIsRefusedAndStays() throws Exception {
    open("uncovered");
    byte[] body = struct("key", "k", "value", x(1_000_000), "expires", 0);
    Invocation victim = chunked("Set", body);
    Invocation captured = caller.signed("KeyValue.Set", struct("key", "k", "value", "small"));
    var forged =
        new Invocation(
            captured.origin(),
            captured.target(),
            captured.operation(),
            Bytes.EMPTY,
            victim.id(),
            captured.encodedClaims(),
            captured.hostId(),
            body.length);
    assertTrue(request(forged).error().contains("hash"));
    assertEquals("", get("k"));
    assertEquals("", request(victim).error());
    assertEquals(x(1_000_000), get("k"));
  }

  @Test
  void nobodyLearnsOfBodiesWithoutValidClaims() throws Exception {
    open("stranger");
    var stranger =
        new SigningCaller(
            Vectors.key("cluster_seed"), "MSTRANGER", Vectors.key("provider_public"), "default");
    Invocation call = withoutBody(stranger.signed("KeyValue.Set", new byte[1_000_000]));
    assertEquals("unlinked actor: 'MSTRANGER'", request(call).error());
  }

  @Test
  void bodyWithoutReplySubjectIsCarriedOutAndItsResultNotStored() throws Exception {
    open("silent");
    Invocation call = chunked("Set", struct("key", "k", "value", x(1_000_000), "expires", 0));
    host.publish("wasmbus.rpc.silent" + P, SigningCaller.encode(call));
    awaitDeleted(call.id());
    Invocation get = caller.signed("KeyValue.Get", text("k"));
    host.publish("wasmbus.rpc.silent" + P, SigningCaller.encode(get));
    assertEquals(x(1_000_000), get("k")); // answered after it, by the same thread
    assertNull(bucket().getInfo(get.id() + "-r"));
  }

  @Test
  void manyLargeCallsAtOnceAreAllAnswered() throws Exception {
    open("crowd");
    set("big", x(1_000_000));
    List<Invocation> calls = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      calls.add(chunked("Set", struct("key", "k" + i, "value", i + x(950_000), "expires", 0)));
      calls.add(caller.signed("KeyValue.Get", text("big")));
      calls.add(caller.signed("KeyValue.Increment", struct("key", "n", "value", 1)));
    }
    List<CompletableFuture<Message>> answers = calls.stream().map(this::send).toList();
    for (CompletableFuture<Message> answer : answers) assertEquals("", response(answer).error());
    assertEquals("10", get("n"));
    for (int i = 0; i < 10; i++) assertEquals(i + x(950_000), get("k" + i));
  }

  /** The store of these tests takes requests and does not answer. */
  @Test
  void smallCallsAreAnsweredWhileLargeOnesWait() throws Exception {
    try (var server = NatsForTests.start()) {
      open(server, "stuck", "");
      var store = host.subscribe("$JS.API.>");
      host.flush(Waiting.PATIENCE);
      List<CompletableFuture<Message>> waiting = new ArrayList<>();
      for (int i = 0; i < LargeBodies.COUNT_MAX; i++) waiting.add(send(large()));
      assertNotNull(store.nextMessage(Waiting.PATIENCE));
      for (int i = 1; i <= 100; i++) {
        Invocation call = caller.signed("KeyValue.Increment", struct("key", "n", "value", 1));
        assertArrayEquals(new byte[] {(byte) i}, request(call).msg());
      }
      long refused = Counter.OVERLOADED_CALLS.value();
      assertTrue(request(large()).error().contains("too many"));
      assertEquals(refused + 1, Counter.OVERLOADED_CALLS.value());
      for (CompletableFuture<Message> answer : waiting) {
        assertEquals(BodyStoreException.Kind.TIMEOUT.text(), response(answer).error());
      }
      close();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "junk",
        "{}",
        "[]",
        "",
        "{\"message\":{\"subject\":\"s\",\"seq\":1,\"data\":\"*\"}}",
        "{\"message\":{}}",
        "{\"message\":7}",
        "{\"error\":{}}",
        "{\"error\":{\"code\":503,\"err_code\":10039,\"description\":\"no\"}}",
        "{\"config\":7}"
      })
  void answersThatMakeNoSenseAreErrors(String junk) throws Exception {
    try (var server = NatsForTests.start()) {
      open(server, "junk", "");
      var impostor = host.createDispatcher();
      for (String subject : List.of("$JS.API.>", "$O.>")) {
        impostor.subscribe(subject, m -> host.publish(m.getReplyTo(), junk.getBytes(UTF_8)));
      }
      host.flush(Waiting.PATIENCE);
      assertFalse(request(large()).error().isEmpty());
      for (int i = 0; i < 2; i++) {
        byte[] member = struct("setName", "s", "value", i + x(500_000));
        assertEquals("", request(caller.signed("KeyValue.SetAdd", member)).error());
      }
      assertFalse(request(caller.signed("KeyValue.SetQuery", text("s"))).error().isEmpty());
      close();
    }
  }

  @Test
  void shutdownAnswersLargeCallsThatWait() throws Exception {
    try (var server = NatsForTests.start()) {
      open(server, "stopping", "");
      var store = host.subscribe("$JS.API.>");
      host.flush(Waiting.PATIENCE);
      CompletableFuture<Message> waiting = send(large());
      assertNotNull(store.nextMessage(Waiting.PATIENCE));
      Message reply =
          host.request(
              "wasmbus.rpc.stopping" + P + ".shutdown",
              ("{\"host_id\":\"" + RUST_HOST + "\"}").getBytes(UTF_8),
              Waiting.PATIENCE);
      assertEquals("shutting down", new String(reply.getData(), UTF_8));
      assertTrue(waiting.isDone(), "answered before the host heard that we stop");
      assertEquals(BodyStoreException.Kind.STOPPING.text(), response(waiting).error());
      close();
    }
  }

  private Invocation large() {
    return withoutBody(caller.signed("KeyValue.Set", struct("key", "k", "value", x(1_000_000))));
  }
}
