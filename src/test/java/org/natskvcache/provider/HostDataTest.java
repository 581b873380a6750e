package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.rpc.wrpc.InterfaceLink;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.store.Bytes;

class HostDataTest {
  static Stream<Arguments> families() {
    return Vectors.startingWith("hostdata.").stream()
        .map(v -> Arguments.of(v.get("id").textValue(), v));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("families")
  void everyHostFamilyIsRead(String id, JsonNode vector) throws Exception {
    HostData data = HostData.read(new ByteArrayInputStream(Vectors.bytes(vector)));
    JsonNode json = vector.get("value");
    assertEquals(json.path("host_id").asText(""), data.hostId());
    assertEquals(json.path("lattice_rpc_prefix").asText(""), data.lattice());
    assertEquals(json.path("link_name").asText(""), wasmbus(data).linkName());
    assertEquals(json.path("provider_key").asText(""), data.providerKey());
    assertEquals(json.path("instance_id").asText(""), data.instanceId());
    assertEquals(json.get("link_definitions").size(), wasmbus(data).links().size());
    assertEquals(json.get("cluster_issuers").size(), wasmbus(data).clusterIssuers().size());
    assertEquals(json.path("js_domain").asText(""), wasmbus(data).jetStreamDomain());
    boolean namesItself = id.endsWith("otp-0.63") || id.contains("rust");
    assertEquals(namesItself, wasmbus(data).hostNamesItself(), "others may be too old to");
    boolean flag =
        Stream.of("structured_logging", "enable_structured_logging", "structured_logging_enabled")
            .anyMatch(name -> json.path(name).asBoolean());
    assertEquals(flag, data.structuredLogging());
    assertEquals(json.path("log_level").asText(""), data.logLevel());
    if (!id.equals("hostdata.minimal")) {
      assertEquals(data, data.checkedForStart());
    }
  }

  @Test
  void linksAndConfigurationAreThere() throws Exception {
    HostData data = HostData.read(new ByteArrayInputStream(Vectors.bytes("hostdata.otp-0.63")));
    assertEquals(
        Map.of("NATS_URL", "nats://127.0.0.1:4222"), wasmbus(data).links().getFirst().values());
    assertEquals(Vectors.key("actor_public"), wasmbus(data).links().getFirst().actorId());
    assertEquals(Map.of("K1", "V1"), data.config());
    assertEquals(Set.of(Vectors.key("cluster_public")), wasmbus(data).clusterIssuers());
    assertEquals("[nats://127.0.0.1:4222]", data.latticeServers().toString());
  }

  @Test
  void urlWithoutSchemeIsNats() throws Exception {
    HostData data = HostData.read(new ByteArrayInputStream(Vectors.bytes("hostdata.otp-0.50.0")));
    assertEquals("nats://0.0.0.0:4222", data.latticeServers().getFirst().url());
    assertEquals("nats://127.0.0.1:4222", read("{}").latticeServers().getFirst().url());
    assertEquals(
        "tls://n:4443",
        read("{\"lattice_rpc_url\":\"tls://n:4443\"}").latticeServers().getFirst().url());
  }

  @Test
  void onlyTheFirstLineIsRead() throws Exception {
    byte[] line = Vectors.bytes("hostdata.rust-0.82");
    assertEquals("0d0a", HexFormat.of().formatHex(line, line.length - 2, line.length));
    byte[] more = new byte[line.length + 20_000];
    System.arraycopy(line, 0, more, 0, line.length);
    assertEquals(
        HostData.read(new ByteArrayInputStream(line)),
        HostData.read(new ByteArrayInputStream(more)));
  }

  @Test
  void nothingIsAwaitedAfterTheLine() throws Exception {
    // an Elixir host keeps the pipe open: a read after the line would block for ever
    var line = new ByteArrayInputStream(Vectors.bytes("hostdata.otp-0.63"));
    var open =
        new InputStream() {
          @Override
          public int read() {
            throw new AssertionError("reads are whole");
          }

          @Override
          public int read(byte[] into, int from, int length) {
            int read = line.read(into, from, Math.min(length, 100));
            if (read < 0) throw new AssertionError("read past the line");
            return read;
          }
        };
    assertEquals("default", HostData.read(open).lattice());
  }

  @Test
  void lineMayEndWithTheStreamAndHaveSpaceAround() throws Exception {
    String line = Vectors.vector("hostdata.otp-0.63").get("line").textValue();
    assertEquals("default", HostData.read(stream("  " + line + " \t")).lattice());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | no host data on standard input",
        "'   ' | no host data on standard input",
        "'\nabcd' | no host data on standard input",
        "'not base64!' | host data is not base64",
        "'e30' | ''", // {} without padding is fine
        "'bm90IGpzb24=' | host data is not a JSON object",
        "'W10=' | host data is not a JSON object",
        "'bnVsbA==' | host data is not a JSON object",
        "'eyJhIjo=' | host data is not a JSON object",
      })
  void brokenLinesAreOneClearSentence(String line, String sentence) throws Exception {
    if (sentence.isEmpty()) {
      HostData.read(stream(line));
      return;
    }
    var e = assertThrows(HostDataException.class, () -> HostData.read(stream(line)));
    assertTrue(e.getMessage().startsWith(sentence), e::getMessage);
    assertFalse(e.getMessage().contains("\n"));
  }

