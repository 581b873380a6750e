package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.store.Bytes;

/** Envelopes of the contract against their golden vectors. */
class InvocationTest {
  static Stream<Arguments> invocations() {
    return named(Vectors.startingWith("invocation.").stream());
  }

  static Stream<Arguments> urls() {
    return Vectors.entries("entity_urls").map(v -> Arguments.of(v.get("url").textValue(), v));
  }

  static Stream<Arguments> hashes() {
    return Vectors.entries("invocation_hash")
        .map(v -> Arguments.of(v.get("operation").textValue(), v));
  }

  static Stream<Arguments> links() {
    return named(Vectors.startingWith("linkdef.").stream());
  }

  static Stream<Arguments> responses() {
    // the others are forms that we do not send: a traceContext, a missing length
    List<String> sent =
        List.of(
            "response.ok",
            "response.ok.empty",
            "response.error",
            "response.undecodable-request",
            "response.chunked");
    return named(sent.stream().map(Vectors::vector));
  }

  private static Stream<Arguments> named(Stream<JsonNode> vectors) {
    return vectors.map(v -> Arguments.of(v.get("id").textValue(), v));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("invocations")
  void invocationsDecode(String id, JsonNode vector) throws Exception {
    JsonNode value = vector.get("value");
    Invocation call = Invocation.decode(Vectors.bytes(vector));
    assertEquals(entity(value.get("origin")), call.origin());
    assertEquals(entity(value.get("target")), call.target());
    assertEquals(value.get("operation").textValue(), call.operation());
    assertEquals(
        value.get("msg").get("$bin").textValue(), HexFormat.of().formatHex(call.msg().array()));
    assertEquals(value.get("id").textValue(), call.id());
    assertEquals(value.get("encoded_claims").textValue(), call.encodedClaims());
    assertEquals(value.get("host_id").textValue(), call.hostId());
    assertEquals(
        value.path("content_length").asLong(Invocation.NO_CONTENT_LENGTH), call.contentLength());
    assertEquals(id.equals("invocation.chunked"), call.bodyElsewhere());
  }

  @Test
  void everyTruncatedInvocationIsATypedFailure() {
    byte[] whole = Vectors.bytes("invocation.rust-0.78+.traced");
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThrows(MessagePackException.class, () -> Invocation.decode(part), "length " + length);
    }
  }

  @Test
  void bytesAfterTheInvocationAreIgnored() throws Exception {
    byte[] whole = Vectors.bytes("invocation.rust-0.78+");
    assertEquals(
        Invocation.decode(whole), Invocation.decode(Arrays.copyOf(whole, whole.length + 3)));
  }

  @Test
  void invocationByPosition() throws Exception {
    Invocation call = SigningCaller.ofFixture().signed("KeyValue.Get", SigningCaller.text("k"));
    var out = new MessagePackWriter(100).arrayHeader(7);
    for (Entity e : List.of(call.origin(), call.target())) {
      out.arrayHeader(3).text(e.publicKey()).text(e.linkName()).text(e.contractId());
    }
    out.text(call.operation())
        .blob(call.msg().array())
        .text(call.id())
        .text(call.encodedClaims())
        .text(call.hostId());
    Invocation read = Invocation.decode(out.toByteArray());
    assertEquals(call.encodedClaims(), read.encodedClaims());
    assertEquals(Invocation.NO_CONTENT_LENGTH, read.contentLength());
  }

  @Test
  void hostsThatSendNoLengthFetchNothing() throws Exception {
    assertFalse(Invocation.decode(Vectors.bytes("invocation.otp-0.50-to-0.52")).callerFetches());
    Invocation elixir = Invocation.decode(Vectors.bytes("invocation.otp-0.53+"));
    assertTrue(elixir.callerFetches() && elixir.callerMayUseRawNames());
    Invocation rust = Invocation.decode(Vectors.bytes("invocation.rust-0.78+"));
    assertTrue(rust.callerFetches() && !rust.callerMayUseRawNames());
  }

