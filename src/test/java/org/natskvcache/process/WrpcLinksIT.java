package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.process.WrpcProvider.bytes;
import static org.natskvcache.process.WrpcProvider.link;
import static org.natskvcache.process.WrpcProvider.sealed;
import static org.natskvcache.process.WrpcProvider.text;
import static org.natskvcache.process.WrpcProvider.watch;
import static org.natskvcache.process.WrpcProvider.withSecrets;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.nats.TestNkeys;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/** What links, secrets and configuration of hosts 1.x decide while a process lives. */
class WrpcLinksIT {
  private static final String US = "kv-cache";

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private HostDataLine hostData() {
    return HostDataLine.ofOne(fixture.nats).withoutLinks();
  }

  private void awaitLinked(WrpcComponent component) {
    until("the link", component::isLinked);
  }

  @Test
  void linksAreKnownByTheirWholeIdentity() {
    WrpcProvider provider = fixture.startOne(hostData());
    assertEquals("no links", provider.health().message());
    WrpcComponent byDefault = provider.component("a", "default");
    WrpcComponent byOther = provider.component("a", "other");
    WrpcComponent b = provider.component("b", "default");
    assertFalse(byDefault.isLinked());
    provider.put(link("a", US, "default", Map.of()));
    provider.put(link("a", US, "other", Map.of()));
    provider.put(link("b", US, "default", Map.of()));
    for (WrpcComponent component : List.of(byDefault, byOther, b)) awaitLinked(component);
    byDefault.set("", "k", "of default");
    byOther.set("", "k", "of other");
    byDefault.set("bucket", "k", "in the bucket");
    assertEquals(Optional.of("of default"), b.get("default", "k"), "links of a name share a cache");
    assertEquals(Optional.of("of other"), byOther.get("other", "k"), "its own name means it too");
    assertEquals(Optional.of("in the bucket"), b.get("bucket", "k"));
    assertEquals(Optional.empty(), byOther.get("bucket", "k"));
    assertEquals(Optional.empty(), b.get("Bucket", "k"));
    assertEquals(List.of("k"), b.listKeys("", Optional.empty()).keys());

    provider.delete(link("a", US, "default", Map.of()));
    until("its end", () -> !byDefault.isLinked());
    assertEquals(Optional.of("of other"), byOther.get("", "k"));
    assertEquals(Optional.of("of default"), b.get("", "k"));
    // the same source as a link of another package, to another target, and one that never was
    provider.put(link("a", US, "default", Map.of()).put("wit_package", "blobstore"));
    provider.put(link("a", "another", "default", Map.of()));
    provider.delete(link("b", US, "default", Map.of()).put("wit_namespace", "other"));
    provider.delete(link("b", "another", "default", Map.of()));
    provider.delete(link("never", US, "default", Map.of()));
    provider.awaitLogLines(4, "event=link_ignored");
    assertFalse(byDefault.isLinked());
    assertTrue(b.isLinked());
  }

  /** Hosts report success for such a link, so health is where an operator can see it. */
  @Test
  void refusedLinkIsUnhealthyUntilItIsPutRightOrDeleted() {
    WrpcProvider provider = fixture.startOne(hostData());
    provider.put(link("a", US, "one", Map.of("MAX_MEMORY", "abc")));
    provider.awaitHealth(false, "link one of a is refused: MAX_MEMORY is neither");
    provider.put(watch(US, "a", "one", Map.of("WATCH", "?")));
    provider.awaitHealth(false, "link one to a is refused: WATCH ");
    provider.put(link("a", US, "one", Map.of("MAX_MEMORY", "1g")));
    provider.delete(watch(US, "a", "one", Map.of()));
    provider.awaitHealth(true, "link one: standalone");
    provider.put(withSecrets(link("a", US, "two", Map.of()), new byte[50]));
    provider.awaitHealth(false, "link two of a is refused: its secrets do not open");
    provider.delete(link("a", US, "two", Map.of()));
    provider.awaitHealth(true, "link one: standalone");
    ObjectNode malformed = link("a", US, "three", Map.of()).put("target_config", 7);
    provider.put(malformed);
    provider.awaitHealth(false, "link three of a is refused: target_config is not an object");
    provider.delete(link("a", US, "three", Map.of()));
    provider.awaitHealth(true, "link one: standalone");
    // a change of a link that is there: the former one goes on
    provider.put(link("a", US, "one", Map.of("REPLAY_HEARTBEAT_SECS", "0")));
    provider.awaitHealth(false, "a change of link one of a is refused: REPLAY_HEARTBEAT_SECS ");
    assertTrue(provider.component("a", "one").isLinked());
    provider.put(link("a", US, "one", Map.of("MAX_MEMORY", "1g")));
    provider.awaitHealth(true, "link one: standalone");
  }

