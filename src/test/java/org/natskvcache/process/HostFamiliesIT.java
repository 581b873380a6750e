package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.texts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;

/** The host data of every host family, and every operation, through a real process. */
class HostFamiliesIT {
  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Elixir hosts keep our standard input open, Rust hosts close it; neither way means anything. */
  @ParameterizedTest(name = "{0}, stdin {1}")
  @CsvSource({
    "otp-0.50.0, open",
    "otp-0.50.0, closed",
    "otp-0.54, open",
    "otp-0.57.2-to-0.60, open",
    "otp-0.63, open",
    "rust-0.78, closed",
    "rust-0.82, closed",
    "rust-0.82, open"
  })
  void everyOperationWorks(String family, String stdin) {
    HostDataLine hostData = HostDataLine.ofFamily(family, fixture.nats);
    boolean open = stdin.equals("open");
    var process = ProviderProcess.start(Map.of(), open ? null : hostData.line());
    Provider provider = fixture.open(new Provider(fixture.host, hostData, process));
    if (open) {
      process.write(hostData.line());
    }
    if (!hostData.hasLinks()) {
      provider.awaitHealth(true, "no links");
      assertTrue(provider.calls.error("Get", text("k")).contains("unlinked actor"));
      provider.link(Provider.ACTOR, Map.of("NATS_URL", fixture.nats.url()));
    }
    provider.awaitHealth(true, "link default: live, peers=0");
    exerciseEveryOperation(provider.calls);
    process.write("what follows the first line means nothing\n");
    process.closeInput();
    assertEquals(Optional.empty(), provider.calls.get("k"));
    assertTrue(process.isAlive(), "the end of standard input means nothing");
    assertEquals(List.of(), process.output());
    for (String line : process.log()) {
      assertEquals(hostData.structuredLogging(), isJsonObject(line), line);
    }
  }

  /** Hosts before 0.59 send nothing but a subject for the answer. */
  @Test
  void hostsThatNameNobodyStopIt() {
    HostDataLine hostData = HostDataLine.ofFamily("otp-0.50.0", fixture.nats);
    Provider provider = fixture.start(hostData);
    provider.shutDown("");
    assertEquals(0, provider.process.awaitExit());
  }

