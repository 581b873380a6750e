package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.process.WrpcProvider.link;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.ProviderProcess;

/**
 * A setting that makes no sense costs its link, or the command: one line, and nothing else ends.
 */
class BadSettingsIT {
  private static final String TWO_LOGINS = "nats://a:s3cret@127.0.0.1:1,nats://b:s3cret@h2";

  /** Half a pair of surrogates has no bytes in any encoding of file names. */
  private static final String NO_PATH = "/etc/ssl/b\ud800cher/ca.pem";

  private static final List<Map<String, String>> BAD =
      List.of(
          Map.of("NATS_URL", TWO_LOGINS),
          Map.of("NATS_URL", "nats://127.0.0.1:1", "NATS_CA_FILE", NO_PATH));

  private final ProviderFixture fixture = new ProviderFixture();

  @TempDir Path folder;

  @AfterEach
  void close() {
    fixture.close();
  }

  private static void assertRefused(Instance provider, int count, Map<String, String> bad) {
    provider.awaitLogLines(count, "event=link_refused");
    String refusal = provider.logLines("event=link_refused").getLast();
    assertTrue(refusal.contains(bad.containsKey("NATS_CA_FILE") ? "NATS_CA_FILE" : "NATS_URL"));
    assertFalse(refusal.contains("s3cret"), refusal);
    assertTrue(provider.process.isAlive());
    provider.health();
  }

  @Test
  void anActorsLinkIsRefused() {
    Provider provider = fixture.start(fixture.hostData());
    provider.link(Provider.ACTOR, BAD.getFirst());
    assertRefused(provider, 1, BAD.getFirst());
    // a name of a file or not, by the locale
    provider.link(
        Provider.ACTOR,
        Map.of("NATS_URL", "nats://127.0.0.1:1", "NATS_CA_FILE", "/etc/ssl/b\u00fccher/ca.pem"));
    until(
        "what becomes of it",
        () -> provider.logLines("=link_refused").size() == 2 || opened(provider));
    provider.health();
  }

  private static boolean opened(Provider provider) {
    return !provider.logLines("event=link_opened").isEmpty();
  }

  @Test
  void aComponentsLinkIsRefused() {
    WrpcProvider provider = fixture.startOne(HostDataLine.ofOne(fixture.nats).withoutLinks());
    int count = 0;
    for (Map<String, String> bad : BAD) {
      provider.put(link("a", provider.id(), "default", bad));
      assertRefused(provider, ++count, bad);
    }
  }

  @Test
  void aLinkThatLeansOnConfigurationIsRefused() throws Exception {
    var hostData = HostDataLine.ofOne(fixture.nats).withoutLinks().with("config", BAD.getFirst());
    WrpcProvider provider = fixture.launchOne(hostData);
    provider.awaitHealth(true, "");
    int count = 0;
    for (Map<String, String> bad : BAD) {
      fixture.host.publish(
          provider.control("config.update"), new ObjectMapper().writeValueAsBytes(bad));
      provider.awaitLogLines(++count, "event=configuration_changed");
      provider.put(link("a", provider.id(), "default", Map.of("other", "" + count)));
      assertRefused(provider, count, bad);
      String refusal = provider.logLines("event=link_refused").getLast();
      assertTrue(refusal.contains(" of the provider configuration "), refusal);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve",
        "shell",
        "doctor",
        "bench --target kv",
      })
  void aCommandSaysWhichSettingInOneLine(String command) {
    var process =
        fixture.open(
            ProviderProcess.start(Map.of("NATS_URL", TWO_LOGINS), "GET k\n", command.split(" ")));
    assertTrue(process.awaitExit() > 0);
    assertTrue(process.log().getFirst().contains("NATS_URL of the environment"));
    assertFalse(process.log().toString().contains("s3cret"));
    assertTrue(process.log().stream().noneMatch(line -> line.contains("\tat")));
  }

  @Test
  void aSettingOfTheProcessEndsServe() {
    var environment = Map.of("NATS_URL", fixture.nats.url(), "RELEASED_CACHES_MAX", "x");
    var serve = fixture.open(ProviderProcess.start(environment, "", "serve"));
    assertEquals(1, serve.awaitExit());
    serve.awaitLog("RELEASED_CACHES_MAX of the environment is not a whole number from 0 to 10000");
  }

  @Test
  void aCommandNamesTheFlagOrTheFile() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("links.json"),
            "{\"name\":\"default\",\"config\":{\"NATS_URL\":\"%s\"}}".formatted(TWO_LOGINS));
    assertOneLine(start("shell", "--nats-url", "nats://a_b"), "--nats-url ");
    assertOneLine(start("serve", "--nats-url", "nats://a_b"), "--nats-url ");
    assertOneLine(
        start("shell", "--link-config", "default:NATS_URL=x://a"), "NATS_URL of --link-config ");
    assertOneLine(start("shell", "--link-file", "" + file), "NATS_URL of --link-file ");
    assertOneLine(start("doctor", "--link-file", "" + file), "NATS_URL of --link-file ");
  }

  private ProviderProcess start(String... args) {
    return fixture.open(ProviderProcess.start(Map.of(), "GET k\n", args));
  }

  private static void assertOneLine(ProviderProcess process, String part) {
    assertTrue(process.awaitExit() > 0);
    assertEquals(1, process.log().size(), () -> "" + process.log());
    String line = process.log().getFirst();
    assertTrue(line.startsWith("nats-kvcache: ") && line.contains(part), line);
    assertFalse(line.contains("s3cret"), line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lattice_rpc_url " + TWO_LOGINS,
        "lattice_rpc_user_jwt a.s3cret.c",
        "lattice_rpc_user_seed SAs3cret",
      })
  void hostDataThatCannotBeConnectedWithIsOneLine(String memberAndValue) {
    String[] pair = memberAndValue.split(" ", 2);
    for (HostDataLine hostData : List.of(fixture.hostData(), HostDataLine.ofOne(fixture.nats))) {
      HostDataLine bad =
          hostData.with("lattice_rpc_user_jwt", "").with("lattice_rpc_user_seed", "");
      var process =
          fixture.open(ProviderProcess.startProvider(bad.with(pair[0], pair[1]).line().strip()));
      assertOneLine(process, pair[0] + " ");
    }
  }
}