  @Test
  void missingPartiesAndNilsAreFailures() {
    byte[] noTarget =
        new MessagePackWriter(9)
            .mapHeader(1)
            .text("origin")
            .mapHeader(1)
            .text("contract_id")
            .text("")
            .toByteArray();
    assertThrows(MessagePackException.class, () -> Invocation.decode(noTarget));
    byte[] noContract =
        new MessagePackWriter(9)
            .mapHeader(1)
            .text("origin")
            .mapHeader(1)
            .text("public_key")
            .text("M")
            .toByteArray();
    var e = assertThrows(MessagePackException.class, () -> Invocation.decode(noContract));
    assertEquals("missing field contract_id", e.getMessage());
    byte[] nilOrigin = new MessagePackWriter(9).mapHeader(1).text("origin").nil().toByteArray();
    assertThrows(MessagePackException.class, () -> Invocation.decode(nilOrigin));
    for (byte[] other :
        new byte[][] {{}, {(byte) 0xc0}, {(byte) 0xc3}, {1}, "junk".getBytes(), new byte[4096]}) {
      assertThrows(MessagePackException.class, () -> Invocation.decode(other));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("urls")
  void entityUrls(String url, JsonNode vector) {
    Entity entity = entity(vector.get("entity"));
    assertEquals(url, entity.url());
    JsonNode with = vector.get("with_operation");
    if (with != null) {
      assertEquals(with.get("url").textValue(), entity.url(with.get("operation").textValue()));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hashes")
  void invocationHashes(String operation, JsonNode vector) {
    String contract =
        vector.get("target_url").textValue().contains("/keyvalue/")
            ? "wasmcloud:keyvalue"
            : "wasmcloud:testoperation";
    Entity origin = new Entity(Vectors.key("actor_public"), "", "");
    Entity target = new Entity(Vectors.key("provider_public"), "default", contract);
    Bytes msg = new Bytes(HexFormat.of().parseHex(vector.get("msg_hex").textValue()));
    assertEquals(vector.get("origin_url").textValue(), origin.url());
    assertEquals(vector.get("target_url").textValue(), target.url(operation));
    assertEquals(
        vector.get("sha256_upper_hex").textValue(),
        new Invocation(origin, target, operation, msg, "", "", "", 0).hash());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("responses")
  void responsesEncodeByteForByte(String id, JsonNode vector) {
    JsonNode value = vector.get("value");
    Bytes msg = new Bytes(HexFormat.of().parseHex(value.get("msg").get("$bin").textValue()));
    var response =
        new InvocationResponse(
            value.get("invocation_id").textValue(),
            msg,
            value.get("content_length").longValue(),
            value.path("error").textValue());
    assertArrayEquals(Vectors.bytes(vector), response.encode());
  }

  @Test
  void strictestHostReadsEveryResponse() throws Exception {
    var ok = SigningCaller.Response.decode(InvocationResponse.ok("id", Bytes.utf8("abc")).encode());
    assertEquals(3, ok.contentLength());
    assertEquals("", ok.error());
    var error = SigningCaller.Response.decode(InvocationResponse.error("", "no").encode());
    assertEquals(0, error.contentLength());
    assertEquals("no", error.error());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("links")
  void linkDefinitionsDecode(String id, JsonNode vector) throws Exception {
    JsonNode value = vector.get("value");
    LinkDefinition link = LinkDefinitionCodec.decode(Vectors.bytes(vector));
    assertEquals(value.get("actor_id").textValue(), link.actorId());
    assertEquals(value.get("provider_id").textValue(), link.providerId());
    assertEquals(value.get("link_name").textValue(), link.linkName());
    assertEquals(value.get("contract_id").textValue(), link.contractId());
    Map<String, String> values =
        id.endsWith("no-values")
            ? Map.of()
            : Map.of("NATS_URL", value.get("values").get("NATS_URL").textValue());
    assertEquals(values, link.values());
  }

  @Test
  void linkDefinitionPrintsWithoutItsValues() {
    var link = new LinkDefinition("M", "V", "default", "c", Map.of("CLIENT_SEED", "SUSECRET"));
    assertFalse(link.toString().contains("SUSECRET"), link::toString);
  }

  @Test
  void brokenLinkDefinitionsAreFailures() {
    byte[] whole = Vectors.bytes("linkdef.put.rust-0.78+");
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThrows(MessagePackException.class, () -> LinkDefinitionCodec.decode(part));
    }
    byte[] nilActor = new MessagePackWriter(9).mapHeader(1).text("actor_id").nil().toByteArray();
    assertThrows(MessagePackException.class, () -> LinkDefinitionCodec.decode(nilActor));
  }

  @Test
  void healthResponsesEncodeByteForByte() throws Exception {
    assertArrayEquals(Vectors.bytes("health.response.ok"), new HealthResponse(true, "").encode());
    var failing = new HealthResponse(false, "replication subject not subscribed");
    assertArrayEquals(Vectors.bytes("health.response.fail"), failing.encode());
    assertEquals(failing, HealthResponse.decode(failing.encode()));
  }

  @Test
  void shutdownIsForTheHostItNames() {
    String us = Vectors.key("host_public");
    byte[] named = Vectors.bytes("shutdown.request.otp-0.59+");
    for (boolean namesItself : new boolean[] {false, true}) {
      assertTrue(ShutdownRequest.isFor(us, namesItself, named));
      assertFalse(ShutdownRequest.isFor("NOTHERHOST", namesItself, named));
      assertFalse(ShutdownRequest.isFor("", namesItself, named), "no host started it");
    }
  }

  /** Hosts before 0.59 name nobody; a message that names nobody is nothing from a later one. */
  @Test
  void shutdownThatNamesNobodyIsForThoseWhoseHostMayBeTooOldToNameItself() {
    String us = Vectors.key("host_public");
    assertEquals(0, Vectors.bytes("shutdown.request.otp-0.50-to-0.58").length);
    for (String body :
        List.of(
            "", "{\"host_id\":\"\"}", "{}", "[]", "null", "not json", "{\"host_id\":", "\0\0")) {
      assertTrue(ShutdownRequest.isFor(us, false, body.getBytes()), body);
      assertFalse(ShutdownRequest.isFor(us, true, body.getBytes()), body);
      assertFalse(ShutdownRequest.isFor("", false, body.getBytes()), body);
    }
    assertArrayEquals(Vectors.bytes("shutdown.reply"), ShutdownRequest.REPLY.getBytes());
  }

  private static Entity entity(JsonNode node) {
    return new Entity(
        node.get("public_key").textValue(),
        node.get("link_name").textValue(),
        node.get("contract_id").textValue());
  }
}