  private static boolean isJsonObject(String line) {
    try {
      return new ObjectMapper().readTree(line).isObject();
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  private static void exerciseEveryOperation(KeyValueClient calls) {
    stringsAndCounters(calls);
    lists(calls);
    sets(calls);
    mistakes(calls);
  }

  private static void stringsAndCounters(KeyValueClient calls) {
    assertEquals(Optional.empty(), calls.get("k"));
    calls.set("k", "Alice");
    assertEquals(Optional.of("Alice"), calls.get("k"));
    calls.set("k", "");
    assertEquals(Optional.of(""), calls.get("k"));
    assertTrue(calls.contains("k"));
    assertTrue(calls.delete("k"));
    assertFalse(calls.delete("k"));
    assertFalse(calls.contains("k"));
    calls.set("key . with * > \0 and 😀", "…", 4_294_967_295L);
    assertEquals(Optional.of("…"), calls.get("key . with * > \0 and 😀"));
    assertEquals(25, calls.increment("n", 25));
    assertEquals(-275, calls.increment("n", -300));
    assertEquals(Optional.of("-275"), calls.get("n"));
    calls.set("n", "41");
    assertEquals(42, calls.increment("n", 1));
  }

  private static void lists(KeyValueClient calls) {
    assertEquals(1, calls.listAdd("l", "a"));
    assertEquals(2, calls.listAdd("l", "b"));
    assertEquals(3, calls.listAdd("l", "a"));
    assertEquals(List.of("a", "b", "a"), calls.listRange("l", 0, 100));
    assertEquals(List.of("b"), calls.listRange("l", 1, 1));
    assertEquals(List.of("b", "a"), calls.listRange("l", -2, -1));
    assertEquals(List.of(), calls.listRange("l", 2, 1));
    assertTrue(calls.listRemove("l", "a"));
    assertEquals(List.of("b", "a"), calls.list("l"));
    assertFalse(calls.listRemove("l", "c"));
    assertTrue(calls.listClear("l"));
    assertFalse(calls.listClear("l"));
    assertFalse(calls.contains("l"));
  }

  private static void sets(KeyValueClient calls) {
    assertEquals(1, calls.setAdd("s", "x"));
    assertEquals(0, calls.setAdd("s", "x"));
    assertEquals(1, calls.setAdd("s", "y"));
    assertEquals(1, calls.setAdd("t", "y"));
    assertEquals(1, calls.setAdd("t", "z"));
    assertEquals(List.of("x", "y"), calls.members("s"));
    assertEquals(List.of("x", "y", "z"), calls.union("s", "t", "missing"));
    assertEquals(List.of("y"), calls.intersection("s", "t"));
    assertEquals(List.of(), calls.intersection("s", "missing"));
    assertEquals(1, calls.setRemove("s", "x"));
    assertEquals(0, calls.setRemove("s", "x"));
    assertTrue(calls.setClear("t"));
    assertFalse(calls.setClear("t"));
    assertEquals(List.of(), calls.members("t"));
  }

  private static void mistakes(KeyValueClient calls) {
    assertTrue(calls.error("Get", text("s")).contains("wrong type"));
    assertTrue(
        calls.error("ListAdd", struct("listName", "s", "value", "x")).contains("wrong type"));
    assertTrue(calls.error("SetUnion", texts("s", "n")).contains("wrong type"));
    assertTrue(calls.error("SetUnion", texts()).contains("wrong number of arguments"));
    assertTrue(calls.error("Increment", text("not a struct")).contains("deserialization"));
    assertTrue(calls.error("Frobnicate", text("k")).contains("method not handled"));
    calls.set("n", "007");
    assertTrue(calls.error("Increment", struct("key", "n", "value", 1)).contains("integer"));
    calls.increment("big", Integer.MAX_VALUE);
    assertTrue(calls.error("Increment", struct("key", "big", "value", 1)).contains("overflow"));
    assertEquals(Optional.of("2147483647"), calls.get("big"));
  }

  @Test
  void expiredKeysAreGone() {
    Provider provider = fixture.start(Map.of());
    provider.calls.set("fleeting", "1", 1);
    provider.calls.set("prolonged", "1", 1);
    provider.calls.set("prolonged", "2", 0);
    assertTrue(provider.calls.contains("fleeting"));
    until("its end", () -> !provider.calls.contains("fleeting"));
    assertEquals(Optional.of("2"), provider.calls.get("prolonged"));
  }

  /** Configuration that the operator gave the host is the default of every link. */
  @Test
  void configurationReplicatesALinkWithoutValues() {
    HostDataLine hostData =
        fixture
            .hostData()
            .with("config_json", "{\"nats_url\": \"127.0.0.1:" + fixture.nats.port() + "\"}")
            .withLink(Provider.ACTOR, Map.of());
    fixture.launch(hostData).awaitHealth(true, "link default: live");
  }

  @Test
  void onlyClaimsOfTheClustersKeysCount() {
    HostDataLine hostData = HostDataLine.ofFamily("rust-0.82", fixture.nats);
    Provider provider = fixture.start(hostData);
    for (JsonNode vector : Vectors.startingWith("invocation.invalid.")) {
      SigningCaller.Response refusal = provider.send(Vectors.bytes(vector));
      assertNotEquals("", refusal.error(), () -> "accepted " + vector.get("id"));
    }
    assertEquals("", provider.send(Vectors.bytes("invocation.rust-0.78+")).error());
    assertEquals(
        "unlinked actor: 'MSTRANGER'", provider.callsOf("MSTRANGER").error("Get", text("k")));
  }
}