  /** A setting of the process that makes no sense is a problem; its default counts. */
  @Test
  void settingsOfTheProcessComeFromItsConfiguration() {
    WrpcProvider provider =
        fixture.startOne(hostData().with("config", Map.of("RELEASED_CACHES_MAX", "0")));
    provider.put(link("a", US, "one", Map.of()));
    awaitLinked(provider.component("a", "one"));
    provider.delete(link("a", US, "one", Map.of()));
    provider.process.awaitLog("reason=\"RELEASED_CACHES_MAX is 0\"");
    String update = provider.control("config.update");
    fixture.host.publish(update, "{\"RELEASED_CACHE_SECS\":\"soon\"}".getBytes(UTF_8));
    provider.awaitHealth(
        false,
        "the provider's setting RELEASED_CACHE_SECS of the provider configuration is not a whole number");
    fixture.host.publish(update, "{\"RELEASED_CACHE_SECS\":\"1\"}".getBytes(UTF_8));
    provider.awaitHealth(true, "no links");
    provider.put(link("a", US, "two", Map.of()));
    awaitLinked(provider.component("a", "two"));
    provider.delete(link("a", US, "two", Map.of()));
    provider.process.awaitLog("reason=\"RELEASED_CACHE_SECS is 1\""); // with no message meanwhile
  }

  @Test
  void linksOfTheVectorsAreTakenAsTheyAre() {
    HostDataLine hostData = hostData();
    WrpcProvider provider = fixture.startOne(hostData);
    var subjects = WrpcVectors.of("subjects").get("control");
    var messages = WrpcVectors.of("control_messages");
    assertEquals(
        messages.get("health_response_ok").textValue().replace("}", ",\"message\":\"no links\"}"),
        provider.healthText());
    byte[] put = messages.get("linkdefs_put").textValue().getBytes(UTF_8);
    byte[] del = messages.get("linkdefs_del").textValue().getBytes(UTF_8);
    WrpcComponent counter = provider.component("counter", "default");
    // the copy for hosts 1.0, which knows no secrets, is not for us
    fixture.host.publish(subjects.get("linkdefs_put_legacy_1_0").textValue(), put);
    provider.health();
    assertFalse(counter.isLinked());
    fixture.host.publish(subjects.get("linkdefs_put").textValue(), put);
    awaitLinked(counter);
    fixture.host.publish(subjects.get("linkdefs_del").textValue(), del);
    until("its end", () -> !counter.isLinked());
    fixture.host.publish(
        subjects.get("config_update").textValue(),
        messages.get("config_update").textValue().getBytes(UTF_8));
    provider.process.awaitLog("event=configuration_changed keys=[]");
    for (String json :
        List.of("{", "[]", "{\"source_id\":7}", "null", "\"\"", "{\"x\":" + "[".repeat(5_000))) {
      fixture.host.publish(subjects.get("linkdefs_put").textValue(), json.getBytes(UTF_8));
      fixture.host.publish(subjects.get("linkdefs_del").textValue(), json.getBytes(UTF_8));
      fixture.host.publish(subjects.get("config_update").textValue(), json.getBytes(UTF_8));
    }
    provider.process.awaitLog(
        "event=malformed_message subject=wasmbus.rpc.default.kv-cache.linkdefs.del");
    assertTrue(provider.health().healthy());
  }

  /** A host from 1.0 has no keys and no secrets: links come by our id. */
  @Test
  void hostsWithoutKeysPutLinksByOurId() {
    HostDataLine hostData =
        hostData()
            .without("host_xkey_public_key")
            .without("provider_xkey_private_key")
            .without("secrets");
    WrpcProvider provider = fixture.startOne(hostData);
    assertEquals(
        WrpcVectors.of("subjects").get("control").get("linkdefs_put_legacy_1_0").textValue(),
        provider.linkPuts());
    WrpcComponent counter = provider.component("counter", "default");
    ObjectNode link = link("counter", US, "default", Map.of());
    provider.put(withSecrets(link, sealed(Map.of("x", text("y")))));
    provider.process.awaitLog("event=link_refused");
    assertFalse(counter.isLinked());
    provider.put(link);
    awaitLinked(counter);
  }

