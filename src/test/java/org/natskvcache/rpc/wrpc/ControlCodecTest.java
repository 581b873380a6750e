package org.natskvcache.rpc.wrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.store.Bytes;

class ControlCodecTest {
  private static final JsonNode MESSAGES = WrpcVectors.of("control_messages");
  private static final LinkSecrets KEYS =
      LinkSecrets.of(
          WrpcVectors.of("xkey").get("keys").get(1).get("public").textValue(),
          WrpcVectors.of("xkey").get("keys").get(0).get("seed").textValue());

  private static byte[] message(String name) {
    return MESSAGES.get(name).textValue().getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void linkIsReadAndItsSecretsOpen() throws Exception {
    InterfaceLink link = ControlCodec.link(message("linkdefs_put"));
    assertEquals("counter", link.source());
    assertEquals("kv-cache", link.target());
    assertEquals("default", link.name());
    assertTrue(link.isOfKeyValue());
    assertEquals(List.of("store", "atomics", "batch"), link.interfaces());
    assertEquals(Map.of(), link.sourceConfig());
    assertEquals(Map.of("bucket", "users", "ttl_ms", "60000"), link.targetConfig());
    assertEquals(Map.of(), KEYS.open(link.sourceSecrets()));
    // its other secret is bytes that are no text
    assertEquals(Map.of("password", "s3cr3t"), KEYS.open(link.targetSecrets()));
    assertFalse(link.toString().contains("users"), link::toString);
  }

  /** As wasmCloud 1.9.2 writes it. */
  @Test
  void listedLinksAreReadWithNamesForValues() throws Exception {
    String listed =
        "{\"source_id\":\"counter\",\"target\":\"kv-cache\",\"name\":\"default\",\"wit_namespace\":\"wasi\","
            + "\"wit_package\":\"keyvalue\",\"interfaces\":[\"store\"],\"source_config\":[],\"target_config\":[\"cache\",\"SECRET_s\"]}";
    List<ListedLink> links = ControlCodec.links(success("[" + listed + "]"));
    assertEquals(1, links.size());
    ListedLink link = links.getFirst();
    assertEquals(List.of(), link.sourceConfig());
    assertEquals(List.of("cache", "SECRET_s"), link.targetConfig());
    assertTrue(ListedLink.isPublic("cache"));
    assertFalse(ListedLink.isPublic("SECRET_s"));
    InterfaceLink rebuilt = link.with(Map.of(), Map.of("k", "v"));
    assertEquals("counter", rebuilt.source());
    assertEquals(List.of("store"), rebuilt.interfaces());
    assertEquals(Map.of("k", "v"), rebuilt.targetConfig());
    assertEquals(List.of(), ControlCodec.links(success("[]")));
    String good =
        "{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"wasi\",\"wit_package\":\"keyvalue\"}";
    String bad = good.replace("\"b\"", "null");
    assertEquals(1, ControlCodec.links(success("[7,{}," + bad + "," + good + "]")).size());
  }

  @Test
  void namedConfigurationsAreRead() throws Exception {
    assertEquals(
        Optional.of(Map.of("NATS_URL", "nats://h")),
        ControlCodec.namedConfig(success("{\"NATS_URL\":\"nats://h\"}")));
    assertEquals(
        Optional.empty(),
        ControlCodec.namedConfig(
            bytes("{\"success\":true,\"message\":\"Configuration not found\"}")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "null",
        "{\"success\":false,\"message\":\"x\",\"response\":[]}",
        "{\"success\":true,\"response\":{}}"
      })
  void otherAnswersAreNoListOfLinks(String answer) {
    assertThrows(MalformedMessageException.class, () -> ControlCodec.links(bytes(answer)));
  }

  private static byte[] success(String response) {
    return bytes("{\"success\":true,\"message\":\"\",\"response\":" + response + "}");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void deletedLinkIsRead() throws Exception {
    InterfaceLink link = ControlCodec.link(message("linkdefs_del"));
    assertEquals("counter", link.source());
    assertEquals(Map.of(), link.targetConfig());
    assertEquals(Bytes.EMPTY, link.targetSecrets());
  }

  @Test
  void leftOutMembersHaveTheirDefaults() throws Exception {
    InterfaceLink link =
        link(
            "{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"x\",\"wit_package\":\"y\"}");
    assertEquals("default", link.name());
    assertEquals(List.of(), link.interfaces());
    assertFalse(link.isOfKeyValue());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{ | not a JSON object",
        "[] | not a JSON object",
        "'' | not a JSON object",
        "{} | source_id is missing",
        "{\"source_id\":\"\"} | source_id is missing",
        "{\"source_id\":\"a\",\"target\":\"b\"} | wit_namespace is missing",
        "{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"x\",\"wit_package\":\"y\",\"target_config\":5} | target_config is not an object",
        "{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"x\",\"wit_package\":\"y\",\"target_secrets\":\"eGt2MQ==\"} | target_secrets is not a list of bytes",
        "{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"x\",\"wit_package\":\"y\",\"target_secrets\":[1,-1]} | target_secrets holds something else than bytes",
        "{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"x\",\"wit_package\":\"y\",\"target_secrets\":[1.5]} | target_secrets holds something else than bytes",
      })
  void brokenLinksAreOneClearSentence(String json, String sentence) {
    assertEquals(
        sentence, assertThrows(MalformedMessageException.class, () -> link(json)).getMessage());
  }

  private static InterfaceLink link(String json) throws MalformedMessageException {
    return ControlCodec.link(json.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void secretsThatDoNotOpenOrMakeNoSenseAreNamedWithoutContent() {
    var e =
        assertThrows(MalformedMessageException.class, () -> KEYS.open(Bytes.utf8("xkv1 hidden")));
    assertEquals("its secrets do not open", e.getMessage());
    e =
        assertThrows(
            MalformedMessageException.class, () -> ControlCodec.secrets(Bytes.utf8("hidden")));
    assertFalse(e.getMessage().contains("hidden"));
    e =
        assertThrows(
            MalformedMessageException.class,
            () -> ControlCodec.secrets(Bytes.utf8("{\"a\":{\"kind\":\"hidden\",\"value\":1}}")));
    assertFalse(e.getMessage().contains("hidden"));
  }

  @Test
  void secretsAreTextWhateverTheirKind() throws Exception {
    assertEquals(
        Map.of("a", "text", "b", "hé"),
        ControlCodec.secrets(
            Bytes.utf8(
                "{\"a\":{\"kind\":\"String\",\"value\":\"text\"},"
                    + "\"b\":{\"kind\":\"Bytes\",\"value\":[104,195,169]}}")));
  }

  @Test
  void healthIsAsHostsReadIt() {
    assertEquals(
        MESSAGES.get("health_response_ok").textValue(),
        new String(ControlCodec.health(true, ""), StandardCharsets.UTF_8));
    assertEquals(
        MESSAGES.get("health_response_bad").textValue(),
        new String(ControlCodec.health(false, "replica not caught up"), StandardCharsets.UTF_8));
  }

  @Test
  void shutdownIsForTheHostItNames() {
    byte[] request = message("shutdown_request");
    assertTrue(
        ControlCodec.isShutdownOf(
            "NASUHOJP6EEVKEKHNLOIG2O3NXOJGNTFUEMXRXNBIBHOCBTMVFKZ3YKM", request));
    assertFalse(ControlCodec.isShutdownOf("NOTHER", request));
    assertFalse(ControlCodec.isShutdownOf("", request));
    assertFalse(
        ControlCodec.isShutdownOf("", "{\"host_id\":\"\"}".getBytes(StandardCharsets.UTF_8)));
    assertFalse(ControlCodec.isShutdownOf("N", new byte[0]));
    assertFalse(ControlCodec.isShutdownOf("N", new byte[] {1, 2}));
    assertEquals(MESSAGES.get("shutdown_reply_text").textValue(), ControlCodec.SHUTDOWN_REPLY);
  }

  @Test
  void configurationIsRead() throws Exception {
    assertEquals(Map.of("max_bytes", "536870912"), ControlCodec.config(message("config_update")));
    assertThrows(MalformedMessageException.class, () -> ControlCodec.config(new byte[] {'['}));
  }
}
