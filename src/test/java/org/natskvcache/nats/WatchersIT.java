package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import com.fasterxml.jackson.databind.JsonNode;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.LogLines;
import org.natskvcache.NatsForTests;
import org.natskvcache.Thrown;
import org.natskvcache.Waiting;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.provider.WatchList;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Namespace;
import org.natskvcache.telemetry.Tracing;
import org.natskvcache.wrpc.Call;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/** Watching components, played by a wRPC server, hear of changes through a real NATS server. */
class WatchersIT {
  private static final String INSTANCE = "wrpc:keyvalue/watcher@0.2.0-draft";

  private static NatsForTests server;

  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final BlockingQueue<Call> held = new LinkedBlockingQueue<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private boolean answering = true;
  private LockedReplica cache;
  private Watchers watchers;

  @BeforeAll
  static void startServer() {
    server = NatsForTests.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @BeforeEach
  void start() throws Exception {
    Connection connection = Nats.connect(server.url());
    open.add(connection);
    watchers =
        new Watchers(connection, "default", "kv-cache", (event, subject, cause) -> {}, Tracing.OFF);
    open.add(watchers);
    cache = new LockedReplica("default", NodeSettings.standalone(Limits.DEFAULTS), null);
    open.add(cache);
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : open.reversed()) each.close();
  }

  /** A component that notes what it hears: {@code set k=v from kv-cache to counter}. */
  private void component(String id) throws Exception {
    Connection connection = Nats.connect(server.url());
    open.add(connection);
    var component =
        new WrpcServer(
            connection, "default." + id, WrpcLimits.DEFAULTS, (event, subject, cause) -> {});
    open.add(component);
    component.serve(
        INSTANCE,
        "on-set",
        in -> in.string() + " set " + in.string() + "=" + new String(in.bytes(), UTF_8),
        (call, text) -> heard(id, call, text));
    component.serve(
        INSTANCE,
        "on-delete",
        in -> in.string() + " delete " + in.string(),
        (call, text) -> heard(id, call, text));
    connection.flush(Duration.ofSeconds(5));
  }

  private void heard(String id, Call call, String text) {
    assertEquals("kv-cache", call.header("source-id"));
    assertEquals(id, call.header("target-id"));
    heard.add(id + " " + text);
    if (answering) call.result(new byte[0]);
    else held.add(call);
  }

  private void set(String key, String value) {
    cache.call(new Command.Set(Key.of(key), Bytes.utf8(value), 0), reply -> {});
  }

  private void delete(String key) {
    cache.call(new Command.Delete(Key.of(key)), reply -> {});
  }

  private void watch(String component, String list) {
    watchers.put(component, "default", cache, WatchList.parse(list).orElseThrow());
  }

  private String next() throws Exception {
    return heard.poll(5, TimeUnit.SECONDS);
  }

  /** One that cannot be told costs the change, not the watcher, the cache or the caller. */
  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void whatIsThrownCostsThatChangeOnly(Throwable thrown) throws Exception {
    component("counter");
    var throwing = new AtomicInteger(2);
    Tracing tracing =
        new Tracing() {
          @Override
          public Span called(
              String service,
              String method,
              String source,
              String linkName,
              Function<String, String> headers) {
            return Span.NONE;
          }

          @Override
          public Span calling(
              String service,
              String method,
              String target,
              Object cause,
              BiConsumer<String, String> headers) {
            if (throwing.getAndDecrement() == 2) Thrown.raise(thrown);
            return throwing.get() == 0 ? error -> Thrown.raise(thrown) : Span.NONE;
          }
        };
    Connection connection = Nats.connect(server.url());
    open.add(connection);
    watchers = new Watchers(connection, "default", "kv-cache", (e, s, c) -> {}, tracing);
    open.add(watchers);
    watch("counter", "SET@foo");
    set("foo", "cannot be called");
    set("foo", "cannot be ended");
    set("foo", "fine");
    assertEquals("counter 0 set foo=cannot be ended", next());
    assertEquals("counter 0 set foo=fine", next());
  }

  @Test
  void watchedChangesAreToldInOrder() throws Exception {
    component("counter");
    watch("counter", "SET@foo,DEL@foo,SET@n");
    set("foo", "bar");
    set("other", "x");
    set("foo", "bar");
    delete("foo");
    delete("foo");
    cache.call(new Command.Increment(Key.of("n"), 5), reply -> {});
    delete("n");
    cache.call(
        new Command.Set(Namespace.named(Bytes.utf8("b")).key(Bytes.utf8("foo")), Bytes.EMPTY, 0),
        reply -> {});
    set("foo", "");
    assertEquals("counter 0 set foo=bar", next());
    assertEquals("counter 0 set foo=bar", next());
    assertEquals("counter 0 delete foo", next());
    assertEquals("counter 0 set n=5", next());
    assertEquals("counter 0 set foo=", next());
    assertTrue(heard.isEmpty());
  }

