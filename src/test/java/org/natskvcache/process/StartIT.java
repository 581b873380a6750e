package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wasmbus.Vectors;

/** Starts that cannot succeed, and one that has to wait. */
class StartIT {
  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  static Stream<Arguments> brokenInputs() {
    String rust = Vectors.vector("hostdata.rust-0.82").get("json").textValue();
    String seed = Vectors.key("cluster_seed");
    return Stream.of(
        Arguments.of("nothing", "", "no host data on standard input"),
        Arguments.of("an empty line", "\n" + base64(rust), "no host data on standard input"),
        Arguments.of("white space", " \t\r\n", "no host data on standard input"),
        Arguments.of("rubbish", "\u0001\u00ff!?\n", "not base64"),
        Arguments.of("JSON itself", rust + "\n", "not base64"),
        Arguments.of("half a line", base64(rust).substring(0, 101) + "\n", "host data is not"),
        Arguments.of("no JSON", base64("not json: " + seed), "not a JSON object"),
        Arguments.of("cut JSON", base64(rust.substring(0, 300)), "not a JSON object"),
        Arguments.of("an array", base64("[]"), "not a JSON object"),
        Arguments.of("null", base64("null"), "not a JSON object"),
        Arguments.of(
            "the least", base64("{}"), "lacks lattice_rpc_prefix, link_name, provider_key"),
        Arguments.of("no key", base64(rust.replace("\"provider_key\"", "\"x\"")), "provider_key"),
        Arguments.of("no link", base64(rust.replaceFirst("\"link_name\"", "\"x\"")), "link_name"),
        Arguments.of("wildcard", base64(rust.replaceFirst("\"default\"", "\"a.*\"")), "wildcard"),
        Arguments.of(
            "bad address",
            base64(rust.replaceFirst("nats://127.0.0.1:4222", "http://user:s3cret@host")),
            "lattice_rpc_url"),
        Arguments.of(
            "bad seed",
            base64(rust.replace("_user_seed\":\"\"", "_user_seed\":\"SUs3cret\"")),
            "lattice_rpc_user_seed"),
        Arguments.of(
            "bad configuration",
            base64(rust.replaceFirst("\\{", "{\"config_json\":\"{s3cret\",")),
            "config_json"),
        Arguments.of(
            "bad key of a host of 1.x",
            base64(
                "{\"config\":{},\"lattice_rpc_prefix\":\"l\",\"provider_key\":\"p\",\"host_xkey_public_key\":\"X\"}"),
            "host_xkey_public_key is not a public key"));
  }

  private static String base64(String json) {
    return Base64.getEncoder().encodeToString(json.getBytes(UTF_8)) + "\n";
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("brokenInputs")
  void brokenHostDataIsOneLineAndTheEnd(String what, String stdin, String complaint) {
    var process = fixture.open(ProviderProcess.start(Map.of(), stdin));
    assertEquals(1, process.awaitExit(), what);
    assertEquals(List.of(), process.output());
    assertEquals(1, process.log().size(), () -> process.log().toString());
    String line = process.log().getFirst();
    assertTrue(line.startsWith("nats-kvcache: ") && line.contains(complaint), line);
    assertTrue(!line.contains("s3cret") && !line.contains("SC"), line);
  }

  /** A host that never writes does not get an answer, nor does it get a busy process. */
  @Test
  void itWaitsForALineThatDoesNotCome() {
    var process = fixture.open(ProviderProcess.start(Map.of(), null));
    HostDataLine hostData = fixture.hostData().withLink(Provider.ACTOR, Map.of());
    Provider provider = fixture.open(new Provider(fixture.host, hostData, process));
    String line = hostData.line();
    process.write(line.substring(0, 100));
    process.write(line.substring(100));
    provider.awaitHealth(true, "standalone");
  }

  @Test
  void itWaitsForNatsAndSaysSoOnce() {
    fixture.nats.kill();
    HostDataLine hostData =
        fixture.hostData().withLink(Provider.ACTOR, ProviderFixture.replicated(fixture.nats.url()));
    Provider provider = fixture.launch(hostData);
    provider.process.awaitLog("NATS is out of reach");
    fixture.nats.restart();
    provider.awaitHealth(true, "link default: live");
    provider.calls.set("k", "v");
    assertEquals(Optional.of("v"), provider.calls.get("k"));
    assertEquals(1, provider.logLines("NATS is out of reach").size());
    provider.awaitLogLines(3, "connected to NATS"); // lattice, live, catch-up
  }
}