  @Test
  void endlessLineIsRefused() {
    var endless =
        new InputStream() {
          @Override
          public int read() {
            return 'A';
          }
        };
    var e = assertThrows(HostDataException.class, () -> HostData.read(endless));
    assertTrue(e.getMessage().contains("longer than"), e::getMessage);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"config\":{}}",
        "{\"host_xkey_public_key\":\"X\"}",
        "{\"link_definitions\":[{\"source_id\":\"a\",\"target\":\"b\",\"wit_namespace\":\"wasi\",\"wit_package\":\"keyvalue\"}]}"
      })
  void whatOnlyHostsSinceOneWriteMakesItTheirs(String json) throws Exception {
    wrpc(read(json));
  }

  @Test
  void hostDataOfNineteenIsRead() throws Exception {
    JsonNode vector = WrpcVectors.of("host_data");
    HostData data = HostData.read(stream(vector.get("stdin_line").textValue())).checkedForStart();
    assertEquals("NASUHOJP6EEVKEKHNLOIG2O3NXOJGNTFUEMXRXNBIBHOCBTMVFKZ3YKM", data.hostId());
    assertEquals("default", data.lattice());
    assertEquals("kv-cache", data.providerKey());
    assertEquals("6f9619ff-8b86-4d01-b42d-00c04fc964ff", data.instanceId());
    assertEquals("[nats://127.0.0.1:4222]", data.latticeServers().toString());
    assertEquals(Map.of("max_bytes", "268435456"), data.config());
    assertEquals(Map.of("admin", "hunter2"), data.secrets());
    assertEquals("info", data.logLevel());
    assertFalse(data.structuredLogging());
    assertEquals("XBUJMZHVOPQ2SK5VD3TY4VNBPVU2YFGRLK6EFPEPSMVDUYEBSROWZCEA", wrpc(data).hostXkey());
    assertEquals(1, wrpc(data).links().size());
    InterfaceLink link = wrpc(data).links().getFirst();
    assertEquals("counter", link.source());
    assertEquals("kv-cache", link.target());
    assertEquals(List.of("store", "atomics", "batch"), link.interfaces());
    assertEquals(Map.of("bucket", "users", "ttl_ms", "60000"), link.targetConfig());
    assertEquals(0, link.sourceSecrets().size());
    assertTrue(link.targetSecrets().startsWith(Bytes.utf8("xkv1")));
    assertFalse(data.toString().contains("hunter2"), data::toString);
    assertFalse(data.toString().contains("SXAH"), data::toString);
  }

  @Test
  void nullsAndMissingFieldsAreEmpty() throws Exception {
    HostData data =
        read(
            """
            {"host_id":null,"lattice_rpc_prefix":null,"link_definitions":null,"cluster_issuers":null,"env_values":null,
             "config_json":null,"log_level":null,"js_domain":null,"structured_logging":null,"lattice_rpc_user_seed":null}\
            """);
    assertEquals(read("{}"), data);
    assertEquals("", data.hostId());
    assertEquals(List.of(), wasmbus(data).links());
    assertEquals("", wasmbus(data).jetStreamDomain());
    assertEquals("hub", wasmbus(read("{\"js_domain\":\"hub\"}")).jetStreamDomain());
    assertEquals(Map.of(), data.config());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"structured_logging", "enable_structured_logging", "structured_logging_enabled"})
  void everyNameOfTheLoggingFlagCounts(String name) throws Exception {
    assertTrue(read("{\"" + name + "\":true}").structuredLogging());
    assertTrue(read("{\"" + name + "\":\"true\"}").structuredLogging());
    assertFalse(read("{\"" + name + "\":false}").structuredLogging());
    assertFalse(read("{\"" + name + "\":\"false\"}").structuredLogging());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"{\\\"a\\\":\\\"b\\\"}\" | {a=b}",
        "{\"a\":\"b\"} | {a=b}",
        "\"\" | {}",
        "\" \" | {}",
        "null | {}",
        "{\"a\":5,\"b\":true,\"c\":null,\"d\":{\"e\":1}} | {a=5, b=true, d={\"e\":1}}"
      })
  void configurationIsTextOrObject(String json, String expected) throws Exception {
    assertEquals(expected, read("{\"config_json\":" + json + "}").config().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'actor_id':'M','link_name':'a','values':{}} | {'values':[]} | values of a link is not an object",
        "{'source_id':'c','target':'p','name':'a','wit_namespace':'wasi','wit_package':'keyvalue'} | {'source_id':7} | target is missing"
      })
  void linkThatCannotBeReadIsLeftOutAndTold(String good, String bad, String reason)
      throws Exception {
    String json = "{'link_definitions':[" + good + "," + bad + "," + good + "]}";
    HostData data = read(json.replace('\'', '"'));
    int links =
        switch (data.contract()) {
          case HostData.Contract.Wasmbus wasmbus -> wasmbus.links().size();
          case HostData.Contract.Wrpc wrpc -> wrpc.links().size();
        };
    assertEquals(2, links);
    assertEquals(
        List.of("link 2 of the host data cannot be read: " + reason), data.malformedLinks());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"config_json\":\"{secret\"} | config_json is not JSON",
        "{\"config_json\":[]} | host data: config_json is not an object",
        "{\"config_json\":\"[]\"} | host data: config_json is not an object",
        "{\"link_definitions\":{}} | host data: link_definitions is not a list",
        "{\"cluster_issuers\":\"C\"} | host data: cluster_issuers is not a list",
        "{\"lattice_rpc_url\":\"http://user:secret@h\"} | lattice_rpc_url is wrong: the scheme http is none of nats, tls, ws, wss",
      })
  void wrongTypesAreOneClearSentence(String json, String sentence) {
    assertEquals(sentence, assertThrows(HostDataException.class, () -> read(json)).getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | host data lacks lattice_rpc_prefix, link_name, provider_key",
        "{\"lattice_rpc_prefix\":\"a\",\"link_name\":\"b\"} | host data lacks provider_key",
        "{\"lattice_rpc_prefix\":\"a\",\"link_name\":\"b c\",\"provider_key\":\"V\"} | the subject of lattice_rpc_prefix, link_name, provider_key holds white space or a control character",
        "{\"lattice_rpc_prefix\":\"*\",\"link_name\":\"b\",\"provider_key\":\"V\"} | the subject of lattice_rpc_prefix, link_name, provider_key holds a wildcard",
        "{\"lattice_rpc_prefix\":\"a\",\"link_name\":\"b\",\"provider_key\":\"V\",\"lattice_rpc_user_seed\":\"SUX\"} | lattice_rpc_user_seed is not the seed of a user (SU...)",
      })
  void startNeedsASubjectAndAUsableSeed(String json, String sentence) throws Exception {
    HostData data = read(json);
    assertEquals(
        sentence, assertThrows(HostDataException.class, data::checkedForStart).getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"config\":[]} | host data: config is not an object",
        "{\"config\":{},\"secrets\":7} | host data: secrets is not an object",
        "{\"config\":{},\"secrets\":{\"a\":{\"kind\":\"Key\",\"value\":\"x\"}}} | host data: a secret is neither String nor Bytes",
        "{\"config\":{},\"secrets\":{\"a\":{\"kind\":\"Bytes\",\"value\":[256]}}} | host data: bytes of a secret holds something else than bytes",
      })
  void wrongTypesOfHostsSinceOneAreOneClearSentence(String json, String sentence) {
    assertEquals(sentence, assertThrows(HostDataException.class, () -> read(json)).getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | '' | ''",
        "XBUJMZHVOPQ2SK5VD3TY4VNBPVU2YFGRLK6EFPEPSMVDUYEBSROWZCEA | SXAHGC56LJFTSRXFC653AT7XZU6WGYIXU4XFPMCT62GGHFLUCSPVYP764M | ''",
        "'' | SXAHGC56LJFTSRXFC653AT7XZU6WGYIXU4XFPMCT62GGHFLUCSPVYP764M | host_xkey_public_key is not a public key X...",
        "XBUJMZHVOPQ2SK5VD3TY4VNBPVU2YFGRLK6EFPEPSMVDUYEBSROWZCEA | '' | provider_xkey_private_key is not a seed SX...",
        "XBUJMZHVOPQ2SK5VD3TY4VNBPVU2YFGRLK6EFPEPSMVDUYEBSROWZCEA | SUANQDPB2RUOE4ETUA26CNX7FUKE5ZZKFCQIIW63OX225F2CO7UEXTM7ZY | provider_xkey_private_key is not a seed SX...",
      })
  void xkeysAreBothThereOrNeither(String host, String seed, String sentence) throws Exception {
    HostData data =
        read(
            "{\"config\":{},\"lattice_rpc_prefix\":\"l\",\"provider_key\":\"p\",\"host_xkey_public_key\":\""
                + host
                + "\",\"provider_xkey_private_key\":\""
                + seed
                + "\"}");
    if (sentence.isEmpty()) {
      assertEquals(data, data.checkedForStart());
    } else {
      assertEquals(
          sentence, assertThrows(HostDataException.class, data::checkedForStart).getMessage());
    }
  }

  @Test
  void printsWithoutSecrets() throws Exception {
    HostData data =
        read(
            """
            {"lattice_rpc_user_jwt":"secretjwt","lattice_rpc_user_seed":"secretseed","invocation_seed":"secretseed",
             "lattice_rpc_url":"nats://me:secretpass@h:1","config_json":{"CLIENT_SEED":"secretseed"},
             "link_definitions":[{"actor_id":"M","values":{"CLIENT_SEED":"secretseed"}}]}\
            """);
    assertFalse(data.toString().matches(".*secret(jwt|seed|pass).*"), data::toString);
    assertFalse(wasmbus(data).links().toString().contains("secret"));
  }

  private static HostData.Contract.Wasmbus wasmbus(HostData data) {
    return assertInstanceOf(HostData.Contract.Wasmbus.class, data.contract());
  }

  private static HostData.Contract.Wrpc wrpc(HostData data) {
    return assertInstanceOf(HostData.Contract.Wrpc.class, data.contract());
  }

  private static HostData read(String json) throws HostDataException {
    return HostData.read(
        stream(Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8)) + "\n"));
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }
}
