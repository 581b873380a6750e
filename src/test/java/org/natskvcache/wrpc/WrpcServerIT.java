package org.natskvcache.wrpc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.impl.Headers;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.direct.DirectLine;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.wrpc.WrpcObserver.Event;

/** Server and caller through real servers, one of them with small messages. */
class WrpcServerIT {
  private static final String PREFIX = "default.kv-cache";
  private static final String STORE = "wrpc:keyvalue/store@0.2.0-draft";
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int SMALL_PAYLOAD = 256;

  private static final WrpcLimits PATIENT =
      new WrpcLimits(1 << 20, 100, 4, 1 << 21, PATIENCE, Duration.ofSeconds(60));

  private static NatsForTests roomy;
  private static NatsForTests small;

  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private Connection provider;
  private Connection host;

  @BeforeAll
  static void startServers() {
    roomy = NatsForTests.start();
    small = NatsForTests.start("max_payload: " + SMALL_PAYLOAD, Map.of());
  }

  @AfterAll
  static void stopServers() {
    roomy.close();
    small.close();
  }

  @BeforeEach
  void connect() throws Exception {
    connect(roomy);
  }

  private void connect(NatsForTests server) throws Exception {
    provider = providerOn(server.url());
    host = Nats.connect(server.url());
    open.add(provider);
    open.add(host);
  }

  Connection providerOn(String url) throws Exception {
    return Nats.connect(url);
  }

  /** What the server answers past the client's threads: nothing here. */
  @Nullable DirectLine line(Connection connection) {
    return null;
  }