  /** Link keys count whenever they change; keys of the cache are those of the first link. */
  @Test
  void changedLinksAreAppliedAgain() throws Exception {
    WrpcProvider provider = fixture.startOne(hostData());
    provider.put(link("counter", US, "default", ProviderFixture.replicated(fixture.nats.url())));
    provider.awaitPeers(0);
    provider.put(link("counter", US, "default", ProviderFixture.replicated(fixture.nats.url())));
    BlockingQueue<String> heard = watcher("listener");
    provider.put(watch(US, "listener", "default", Map.of("WATCH", "SET@a,DEL@a")));
    WrpcComponent counter = provider.component("counter", "default");
    provider.health();
    counter.set("", "a", "1");
    assertEquals("set a=1", heard.poll(20, TimeUnit.SECONDS));
    provider.put(watch(US, "listener", "default", Map.of("watch", "[\"b*\"]")));
    provider.health(); // handled on the same thread, so the link was looked at
    counter.set("", "a", "2");
    counter.set("", "b1", "2");
    assertEquals("set b1=2", heard.poll(20, TimeUnit.SECONDS));
    provider.put(
        link(
            "counter",
            US,
            "default",
            ProviderFixture.with(
                ProviderFixture.replicated(fixture.nats.url()), "REPLAY_HEARTBEAT_SECS", "9")));
    provider.process.awaitLog("event=link_keys_ignored");
    provider.delete(watch(US, "listener", "default", Map.of()));
    provider.health();
    counter.set("", "b2", "2");
    provider.awaitPeers(0);
    assertTrue(heard.isEmpty(), heard::toString);
  }

