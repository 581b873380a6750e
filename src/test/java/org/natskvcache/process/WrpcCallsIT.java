package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import com.fasterxml.jackson.databind.JsonNode;
import io.nats.client.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.wrpc.ValueWriter;

/**
 * Calls of components of hosts 1.x, byte by byte, to processes that were started with the host data
 * of the vectors: one on a server as it comes, one on a server with small messages.
 */
class WrpcCallsIT {
  private static final int SMALL_PAYLOAD = 4_096;

  private static final ProviderFixture ROOMY = new ProviderFixture();
  private static final ProviderFixture SMALL =
      new ProviderFixture(NatsForTests.start("max_payload: " + SMALL_PAYLOAD, Map.of()), "");

  private static WrpcProvider roomy;
  private static WrpcProvider small;

  @BeforeAll
  static void start() {
    roomy = ROOMY.startOne(HostDataLine.ofOne(ROOMY.nats));
    small = SMALL.startOne(HostDataLine.ofOne(SMALL.nats));
  }

  /** A component on a cache of its own. */
  private static WrpcComponent component(String linkName) {
    roomy.put(WrpcProvider.link("counter", roomy.id(), linkName, Map.of()));
    WrpcComponent component = roomy.component("counter", linkName);
    until("the link", component::isLinked);
    return component;
  }

  @AfterAll
  static void stop() {
    ROOMY.close();
    SMALL.close();
    for (WrpcProvider provider : List.of(roomy, small)) {
      assertEquals(List.of(), provider.process.output());
      assertEquals(List.of(), provider.logLines("ERROR"));
    }
  }

  /**
   * Every vector of params, and what it comes to: the name of a vector of results, the bytes, or
   * {@code error}. Begins and ends with an empty cache. {@code +} sets the key of these params to
   * {@code bar} first.
   */
  private static final String SCRIPT =
      """
      store.get/params/basic                  store.get/result/none
      store.exists/params/basic               store.exists/result/false
      store.delete/params/basic               store.delete/result/ok
      store.list-keys/params/cursor-none      store.list-keys/result/empty
      store.set/params/basic                  store.set/result/ok
      store.get/params/basic                  store.get/result/some-bar
      store.exists/params/basic               store.exists/result/true
      store.list-keys/params/cursor-none      store.list-keys/result/one
      store.list-keys/params/cursor-0         store.list-keys/result/one
      store.list-keys/params/cursor-1         store.list-keys/result/one
      store.list-keys/params/cursor-127       store.list-keys/result/one
      store.list-keys/params/cursor-128       store.list-keys/result/one
      store.list-keys/params/cursor-16384     store.list-keys/result/one
      store.list-keys/params/cursor-2p32      store.list-keys/result/one
      store.list-keys/params/cursor-u64max    store.list-keys/result/empty
      batch.get-many/params/one               batch.get-many/result/one
      batch.get-many/params/dup               00020103666f6f036261720103666f6f03626172
      store.set/params/empty-value            store.set/result/ok
      store.get/params/basic                  store.get/result/some-empty
      batch.get-many/params/one               batch.get-many/result/empty-value
      batch.delete-many/params/dup            batch.delete-many/result/ok
      batch.get-many/params/one               batch.get-many/result/one-miss
      batch.get-many/params/empty             batch.get-many/result/empty
      batch.set-many/params/empty             batch.set-many/result/ok
      batch.delete-many/params/empty          batch.delete-many/result/ok
      batch.set-many/params/three             batch.set-many/result/ok
      batch.get-many/params/three             00030103666f6f03626172000103626172 00
      batch.delete-many/params/three          batch.delete-many/result/ok
      forget baz
      store.set/params/basic                  store.set/result/ok
      store.delete/params/basic               store.delete/result/ok
      batch.set-many/params/one               batch.set-many/result/ok
      batch.get-many/params/one               batch.get-many/result/one
      batch.delete-many/params/one            batch.delete-many/result/ok
      +store.get/params/empty-bucket          store.get/result/some-bar
      +store.get/params/both-empty            store.get/result/some-bar
      +store.get/params/utf8                  store.get/result/some-bar
      +store.get/params/key-200               store.get/result/some-bar
      store.set/params/value-70000            store.set/result/ok
      batch.set-many/params/big               batch.set-many/result/ok
      atomics.increment/params/delta-0        atomics.increment/result/ok-0
      atomics.increment/params/delta-1        atomics.increment/result/ok-1
      atomics.increment/params/delta-41       atomics.increment/result/ok-42
      forget counter
      atomics.increment/params/delta-127      atomics.increment/result/ok-127
      forget counter
      atomics.increment/params/delta-128      atomics.increment/result/ok-128
      forget counter
      atomics.increment/params/delta-300      atomics.increment/result/ok-300
      atomics.increment/params/delta-65535    00ab8204
      atomics.increment/params/delta-4294967296              00ab82848010
      atomics.increment/params/delta-9223372036854775807     error
      atomics.increment/params/delta-9223372036854775808     error
      atomics.increment/params/delta-18446744073709551615    error
      atomics.increment/params/delta-0        00ab82848010
      forget counter
      atomics.increment/params/delta-9223372036854775807     00ffffffffffffffff7f
      atomics.increment/params/delta-1        error
      forget counter
      batch.get-many/params/130               none of 130
      batch.delete-many/params/130            batch.delete-many/result/ok
      """;