  @Test
  void keyThatBecomesAListIsGoneForWhoReadsStrings() throws Exception {
    component("counter");
    watch("counter", "[\"k\"]");
    set("k", "text");
    delete("k");
    cache.call(new Command.ListAdd(Key.of("k"), Bytes.utf8("item")), reply -> {});
    set("k", "again");
    assertEquals("counter 0 set k=text", next());
    assertEquals("counter 0 delete k", next());
    assertEquals("counter 0 set k=again", next());
  }

  @Test
  void oneCallIsUnderWayAtATimeAndWhatDoesNotFitIsDroppedAndCounted() throws Exception {
    answering = false;
    component("counter");
    component("other");
    watch("counter", "[\"*\"]");
    watch("other", "SET@k0");
    long dropped = Counter.WATCH_EVENTS_DROPPED.value();
    int more = 10;
    LogLines log = LogLines.of(Watchers.class);
    open.add(log);
    for (int i = 0; i < Watchers.QUEUED_MAX + 1 + more; i++) set("k" + i, "v");
    List<String> first = List.of(next(), next()).stream().sorted().toList();
    assertEquals(List.of("counter 0 set k0=v", "other 0 set k0=v"), first);
    assertEquals(more, Counter.WATCH_EVENTS_DROPPED.value() - dropped);
    assertNull(heard.poll(50, TimeUnit.MILLISECONDS));
    answering = true;
    for (Call call : List.of(held.take(), held.take())) call.result(new byte[0]);
    for (int i = 1; i <= Watchers.QUEUED_MAX; i++) {
      assertEquals("counter 0 set k" + i + "=v", next());
    }
    set("after", "v");
    assertEquals("counter 0 set after=v", next());
    Waiting.until("it has caught up", () -> log.at(Level.WARN).size() >= 2);
    List<String> lines = log.at(Level.WARN);
    assertEquals(2, lines.size(), lines::toString);
    assertTrue(
        lines.getFirst().contains("dropped component=counter waiting=4096"), lines::toString);
    assertTrue(lines.getLast().contains("caught_up component=counter dropped=10"), lines::toString);
  }

  /** Bytes are bounded too, whatever their number; what is too large is dropped, not what fits. */
  @Test
  void waitingBytesAreBounded() throws Exception {
    answering = false;
    component("counter");
    watch("counter", "[\"*\"]");
    long dropped = Counter.WATCH_EVENTS_DROPPED.value();
    String large = "x".repeat(900_000);
    int fit = (int) (Watchers.QUEUED_BYTES_MAX / large.length());
    for (int i = 0; i < 1 + fit + 3; i++) set("k" + i, large);
    set("small", "v");
    assertEquals(3, Counter.WATCH_EVENTS_DROPPED.value() - dropped);
    answering = true;
    assertEquals("counter 0 set k0=" + large, next());
    held.take().result(new byte[0]);
    for (int i = 1; i <= fit; i++) assertEquals("counter 0 set k" + i + "=" + large, next());
    assertEquals("counter 0 set small=v", next());
  }

  @Test
  void componentWithTwoLinksIsInOneCallAtATime() throws Exception {
    answering = false;
    component("counter");
    LockedReplica second =
        new LockedReplica("second", NodeSettings.standalone(Limits.DEFAULTS), null);
    open.add(second);
    watch("counter", "SET@a");
    watchers.put("counter", "second", second, WatchList.parse("SET@b").orElseThrow());
    set("a", "1");
    second.call(new Command.Set(Key.of("b"), Bytes.utf8("2"), 0), reply -> {});
    assertEquals("counter 0 set a=1", next());
    assertNull(heard.poll(50, TimeUnit.MILLISECONDS));
    watchers.delete("counter", "default");
    held.take().result(new byte[0]);
    assertEquals("counter 0 set b=2", next(), "its other link's change waited");
    assertEquals(1, watchers.components());
  }