  /** A component that hears of changes. */
  private BlockingQueue<String> watcher(String id) throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    var component =
        fixture.open(
            new WrpcServer(
                fixture.host,
                "default." + id,
                WrpcLimits.DEFAULTS,
                (event, subject, cause) -> heard.add("trouble " + event)));
    String instance = "wrpc:keyvalue/watcher@0.2.0-draft";
    component.serve(
        instance,
        "on-set",
        in -> {
          in.string();
          return "set " + in.string() + "=" + in.string();
        },
        (call, text) -> {
          heard.add(text);
          call.result(new byte[0]);
        });
    component.serve(
        instance,
        "on-delete",
        in -> {
          in.string();
          return "delete " + in.string();
        },
        (call, text) -> {
          heard.add(text);
          call.result(new byte[0]);
        });
    fixture.host.flush(Waiting.PATIENCE);
    return heard;
  }

  /** Every instance with the link tells its component, of its peers' changes too. */
  @Test
  void changesOfOtherInstancesAreToldToo() throws Exception {
    Map<String, String> cache = ProviderFixture.replicated(fixture.nats.url());
    BlockingQueue<String> heard = watcher("listener");
    String listens = ProviderFixture.newProviderKey();
    WrpcProvider listening =
        fixture.launchOne(
            hostData()
                .with("provider_key", listens)
                .with(
                    "link_definitions",
                    List.of(
                        watch(
                            listens,
                            "listener",
                            "default",
                            ProviderFixture.with(
                                cache, "watch", "[\"user:*\",\"DEL@odd\\\\*\"]")))));
    WrpcProvider writing =
        fixture.launchOne(
            hostData().with("link_definitions", List.of(link("writer", US, "default", cache))));
    listening.awaitPeers(1);
    writing.awaitPeers(1);
    WrpcComponent writer = writing.component("writer", "default");
    writer.set("", "user:1", "Alice");
    writer.set("", "odd*", "not told");
    writer.set("bucket", "user:1", "not told");
    writer.set("", "oddity", "not told");
    writer.delete("", "odd*");
    writer.delete("", "oddity");
    writer.increment("", "user:n", 5);
    writer.delete("", "user:1");
    for (String expected :
        List.of("set user:1=Alice", "delete odd*", "set user:n=5", "delete user:1")) {
      assertEquals(expected, heard.poll(20, TimeUnit.SECONDS));
    }
    assertTrue(heard.isEmpty(), heard::toString);
  }

  private static NatsForTests demanding(TestNkeys user) {
    return NatsForTests.start(
        "authorization { users: [ { nkey: %s }, { user: cache, password: \"passw0rd\" } ] }\n"
            .formatted(user.publicKey()),
        Map.of());
  }

  /** Sealed secrets are the credentials of the cache, whatever their kind. */
  @Test
  void sealedSecretsOpenServersThatDemandThem() {
    TestNkeys user = TestNkeys.user();
    NatsForTests server = fixture.open(demanding(user));
    WrpcProvider provider = fixture.startOne(hostData().with("log_level", "trace"));
    ObjectNode bySeed = link("a", US, "seed", Map.of("NATS_URL", server.url()));
    provider.put(withSecrets(bySeed, sealed(Map.of("client_seed", text(user.seed())))));
    provider.awaitHealth(true, "link seed: live");
    String login = server.url().replace("//", "//cache:passw0rd@");
    ObjectNode byUrl = link("a", US, "url", Map.of("NATS_URL", "nats://127.0.0.1:1"));
    provider.put(withSecrets(byUrl, sealed(Map.of("NATS_URL", bytes(login)))));
    provider.awaitHealth(true, "link url: live");
    WrpcComponent a = provider.component("a", "seed");
    a.set("", "k", "v");
    assertEquals(Optional.of("v"), a.get("", "k"));

    byte[] broken = sealed(Map.of("CLIENT_SEED", text(user.seed())));
    broken[broken.length - 1] ^= 1;
    for (byte[] secrets : List.of(broken, new byte[] {1, 2, 3}, "xkv1".getBytes(UTF_8))) {
      provider.put(withSecrets(link("b", US, "broken", Map.of()), secrets));
    }
    provider.put(withSecrets(link("c", US, "seed", Map.of()), sealed(Map.of("x", text("y")))));
    awaitLinked(provider.component("c", "seed"));
    provider.awaitLogLines(3, "event=link_refused");
    assertTrue(
        provider.logLines("event=link_refused").stream()
            .allMatch(line ->
                line.contains("link=broken peer=b") && line.contains("its secrets do not open")),
        () -> provider.process.log().toString());
    assertFalse(provider.component("b", "broken").isLinked());
    assertEquals(Optional.of("v"), a.get("", "k"));
    for (String secret : List.of(user.seed(), "passw0rd", "SXAHGC56")) {
      assertEquals(0, provider.logLines(secret).size(), "a secret was logged");
    }
  }

  /** Secrets of the provider count before its configuration, and both where a link sets nothing. */
  @Test
  void secretsOfTheProviderAreCredentialsToo() {
    TestNkeys user = TestNkeys.user();
    NatsForTests server = fixture.open(demanding(user));
    HostDataLine hostData =
        hostData()
            .with("config", Map.of("nats_url", server.url(), "CLIENT_SEED", "not this one"))
            .with(
                "secrets",
                Map.of(
                    "CLIENT_SEED",
                    bytes(user.seed()),
                    "other",
                    bytes("\u0000binary"),
                    "admin",
                    text("hunter2")))
            .with("link_definitions", List.of(link("a", US, "default", Map.of())));
    WrpcProvider provider = fixture.launchOne(hostData);
    provider.awaitHealth(true, "link default: live");
    assertTrue(provider.component("a", "default").isLinked());
    for (String secret : List.of(user.seed(), "hunter2", "not this one")) {
      assertEquals(0, provider.logLines(secret).size(), "a secret was logged");
    }
  }

  @Test
  void changedConfigurationCountsForLaterLinks() {
    WrpcProvider provider = fixture.startOne(hostData());
    provider.put(link("a", US, "early", Map.of()));
    awaitLinked(provider.component("a", "early"));
    String config = "{\"NATS_URL\":\"%s\",\"REPLAY_HEARTBEAT_SECS\":\"1\"}";
    fixture.host.publish(
        provider.control("config.update"), config.formatted(fixture.nats.url()).getBytes(UTF_8));
    String changed = provider.process.awaitLog("event=configuration_changed");
    assertTrue(changed.contains("NATS_URL") && !changed.contains("nats://"), changed);
    provider.put(link("a", US, "late", Map.of()));
    provider.awaitHealth(true, "link late: live");
    provider.awaitHealth(true, "link early: standalone");
    fixture.host.publish(provider.control("config.update"), "{}".getBytes(UTF_8));
    provider.process.awaitLog("event=configuration_changed keys=[]");
    provider.put(link("a", US, "later", Map.of()));
    provider.awaitHealth(true, "link later: standalone");
    provider.awaitHealth(true, "link late: live");
  }
}