  private static KeyValueFunction functionOf(String id) {
    String name = id.substring(id.indexOf('.') + 1, id.indexOf('/'));
    return Arrays.stream(KeyValueFunction.values())
        .filter(function -> function.function().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Params of one piece; cut nowhere and everywhere; none at first. */
  @ParameterizedTest(name = "max_payload {0}, first {1}, then {2}")
  @CsvSource({
    "1048576, 1000000, 1000000",
    "1048576, 0, 1",
    "1048576, 3, 2",
    "4096, 3800, 4096",
    "4096, 0, 1"
  })
  void everyVectorComesToWhatItShould(int payload, int first, int piece) {
    WrpcProvider provider = payload == SMALL_PAYLOAD ? small : roomy;
    WrpcComponent counter = provider.component("counter", "default");
    Set<String> driven = new TreeSet<>();
    for (String line : SCRIPT.split("\n")) {
      if (line.startsWith("forget ")) {
        byte[] key = new ValueWriter(0).string("default").string(line.substring(7)).toByteArray();
        expect("00", counter.call(KeyValueFunction.DELETE, key, first, piece), line);
        continue;
      }
      String id = line.substring(0, line.indexOf(' '));
      String expected = line.substring(id.length()).strip();
      if (id.startsWith("+")) {
        id = id.substring(1);
        byte[] params = WrpcVectors.call(id);
        byte[] longer = Arrays.copyOf(params, params.length + 4);
        System.arraycopy(new byte[] {3, 'b', 'a', 'r'}, 0, longer, params.length, 4);
        expect("00", counter.call(KeyValueFunction.SET, longer, first, piece), line);
        expect(expected, counter.call(functionOf(id), params, first, piece), line);
        expect("00", counter.call(KeyValueFunction.DELETE, params, first, piece), line);
      } else {
        byte[] params = WrpcVectors.call(id);
        expect(expected, counter.call(functionOf(id), params, first, piece), line);
        if (id.endsWith("big") || id.endsWith("value-70000")) big(counter, first, piece);
      }
      driven.add(id);
    }
    // where the one key lies between the cursors is the hash's business
    byte[] cursor = WrpcVectors.call("store.list-keys/params/cursor-2p63");
    expect("store.list-keys/result/empty", counter.call(KeyValueFunction.LIST_KEYS, cursor), "");
    driven.add("store.list-keys/params/cursor-2p63");
    for (JsonNode vector : WrpcVectors.of("call_vectors")) {
      String id = vector.get("id").textValue();
      if (id.contains("/params/") && !id.startsWith("watcher")) {
        assertTrue(driven.contains(id), () -> "not driven: " + id);
      }
    }
    counter.assertSilent();
  }

  /** 70,000 bytes are under {@code big}, as they were sent, and go again. */
  private static void big(WrpcComponent counter, int first, int piece) {
    ValueWriter keys = new ValueWriter(0).string("default").list(2).string("big").string("none");
    byte[] found = counter.call(KeyValueFunction.GET_MANY, keys.toByteArray(), first, piece);
    expect("batch.get-many/result/big", found, "big");
    byte[] key = new ValueWriter(0).string("default").string("big").toByteArray();
    expect("store.get/result/some-70000", counter.call(KeyValueFunction.GET, key), "big");
    expect("00", counter.call(KeyValueFunction.DELETE, key), "big");
  }

  private static void expect(String expected, byte[] result, String what) {
    HexFormat hex = HexFormat.of();
    if (expected.equals("error")) {
      assertEquals("0102", hex.formatHex(result).substring(0, 4), what);
    } else if (expected.equals("none of 130")) {
      assertEquals("008201" + "00".repeat(130), hex.formatHex(result), what);
    } else if (expected.contains("/")) {
      assertEquals(hex.formatHex(WrpcVectors.call(expected)), hex.formatHex(result), what);
    } else {
      assertEquals(expected.replace(" ", ""), hex.formatHex(result), what);
    }
  }

  @ParameterizedTest
  @CsvSource({"store.get/result/some-binary", "store.get/result/some-128"})
  void bytesComeBackAsTheyWere(String result) {
    WrpcComponent counter = component("bytes");
    byte[] key = WrpcVectors.call("store.get/params/basic");
    byte[] some = WrpcVectors.call(result);
    byte[] set = Arrays.copyOf(key, key.length + some.length - 2);
    System.arraycopy(some, 2, set, key.length, some.length - 2);
    expect("00", counter.call(KeyValueFunction.SET, set), result);
    expect(result, counter.call(KeyValueFunction.GET, key), result);
    expect("00", counter.call(KeyValueFunction.DELETE, key), result);
  }

  @Test
  void listedKeysAreThoseOfTheVectors() {
    WrpcComponent counter = component("listed");
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 130; i++) keys.add("k%03d".formatted(i));
    counter.setMany("130", keys, "v");
    WrpcComponent.Page page = counter.listKeys("130", Optional.empty());
    assertEquals(keys, page.keys().stream().sorted().toList());
    assertEquals(Optional.empty(), page.cursor());
    counter.setMany("empty key", List.of(""), "v");
    byte[] params = new ValueWriter(0).string("empty key").option(false).toByteArray();
    expect(
        "store.list-keys/result/empty-string-key",
        counter.call(KeyValueFunction.LIST_KEYS, params),
        "empty key");
  }

  /**
   * A host routes only what is linked; whoever calls past it gets no handshake, whatever it asks
   * for, and what a host takes for a failure.
   */
  @Test
  void unlinkedSourcesAreRefusedWithoutAHandshake() {
    WrpcComponent stranger = roomy.component("stranger", "default");
    WrpcComponent otherLink = roomy.component("counter", "other");
    for (KeyValueFunction function : KeyValueFunction.values()) {
      byte[] params = firstParams(function);
      assertEquals(Optional.empty(), stranger.ask(function, params), function.function());
      assertEquals(Optional.empty(), otherLink.ask(function, new byte[0]), function.function());
    }
    stranger.assertSilent();
    roomy.process.awaitLog("event=refused_call source=stranger link=default");
  }

  /** Half sent calls have 4,096 places. */
  @Test
  void halfSentCallsOfStrangersTakeNoPlace() {
    WrpcComponent counter = component("crowded");
    WrpcComponent stranger = roomy.component("stranger", "crowded");
    byte[] half = {9, 'h'};
    for (int i = 0; i < 5_000; i++) stranger.begin(KeyValueFunction.GET, "nobody." + i, half);
    assertEquals(Optional.empty(), stranger.ask(KeyValueFunction.GET, half));
    byte[] set = WrpcVectors.call("store.set/params/basic");
    expect("00", counter.call(KeyValueFunction.SET, set, 3, 2), "in parts");
  }

  /** A component that may only call has us publish nothing where it may not. */
  @Test
  void nothingIsAnsweredOnSubjectsOfOthers() throws Exception {
    WrpcComponent counter = component("victims");
    String calls = counter.subject(KeyValueFunction.GET);
    byte[] get = WrpcVectors.call("store.get/params/basic");
    String lattice = calls.substring(0, calls.indexOf('.'));
    String ours = counter.begin(KeyValueFunction.GET, get);
    counter.end(ours);
    counter.results();
    List<String> victims =
        List.of(
            "wasmbus.rpc.default.VANY.default.shutdown",
            "$SYS.REQ.USER.INFO",
            lattice + ".other.wrpc.0.0.1.x",
            "lattice.state.events.hb",
            "lattice.state.replay.link.victims.all",
            ours + ".more");
    List<Subscription> spies = victims.stream().map(ROOMY.host::subscribe).toList();
    for (String victim : victims) counter.begin(KeyValueFunction.GET, victim, get);
    assertTrue(counter.isLinked(), "and all before were looked at");
    for (Subscription spy : spies) {
      assertNull(spy.nextMessage(Duration.ofMillis(1)), spy.getSubject());
      spy.unsubscribe();
    }
    for (String victim : victims) {
      roomy.process.awaitLog("event=reply_subject_refused subject=" + victim);
    }
  }

  private static byte[] firstParams(KeyValueFunction function) {
    return WrpcVectors.call(first(function, "/params/"));
  }

  private static String first(KeyValueFunction function, String part) {
    for (JsonNode vector : WrpcVectors.of("call_vectors")) {
      String id = vector.get("id").textValue();
      if (id.contains("." + function.function() + part)) return id;
    }
    throw new IllegalArgumentException(function + part);
  }

  /** Not waited for, not guessed at, and no harm to who comes after. */
  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    "GET, 01ff00",
    "GET, 00ffffffff0f",
    "GET, ffffffff10",
    "GET, 80808080808080",
    "SET, 0000ffffffff0f",
    "EXISTS, 0003eda080",
    "DELETE, 0001c0",
    "LIST_KEYS, 0002",
    "LIST_KEYS, 0001ffffffffffffffffff02",
    "INCREMENT, 0000ffffffffffffffffff7f",
    "INCREMENT, 0000ffffffffffffffffffff01",
    "GET_MANY, 00ffffffff0f",
    "GET_MANY, 0081800400",
    "SET_MANY, 00ffffffff0f0000",
    "SET_MANY, 000101ff00",
    "DELETE_MANY, 00808010"
  })
  void malformedParamsAreAbortedAtOnce(KeyValueFunction function, String hex) {
    WrpcComponent counter = component("malformed");
    byte[] params = HexFormat.of().parseHex(hex);
    // more params, and no end of them: the answer must not wait for it
    counter.more(counter.begin(function, params), new byte[] {0});
    assertEquals(0, counter.results().length);
    assertEquals(0, counter.call(function, params, 0, 1).length);
  }

  @Test
  void malformedCallsAreLoggedOnceAndTruncatedOnesAborted() {
    WrpcComponent counter = component("truncated");
    byte[] whole = WrpcVectors.call("store.set/params/basic");
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertEquals(0, counter.call(KeyValueFunction.SET, part).length, "of " + length);
    }
    roomy.process.awaitLog("event=call_truncated");
    for (int i = 0; i < 3; i++) {
      assertEquals(0, counter.call(KeyValueFunction.GET, new byte[] {1, -1}).length);
    }
    counter.get("", "k");
    assertEquals(
        1,
        roomy
            .logLines(
                "event=call_malformed subject="
                    + counter.subject(KeyValueFunction.GET)
                    + " cause=\"a string is not UTF-8\"")
            .size());
  }

  /** Pages stay whole while keys around them come and go. */
  @Test
  void keysThatLiveThroughAScanAreListedOnce() throws Exception {
    WrpcComponent reader = component("scan");
    List<String> lasting = new ArrayList<>();
    for (int i = 0; i < 25_000; i++) lasting.add("lasting-" + i);
    for (int i = 0; i < 5; i++) {
      reader.setMany("", lasting.subList(i * 5_000, (i + 1) * 5_000), "v");
    }
    var ended = new AtomicBoolean();
    var writes = new int[1];
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              WrpcComponent other = roomy.component("counter", "scan");
              for (int i = 0; !ended.get(); i++) {
                other.set("", "fleeting-" + i, "v");
                if (i > 50) other.delete("", "fleeting-" + (i - 50));
                other.set("", lasting.get(i % lasting.size()), "w");
                writes[0]++;
              }
            });
    Map<String, Integer> seen = new HashMap<>();
    int pages = 0;
    try {
      Optional<Long> cursor = Optional.empty();
      do {
        WrpcComponent.Page page = reader.listKeys("", cursor);
        assertTrue(page.keys().size() <= 10_010, () -> page.keys().size() + " keys");
        page.keys().forEach(key -> seen.merge(key, 1, Integer::sum));
        cursor = page.cursor();
        pages++;
      } while (cursor.isPresent());
    } finally {
      ended.set(true);
      writer.join();
    }
    assertTrue(pages >= 3 && writes[0] > 0, pages + " pages, " + writes[0] + " writes");
    for (String key : lasting) assertEquals(1, seen.getOrDefault(key, 0), key);
    assertTrue(seen.values().stream().allMatch(count -> count == 1), "a key was listed twice");
  }
}