  @Test
  void deletedLinkDropsWhatWaitsAndANewOneWaitsForTheLastCall() throws Exception {
    answering = false;
    component("counter");
    watch("counter", "[\"*\"]");
    for (int i = 0; i < 5; i++) set("k" + i, "v");
    assertEquals("counter 0 set k0=v", next());
    watchers.delete("counter", "default");
    watch("counter", "SET@new");
    set("new", "1");
    assertNull(heard.poll(50, TimeUnit.MILLISECONDS));
    held.take().result(new byte[0]);
    assertEquals("counter 0 set new=1", next());
    watchers.delete("counter", "default");
    assertEquals(1, watchers.components(), "it is in a call");
    held.take().result(new byte[0]);
    Waiting.until("it is forgotten", () -> watchers.components() == 0);
    for (int i = 0; i < 100; i++) {
      watch("c" + i, "SET@k");
      watchers.delete("c" + i, "default");
    }
    assertEquals(0, watchers.components());
  }

  /** Plays the component's part of the vector and compares ours. */
  @Test
  void callsAreThoseOfTheVectors() throws Exception {
    JsonNode transcript =
        StreamSupport.stream(
                WrpcVectors.of("nats_transcripts").get("transcripts").spliterator(), false)
            .filter(t -> t.get("id").textValue().equals("watcher-on-set"))
            .findFirst()
            .orElseThrow();
    JsonNode messages = transcript.get("messages");
    Connection host = Nats.connect(server.url());
    open.add(host);
    Subscription component = host.subscribe("default.counter.wrpc.>");
    Subscription rest = host.subscribe("rest.params");
    host.flush(Waiting.PATIENCE);
    watch("counter", "SET@foo,DEL@foo");
    set("foo", "bar");
    delete("foo");
    JsonNode call = messages.get(0);
    Message got = component.nextMessage(Waiting.PATIENCE);
    assertEquals(call.get("subject").textValue(), got.getSubject());
    assertEquals(hex(call), HexFormat.of().formatHex(got.getData()));
    assertEquals(call.get("headers").size(), got.getHeaders().size());
    for (JsonNode header : call.get("headers")) {
      assertEquals(header.get(1).textValue(), got.getHeaders().getFirst(header.get(0).textValue()));
    }
    host.publish(got.getReplyTo(), "rest", new byte[0]);
    assertEquals(hex(messages.get(2)), HexFormat.of().formatHex(data(rest)));
    assertNull(component.nextMessage(Duration.ofMillis(20)), "the first call has not ended");
    host.publish(got.getReplyTo() + ".results", new byte[0]);
    got = component.nextMessage(Waiting.PATIENCE);
    String subjectOfDeletes = WrpcVectors.of("subjects").get("called_watcher").get(1).textValue();
    assertEquals(subjectOfDeletes.replace("<component-id>", "counter"), got.getSubject());
    assertArrayEquals(WrpcVectors.call("watcher.on-delete/params/basic"), got.getData());
  }

  private static String hex(JsonNode message) {
    return message.get("payload_hex").textValue();
  }

  private static byte[] data(Subscription subscription) throws Exception {
    return subscription.nextMessage(Waiting.PATIENCE).getData();
  }

  @Test
  void componentThatIsNotThereIsCountedAndHearsLaterChanges() throws Exception {
    long failed = Counter.WATCH_CALLS_FAILED.value();
    watch("counter", "SET@k");
    set("k", "lost");
    Waiting.until("the call failed", () -> Counter.WATCH_CALLS_FAILED.value() == failed + 1);
    component("counter");
    set("k", "told");
    assertEquals("counter 0 set k=told", next());
  }

  @Test
  void changedListCountsAndDeletedLinkIsSilent() throws Exception {
    component("counter");
    component("other");
    watch("counter", "SET@a");
    watch("other", "SET@b");
    watch("counter", "SET@b");
    set("a", "1");
    set("b", "2");
    assertEquals(
        List.of("counter 0 set b=2", "other 0 set b=2"),
        List.of(next(), next()).stream().sorted().toList());
    watchers.delete("counter", "default");
    set("b", "3");
    assertEquals("other 0 set b=3", next());
    watchers.delete("other", "default");
    watchers.delete("nobody", "default");
    set("b", "4");
    assertNull(heard.poll(50, TimeUnit.MILLISECONDS));
  }

  @Test
  void manyChangesOfOneKeyEndWithTheLast() throws Exception {
    component("counter");
    watch("counter", "SET@k");
    IntStream.rangeClosed(1, 1_000).forEach(i -> set("k", "" + i));
    for (int i = 1; i <= 1_000; i++) assertEquals("counter 0 set k=" + i, next());
  }
}