  /** What the server sent to the provider's connection before has reached the client. */
  void awaitDelivery() throws Exception {
    provider.flush(PATIENCE);
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : open.reversed()) each.close();
  }

  private WrpcServer server(WrpcLimits limits) {
    var server =
        new WrpcServer(
            provider, line(provider), PREFIX, limits, (event, subject, cause) -> events.add(event));
    open.add(server);
    return server;
  }

  /** Answers {@code result} to everything that {@code get} and {@code set} are asked. */
  private WrpcServer answering(byte[] result) throws Exception {
    WrpcServer server = server(PATIENT);
    for (String function : List.of("get", "set")) {
      server.serve(STORE, function, ValueReader::string, (call, bucket) -> call.result(result));
    }
    provider.flush(PATIENCE);
    return server;
  }

  static Stream<JsonNode> transcripts() {
    return StreamSupport.stream(
            WrpcVectors.of("nats_transcripts").get("transcripts").spliterator(), false)
        .filter(t -> !t.get("id").textValue().equals("watcher-on-set"));
  }

  /** Plays the host's part of a transcript and compares ours. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("transcripts")
  void transcriptIsPlayedAsWritten(JsonNode transcript) throws Exception {
    String id = transcript.get("id").textValue();
    if (transcript.has("server_max_payload")) {
      assertEquals(SMALL_PAYLOAD, transcript.get("server_max_payload").intValue());
      connect(small);
    }
    byte[] params = whole(transcript, "params_value", "tuple(string b, string k, list<u8> v)");
    byte[] result = whole(transcript, "result_value", "result<option<list<u8>>, error>");
    WrpcServer server = server(PATIENT);
    BlockingQueue<byte[]> received = new LinkedBlockingQueue<>();
    for (String function : List.of("get", "set")) {
      server.serve(
          STORE,
          function,
          in -> {
            in.string();
            in.string();
            if (function.equals("set")) in.bytes();
            return in.position();
          },
          (call, length) -> {
            received.add(new byte[length]);
            byte[] answer = resultOf(transcript, result);
            if (answer.length == 0) call.abort();
            else call.result(answer);
          });
    }
    provider.flush(PATIENCE);
    var peer = new WrpcPeer(host);
    String serverInbox = null;
    for (JsonNode message : transcript.get("messages")) {
      String subject = message.get("subject").textValue();
      switch (message.get("from").textValue()) {
        case "host" -> {
          byte[] body = body(message, params);
          if (subject.startsWith("_INBOX")) {
            host.publish(subject.replaceFirst("^_INBOX\\.[A-Z]+\\.[A-Z]+", serverInbox), body);
          } else {
            var headers = new Headers();
            message.get("headers").forEach(h -> headers.add(h.get(0).asText(), h.get(1).asText()));
            host.publish(subject, peer.replyTo(), headers, body);
          }
        }
        case "provider" -> {
          Message got = peer.next();
          assertEquals(
              peer.replyTo() + subject.substring(subject.indexOf("BBB") + 22), got.getSubject());
          assertArrayEquals(body(message, result), got.getData());
          assertFalse(got.hasHeaders());
          if (message.has("reply")) {
            serverInbox = got.getReplyTo();
            assertNotNull(serverInbox);
          } else {
            assertNull(got.getReplyTo());
          }
        }
        default -> assertEquals(503, peer.next().getStatus().getCode());
      }
    }
    peer.assertSilent();
    if (params.length > 0) assertEquals(params.length, received.take().length, id);
    assertTrue(events.isEmpty(), events::toString);
    Waiting.until("no call is left", () -> server.halfSentCalls() == 0);
  }

  private static byte[] whole(JsonNode transcript, String name, String type) {
    if (!transcript.has(name)) return new byte[0];
    var out = new ValueWriter(0);
    ValueType.parse(type).write(out, transcript.get(name));
    return out.toByteArray();
  }

  /** What the transcript's provider answers, in one piece. */
  private static byte[] resultOf(JsonNode transcript, byte[] whole) {
    if (whole.length > 0) return whole;
    var result = new ByteArrayOutputStream();
    for (JsonNode message : transcript.get("messages")) {
      if (message.get("subject").textValue().endsWith(".results")) {
        result.writeBytes(HexFormat.of().parseHex(message.get("payload_hex").textValue()));
      }
    }
    return result.toByteArray();
  }

  private static byte[] body(JsonNode message, byte[] whole) {
    JsonNode slice = message.get("payload_slice_of_params_or_result");
    return slice == null
        ? HexFormat.of().parseHex(message.get("payload_hex").textValue())
        : Arrays.copyOfRange(whole, slice.get(0).intValue(), slice.get(1).intValue());
  }

  @Test
  void everySplitOfTheParamsIsTheSame() throws Exception {
    WrpcServer server = server(PATIENT);
    server.serve(
        STORE,
        "set",
        in -> in.string() + "|" + in.string() + "|" + new String(in.bytes(), UTF_8),
        (call, params) -> call.result(params.getBytes(UTF_8)));
    provider.flush(PATIENCE);
    byte[] params =
        new ValueWriter(0).string("b").string("kä").bytes("value".getBytes(UTF_8)).toByteArray();
    var peer = new WrpcPeer(host);
    for (int first = 0; first <= params.length; first++) {
      for (int piece : new int[] {1, 3, params.length}) {
        List<byte[]> parts = WrpcPeer.cut(params, first, piece);
        assertEquals("b|kä|value", new String(peer.call(subject("set"), null, parts), UTF_8));
      }
    }
    peer.assertSilent();
    assertEquals(0, server.halfSentCalls());
    assertTrue(events.isEmpty(), events::toString);
  }

  @Test
  void callIsAnsweredBeforeTheEndOfItsParams() throws Exception {
    answering("done".getBytes(UTF_8));
    byte[] params = new ValueWriter(0).string("bucket").toByteArray();
    var peer = new WrpcPeer(host);
    String rest = peer.begin(subject("set"), null, params);
    assertEquals("done", new String(peer.next().getData(), UTF_8));
    peer.end(rest);
    assertEquals(0, peer.results().length, "the end of the result is what was missing");
    rest = peer.begin(subject("set"), null, Arrays.copyOf(params, 2));
    host.publish(rest, Arrays.copyOfRange(params, 2, 7));
    assertEquals("done", new String(peer.results(), UTF_8), "and it was heard");
    peer.end(rest);
    peer.assertSilent();
  }

  @Test
  void manySmallElementsInManyMessagesAreReadWithoutDecodingThemAgainEachTime() throws Exception {
    int[] decoded = new int[1];
    WrpcServer server =
        server(new WrpcLimits(1 << 20, 1 << 16, 4, 1 << 21, PATIENCE, Duration.ofSeconds(60)));
    server.serve(
        STORE,
        "get",
        in -> {
          decoded[0]++;
          int count = in.list();
          for (int i = 0; i < count; i++) in.string();
          return count;
        },
        (call, count) -> call.result(new ValueWriter(0).u32(count).toByteArray()));
    provider.flush(PATIENCE);
    var out = new ValueWriter(0).list(20_000);
    for (int i = 0; i < 20_000; i++) out.string("key" + i);
    byte[] params = out.toByteArray();
    List<byte[]> parts = WrpcPeer.cut(params, 32, 32);
    byte[] result = new WrpcPeer(host).call(subject("get"), null, parts);
    assertEquals(20_000, new ValueReader(result, PATIENT).u32());
    assertTrue(decoded[0] < parts.size() / 4, () -> "decoded " + decoded[0] + " times");
  }

  @Test
  void brokenParamsAreAbortedAtOnce() throws Exception {
    answering("done".getBytes(UTF_8));
    var peer = new WrpcPeer(host);
    assertEquals(
        0,
        peer.call(subject("get"), null, List.of(new byte[] {2, (byte) 0xff, (byte) 0xfe})).length);
    assertEquals(Event.MALFORMED, events.poll(5, TimeUnit.SECONDS));
    // five bytes that announce 4 GiB
    assertEquals(
        0, peer.call(subject("get"), null, List.of(HexFormat.of().parseHex("ffffffff0f"))).length);
    assertEquals(Event.MALFORMED, events.poll(5, TimeUnit.SECONDS));
    assertEquals(
        0, peer.call(subject("get"), null, List.of(new byte[] {5, 'a'}, Publisher.END)).length);
    assertEquals(Event.TRUNCATED, events.poll(5, TimeUnit.SECONDS));
    peer.assertSilent();
    assertEquals(
        "done", new String(peer.call(subject("get"), null, List.of(new byte[] {1, 'a'})), UTF_8));
  }

  @Test
  void valueOverTheLimitIsRefusedBeforeItIsSent() throws Exception {
    WrpcServer server =
        server(new WrpcLimits(1_000, 100, 4, 10_000, PATIENCE, Duration.ofSeconds(60)));
    server.serve(STORE, "set", ValueReader::bytes, (call, v) -> call.result(new byte[] {1}));
    provider.flush(PATIENCE);
    var peer = new WrpcPeer(host);
    byte[] fits = new ValueWriter(0).bytes(new byte[998]).toByteArray();
    assertEquals(1, peer.call(subject("set"), null, List.of(fits)).length);
    byte[] announced = Arrays.copyOf(new ValueWriter(0).u32(999).toByteArray(), 2);
    assertEquals(0, peer.call(subject("set"), null, List.of(announced)).length);
    assertEquals(Event.MALFORMED, events.poll(5, TimeUnit.SECONDS));
  }

  @Test
  void callsThatStopHalfWayTimeOutAndLeaveNothing() throws Exception {
    WrpcServer server =
        server(
            new WrpcLimits(
                1 << 20, 100, 4, 1 << 21, Duration.ofMillis(50), Duration.ofSeconds(60)));
    server.serve(STORE, "get", ValueReader::string, (call, v) -> call.result(new byte[] {1}));
    provider.flush(PATIENCE);
    var peer = new WrpcPeer(host);
    host.publish(peer.begin(subject("get"), null, new byte[] {9, 'a'}), new byte[] {'b'});
    assertEquals(0, peer.results().length);
    assertEquals(Event.TIMED_OUT, events.poll(5, TimeUnit.SECONDS));
    assertEquals(0, server.halfSentCalls());
  }

  @Test
  void tooManyHalfSentCallsAreAborted() throws Exception {
    WrpcServer server = answering("done".getBytes(UTF_8));
    List<WrpcPeer> waiting = new ArrayList<>();
    String subject = WrpcServer.subject(PREFIX, STORE, "get");
    for (int i = 0; i < PATIENT.pendingCallsMax(); i++) {
      var peer = new WrpcPeer(host);
      host.publish(subject, peer.replyTo(), new byte[] {4, 'a'});
      waiting.add(peer);
    }
    Waiting.until("all are half sent", () -> server.halfSentCalls() == 4);
    var late = new WrpcPeer(host);
    assertEquals(0, late.call(subject("get"), null, List.of(new byte[] {4, 'a'})).length);
    assertEquals(Event.OVERLOADED, events.poll(5, TimeUnit.SECONDS));
    assertEquals(
        "done", new String(late.call(subject("get"), null, List.of(new byte[] {1, 'a'})), UTF_8));
    for (WrpcPeer peer : waiting) {
      String rest = peer.next().getReplyTo() + ".params";
      host.publish(rest, "bcd".getBytes(UTF_8));
      assertEquals("done", new String(peer.results(), UTF_8));
    }
    assertEquals(0, server.halfSentCalls());
  }

  @Test
  void bytesOfHalfSentCallsAreBounded() throws Exception {
    WrpcServer server =
        server(new WrpcLimits(1 << 20, 100, 100, 1_000, PATIENCE, Duration.ofSeconds(60)));
    server.serve(STORE, "set", ValueReader::bytes, (call, v) -> call.result(new byte[] {1}));
    provider.flush(PATIENCE);
    byte[] begun = Arrays.copyOf(new ValueWriter(0).u32(10_000).toByteArray(), 600);
    begun = new ValueWriter(0).u32(10_000).bytes(new byte[600]).toByteArray();
    String subject = WrpcServer.subject(PREFIX, STORE, "set");
    host.publish(subject, new WrpcPeer(host).replyTo(), begun);
    Waiting.until("one is half sent", () -> server.halfSentCalls() == 1);
    assertEquals(0, new WrpcPeer(host).call(subject("set"), null, List.of(begun)).length);
    assertEquals(Event.OVERLOADED, events.poll(5, TimeUnit.SECONDS));
    assertEquals(
        0,
        new WrpcPeer(host)
            .call(subject("set"), null, List.of(new byte[] {0x10}, new byte[500]))
            .length);
    assertEquals(1, server.halfSentCalls());
  }

  /** What a call announces costs nothing; memory is taken as its bytes arrive. */
  @Test
  void announcedBytesAreNotTakenInAdvance() throws Exception {
    List<Exception> failures = new CopyOnWriteArrayList<>();
    var noting =
        new ErrorListener() {
          @Override
          public void exceptionOccurred(Connection connection, Exception failure) {
            failures.add(failure);
          }
        };
    provider = Nats.connect(Options.builder().server(roomy.url()).errorListener(noting).build());
    open.add(provider);
    WrpcServer server =
        server(new WrpcLimits(1 << 30, 100, 100, 1 << 30, PATIENCE, Duration.ofSeconds(60)));
    server.serve(STORE, "set", ValueReader::bytes, (call, v) -> call.result(new byte[] {1}));
    provider.flush(PATIENCE);
    byte[] huge = Arrays.copyOf(new ValueWriter(0).u32((1 << 30) - 10).toByteArray(), 5);
    String rest = null;
    for (int i = 0; i < 20; i++) {
      rest = new WrpcPeer(host).begin(subject("set"), null, huge);
      host.publish(rest, new byte[10]);
    }
    assertNotNull(rest);
    byte[] fits = new ValueWriter(0).bytes(new byte[10]).toByteArray();
    assertEquals(1, new WrpcPeer(host).call(subject("set"), null, List.of(fits)).length);
    assertEquals(20, server.halfSentCalls());
    assertEquals(List.of(), failures);
  }

  @Test
  void strayMessagesAreIgnored() throws Exception {
    answering("done".getBytes(UTF_8));
    host.publish(WrpcServer.subject(PREFIX, STORE, "get"), new byte[] {1, 'a'});
    assertEquals(Event.NO_REPLY_SUBJECT, events.poll(5, TimeUnit.SECONDS));
    var peer = new WrpcPeer(host);
    host.publish(WrpcServer.subject(PREFIX, STORE, "get"), peer.replyTo(), new byte[] {1, 'a'});
    String inbox = peer.next().getReplyTo();
    assertEquals("done", new String(peer.results(), UTF_8));
    for (byte[] stray : List.of(Publisher.END, new byte[] {1}, new byte[100])) {
      host.publish(inbox + ".params", stray);
      host.publish(inbox + "x.params", stray);
    }
    peer.assertSilent();
    assertEquals(
        "done", new String(peer.call(subject("get"), null, List.of(new byte[] {1, 'a'})), UTF_8));
    assertTrue(events.isEmpty(), events::toString);
  }

  @Test
  void failureOfAHandlerAbortsItsCallOnly() throws Exception {
    WrpcServer server = server(PATIENT);
    server.serve(
        STORE,
        "get",
        ValueReader::string,
        (call, text) -> {
          if (text.equals("bad")) throw new IllegalStateException("a bug");
          call.result(text.getBytes(UTF_8));
          call.abort();
          call.result("again".getBytes(UTF_8));
        });
    provider.flush(PATIENCE);
    var peer = new WrpcPeer(host);
    assertEquals(
        0,
        peer.call(subject("get"), null, List.of(new ValueWriter(0).string("bad").toByteArray()))
            .length);
    assertEquals(Event.FAILED, events.poll(5, TimeUnit.SECONDS));
    assertEquals(
        "good",
        new String(
            peer.call(
                subject("get"), null, List.of(new ValueWriter(0).string("good").toByteArray())),
            UTF_8));
    peer.assertSilent();
  }

  @Test
  void headersAreFoundInAnyCase() throws Exception {
    WrpcServer server = server(PATIENT);
    server.serve(
        STORE,
        "get",
        in -> 0,
        (call, none) ->
            call.result(
                (call.header("source-id") + " " + call.header("link-name") + " " + call.header("x"))
                    .getBytes(UTF_8)));
    provider.flush(PATIENCE);
    var caller = caller(host, PATIENT);
    var headers = new Headers().add("Source-Id", "counter").add("link-name", "a", "b");
    assertEquals("counter a null", text(caller.call(subject("get"), headers, new byte[0])));
    assertEquals("null null null", text(caller.call(subject("get"), null, new byte[0])));
  }

  private WrpcCaller caller(Connection connection, WrpcLimits limits) {
    var caller = new WrpcCaller(connection, limits, (event, subject, cause) -> events.add(event));
    open.add(caller);
    return caller;
  }

  private static String subject(String function) {
    return WrpcServer.subject(PREFIX, STORE, function);
  }

  private static String text(CompletableFuture<WrpcCaller.Outcome> outcome) throws Exception {
    return new String(
        assertInstanceOf(WrpcCaller.Outcome.Result.class, outcome.get(5, TimeUnit.SECONDS)).bytes(),
        UTF_8);
  }

  /** Random values in random pieces, many at once, answered on other threads. */
  @ParameterizedTest(name = "seed={0}")
  @ValueSource(longs = {1, 2, 3})
  void concurrentCallsOfAnySizeGetTheirOwnAnswers(long seed) throws Exception {
    for (NatsForTests nats : List.of(roomy, small)) {
      connect(nats);
      WrpcServer server =
          server(new WrpcLimits(1 << 20, 100, 1_000, 64 << 20, PATIENCE, Duration.ofSeconds(60)));
      server.serve(
          STORE,
          "echo",
          ValueReader::bytes,
          (call, value) -> Thread.startVirtualThread(() -> call.result(value)));
      provider.flush(PATIENCE);
      var caller =
          caller(
              host,
              new WrpcLimits(1 << 20, 100, 1_000, 64 << 20, PATIENCE, Duration.ofSeconds(60)));
      var random = new Random(seed);
      List<byte[]> values = new ArrayList<>();
      List<CompletableFuture<WrpcCaller.Outcome>> outcomes = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        byte[] value = new byte[1 + random.nextInt(random.nextBoolean() ? 100 : 5_000)];
        random.nextBytes(value);
        values.add(value);
        var headers = random.nextBoolean() ? new Headers().add("source-id", "s" + i) : null;
        outcomes.add(
            caller.call(subject("echo"), headers, new ValueWriter(0).bytes(value).toByteArray()));
      }
      for (int i = 0; i < 200; i++) {
        var result =
            assertInstanceOf(
                WrpcCaller.Outcome.Result.class, outcomes.get(i).get(10, TimeUnit.SECONDS));
        assertArrayEquals(values.get(i), result.bytes());
      }
      assertEquals(0, caller.openCalls());
      Waiting.until("no call is left", () -> server.halfSentCalls() == 0);
      server.close();
    }
    assertTrue(events.isEmpty(), events::toString);
  }

  @Test
  void instancesShareCalls() throws Exception {
    var taken = new ConcurrentLinkedQueue<String>();
    for (String name : List.of("first", "second")) {
      server(PATIENT)
          .serve(
              STORE,
              "get",
              in -> 0,
              (call, none) -> {
                taken.add(name);
                call.result(new byte[] {1});
              });
      provider.flush(PATIENCE);
      provider = providerOn(roomy.url());
      open.add(provider);
    }
    var caller = caller(host, PATIENT);
    for (int i = 0; i < 100; i++) {
      caller.call(subject("get"), null, new byte[0]).get(5, TimeUnit.SECONDS);
    }
    assertEquals(100, taken.size());
    assertTrue(taken.contains("first") && taken.contains("second"));
  }

  @Test
  void callerHearsThatNobodyServesAndThatNobodyAnswers() throws Exception {
    var caller =
        caller(
            host,
            new WrpcLimits(
                1 << 20, 100, 2, 1 << 20, Duration.ofMillis(100), Duration.ofSeconds(60)));
    assertEquals(
        new WrpcCaller.Outcome.NobodyServes(),
        caller.call(subject("get"), null, new byte[0]).get(5, TimeUnit.SECONDS));
    provider.subscribe(subject("get"));
    provider.flush(PATIENCE);
    var silent = caller.call(subject("get"), null, new byte[0]);
    var second = caller.call(subject("get"), null, new byte[0]);
    assertEquals(
        new WrpcCaller.Outcome.Failed("too many calls are under way"),
        caller.call(subject("get"), null, new byte[0]).get(5, TimeUnit.SECONDS));
    assertEquals(
        new WrpcCaller.Outcome.Failed("no answer in time"), silent.get(5, TimeUnit.SECONDS));
    second.get(5, TimeUnit.SECONDS);
    assertEquals(0, caller.openCalls());
  }

  @Test
  void stopLetsCallsFinishAndTakesNoMore() throws Exception {
    List<Call> calls = new ArrayList<>();
    WrpcServer server = server(PATIENT);
    server.serve(STORE, "get", in -> in.string(), (call, text) -> calls.add(call));
    provider.flush(PATIENCE);
    var caller = caller(host, PATIENT);
    var held = caller.call(subject("get"), null, new byte[] {1, 'a'});
    var half = new WrpcPeer(host);
    host.publish(subject("get"), half.replyTo(), new byte[] {4, 'a'});
    half.next();
    host.flush(PATIENCE);
    assertTrue(server.stop(PATIENCE));
    assertEquals(0, half.results().length);
    assertEquals(Event.TRUNCATED, events.poll(5, TimeUnit.SECONDS));
    provider.flush(PATIENCE);
    assertEquals(
        new WrpcCaller.Outcome.NobodyServes(),
        caller.call(subject("get"), null, new byte[0]).get(5, TimeUnit.SECONDS));
    calls.getFirst().result("late".getBytes(UTF_8));
    assertEquals("late", text(held));
    assertTrue(server.stop(PATIENCE));
  }

  private static WrpcLimits withSilence(long millis) {
    WrpcLimits d = WrpcLimits.DEFAULTS;
    return new WrpcLimits(
        d.valueBytesMax(),
        d.elementsMax(),
        4,
        d.pendingBytesMax(),
        d.timeout(),
        Duration.ofMillis(millis));
  }

  private WrpcServer answeringSeven(WrpcLimits limits) throws Exception {
    WrpcServer server = server(limits);
    server.serve(STORE, "get", ValueReader::string, (call, text) -> call.result(new byte[] {7}));
    provider.flush(PATIENCE);
    return server;
  }

  /** Hosts lose a handshake that arrives before they wait for it, and what follows it. */
  @Test
  void handshakeThatIsNotHeardIsRepeatedAndThenTheAnswer() throws Exception {
    answeringSeven(withSilence(20));
    var peer = new WrpcPeer(host);
    String params = peer.begin(subject("get"), null, new byte[] {1, 'a'});
    assertArrayEquals(new byte[] {7}, peer.next().getData());
    Message again = peer.next();
    assertEquals(peer.replyTo(), again.getSubject());
    assertEquals(params, again.getReplyTo() + ".params");
    assertEquals(Event.UNHEARD, events.poll(5, TimeUnit.SECONDS));
    peer.end(params);
    assertArrayEquals(new byte[] {7}, peer.results());
    Message more = peer.next(Duration.ofMillis(300));
    assertNull(more);
  }

  /** Some never send params, if the first message held all. */
  @Test
  void callerThatIsNeverHeardGetsTheEndAfterTheLastHandshake() throws Exception {
    answeringSeven(withSilence(2));
    var peer = new WrpcPeer(host);
    String params = peer.begin(subject("get"), null, new byte[] {1, 'a'});
    assertArrayEquals(new byte[] {7}, peer.next().getData());
    for (int i = 0; i < 3; i++) assertEquals(params, peer.next().getReplyTo() + ".params");
    Message end = peer.next();
    assertEquals(peer.replyTo() + ".results", end.getSubject());
    assertEquals(0, end.getData().length);
    peer.end(params);
    peer.assertSilent();
  }

  @Test
  void callBeyondTheTableGetsItsEndAtOnce() throws Exception {
    answeringSeven(withSilence(60_000));
    List<WrpcPeer> waiting = new ArrayList<>();
    List<String> params = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      var peer = new WrpcPeer(host);
      params.add(peer.begin(subject("get"), null, new byte[] {1, 'a'}));
      waiting.add(peer);
    }
    var beyond = new WrpcPeer(host);
    beyond.begin(subject("get"), null, new byte[] {1, 'a'});
    assertArrayEquals(new byte[] {7}, beyond.results());
    for (int i = 0; i < 4; i++) {
      assertArrayEquals(new byte[] {7}, waiting.get(i).next().getData());
      waiting.get(i).assertSilent();
      waiting.get(i).end(params.get(i));
      assertEquals(0, waiting.get(i).next().getData().length);
    }
  }

  @Test
  void stopSendsTheEndsThatWaitForTheirCallers() throws Exception {
    WrpcServer server = answeringSeven(withSilence(60_000));
    var peer = new WrpcPeer(host);
    peer.begin(subject("get"), null, new byte[] {1, 'a'});
    assertArrayEquals(new byte[] {7}, peer.next().getData());
    peer.assertSilent();
    assertTrue(server.stop(PATIENCE));
    assertEquals(0, peer.results().length);
    peer.assertSilent();
  }

  /** A handler that hangs makes stopping give up; what is received after that is not kept. */
  @Test
  void callThatIsReceivedAfterStoppingGaveUpIsAborted() throws Exception {
    var entered = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    WrpcServer server = server(PATIENT);
    server.serve(
        STORE,
        "get",
        ValueReader::string,
        (call, text) -> {
          entered.countDown();
          try {
            assertTrue(release.await(5, TimeUnit.SECONDS));
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          call.result(new byte[] {1});
        });
    provider.flush(PATIENCE);
    var busy = new WrpcPeer(host);
    host.publish(subject("get"), busy.replyTo(), new byte[] {1, 'a'});
    assertTrue(entered.await(5, TimeUnit.SECONDS));
    var half = new WrpcPeer(host);
    host.publish(subject("get"), half.replyTo(), new byte[] {4, 'a'});
    host.flush(PATIENCE);
    awaitDelivery();
    assertFalse(server.stop(Duration.ofMillis(20)));
    release.countDown();
    assertEquals(busy.replyTo(), busy.next().getSubject());
    assertEquals(1, busy.results().length);
    assertEquals(half.replyTo(), half.next().getSubject());
    assertEquals(0, half.results().length);
    assertEquals(0, server.halfSentCalls());
  }

  @Test
  void answerThatTheClientDoesNotTakeIsCounted() throws Exception {
    List<Call> calls = new ArrayList<>();
    WrpcServer server = server(PATIENT);
    server.serve(STORE, "get", in -> 0, (call, none) -> calls.add(call));
    provider.flush(PATIENCE);
    var held = caller(host, PATIENT).call(subject("get"), null, new byte[0]);
    Waiting.until("it is there", () -> !calls.isEmpty());
    provider.close();
    calls.getFirst().result(new byte[] {1});
    assertEquals(Event.UNSENT, events.poll(5, TimeUnit.SECONDS));
    assertFalse(held.isDone());
  }
}
