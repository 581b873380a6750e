package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;

/** What links decide while a process lives. */
class LinksIT {
  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void linkNamesDoNotMix() {
    String[] names = {"default", "blue", "Blue-2"};
    Provider[] providers = new Provider[names.length];
    HeartbeatListener[] groups = new HeartbeatListener[names.length];
    for (int i = 0; i < names.length; i++) {
      String subject = CacheSettings.DEFAULT_STATE_SUBJECT + (i == 0 ? "" : ".link." + names[i]);
      groups[i] = fixture.open(new HeartbeatListener(fixture.host, subject));
      providers[i] =
          fixture.launch(
              fixture
                  .hostData()
                  .with("link_name", names[i])
                  .withLink(Provider.ACTOR, ProviderFixture.replicated(fixture.nats.url())));
    }
    for (int i = 0; i < names.length; i++) {
      providers[i].awaitHealth(true, "link " + names[i] + ": live, peers=0");
      providers[i].calls.set("k", names[i]);
      providers[i].calls.increment("n", i + 1);
    }
    for (int i = 0; i < names.length; i++) {
      groups[i].awaitAgreement(1);
      assertEquals(Optional.of(names[i]), providers[i].calls.get("k"));
      assertEquals(Optional.of("" + (i + 1)), providers[i].calls.get("n"));
    }
  }

  @Test
  void mutationsAnswerDefaultsOnDemand() {
    Provider provider = fixture.start(Map.of("MUTATION_REPLIES", "default"));
    KeyValueClient calls = provider.calls;
    calls.set("k", "v");
    assertEquals(0, calls.increment("n", 5));
    assertEquals(0, calls.listAdd("l", "x"));
    assertEquals(0, calls.setAdd("s", "m"));
    assertFalse(calls.listRemove("l", "x"));
    assertEquals(0, calls.setRemove("s", "m"));
    assertFalse(calls.delete("k"));
    assertFalse(calls.listClear("l"));
    assertFalse(calls.setClear("s"));
    assertTrue(calls.error("Increment", struct("key", "n", "value", 1L << 31)).contains("range"));
    calls.listAdd("l", "y");
    assertTrue(calls.error("Increment", struct("key", "l", "value", 1)).contains("wrong type"));
    assertEquals(Optional.of("5"), calls.get("n"), "reads answer what is");
    assertTrue(calls.contains("n"));
    assertEquals(List.of("y"), calls.list("l"));

    provider.link(Provider.ACTOR, Map.of("mutation_replies", "actual"));
    until("actual replies", () -> calls.increment("n", 0) == 5);
    assertTrue(calls.delete("n"));
    provider.link(Provider.ACTOR, Map.of("MUTATION_REPLIES", "default"));
    until("default replies", () -> calls.increment("m", 1) == 0);
    provider.awaitLogLines(2, "event=link_changed");
  }

  @Test
  void theFirstLinkDecides() {
    Provider provider = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    provider.awaitPeers(0);
    provider.calls.set("k", "shared");
    KeyValueClient second = provider.callsOf("MSECOND");
    assertTrue(second.error("Get", text("k")).contains("unlinked actor"));
    provider.link(
        "MSECOND",
        Map.of("NATS_URL", fixture.nats.url(), "replay_heartbeat_secs", "31337", "other", "value"));
    provider.process.awaitLog("event=link_keys_ignored");
    until("the link", () -> second.request("Get", text("k")).error().isEmpty());
    assertEquals(Optional.of("shared"), second.get("k"));
    String warning = provider.logLines("event=link_keys_ignored").getFirst();
    assertTrue(warning.contains("WARN") && warning.contains("[REPLAY_HEARTBEAT_SECS]"), warning);
    assertFalse(warning.contains("31337"), warning);
    // Hosts repeat their links; that is no news.
    provider.link(
        "MSECOND",
        Map.of("NATS_URL", fixture.nats.url(), "replay_heartbeat_secs", "31337", "other", "value"));
    provider.health();
    assertEquals(1, provider.logLines("event=link_keys_ignored").size());
    assertEquals(List.of(), provider.logLines("event=link_changed"));
  }

  @Test
  void aRefusedLinkIsNotThere() {
    Provider provider = fixture.start(fixture.hostData());
    String[][] refused = {
      {"REPLAY_HEARTBEAT_SECS", "0", "is not a whole number"},
      {"REPLAY_HEARTBEAT_SECS", "s3cret", "is not a whole number"},
      {"NATS_URL", "http://u:s3cret@h", "the scheme http is none of"},
      {"CLIENT_SEED", "SUs3cret", "is not the seed"},
      {"CLIENT_JWT", "s3cret", "is not a JWT"},
      {"CLIENT_JWT", "a.s3cret.c", "needs CLIENT_SEED"},
      {"STATE_REPL_SUBJECT", "a.*", "wildcard"},
      {"REPLAY_REQ_SUBJECT", "lattice.state.events", "overlaps"},
      {"VALUE_BYTES_MAX", "-1", "is not a whole number"},
      {"MUTATION_REPLIES", "s3cret", "is neither actual nor default"},
    };
    for (int i = 0; i < refused.length; i++) {
      int count = i + 1;
      provider.link(Provider.ACTOR, Map.of(refused[i][0], refused[i][1]));
      provider.awaitLogLines(count, "event=link_refused");
      String refusal = provider.logLines("event=link_refused").getLast();
      assertTrue(refusal.contains(refused[i][0] + " "), refusal);
      assertTrue(refusal.contains(refused[i][2]), refusal);
      assertFalse(refusal.contains("s3cret"), refusal);
      assertTrue(provider.calls.error("Get", text("k")).contains("unlinked actor"));
      HealthResponse health = provider.health();
      assertFalse(health.healthy());
      assertTrue(
          health.message().startsWith("link default of " + Provider.ACTOR + " is refused: "),
          health.message());
      assertTrue(health.message().contains(refused[i][2]), health.message());
      assertFalse(health.message().contains("s3cret"), health.message());
    }
    // A refused link is never the first, so the next one decides.
    provider.link(Provider.ACTOR, Map.of());
    provider.awaitHealth(true, "link default: standalone");
    assertEquals(Optional.empty(), provider.calls.get("k"));
  }

  /** Hosts report success for such a link, so health is where an operator can see it. */
  @Test
  void refusedLinkIsUnhealthyUntilItIsPutRightOrDeleted() {
    Provider provider = fixture.start(Map.of());
    provider.link("MSECOND", Map.of("MAX_MEMORY", "abc"));
    provider.awaitHealth(false, "link default of MSECOND is refused: MAX_MEMORY is neither");
    provider.link("MSECOND", Map.of("MAX_MEMORY", "1g"));
    provider.awaitHealth(true, "link default: standalone");
    provider.link("MTHIRD", Map.of("NATS_URL", "http://x"));
    provider.awaitHealth(false, "link default of MTHIRD is refused: NATS_URL is wrong: ");
    provider.unlink("MTHIRD");
    provider.awaitHealth(true, "link default: standalone");
    // a change of a link that is there: the former one goes on
    provider.link(Provider.ACTOR, Map.of("REPLAY_HEARTBEAT_SECS", "0"));
    provider.awaitHealth(false, "a change of link default of " + Provider.ACTOR + " is refused: ");
    provider.calls.set("k", "v");
    provider.link(Provider.ACTOR, Map.of());
    provider.awaitHealth(true, "link default: standalone");
    // names its actor, and has values that are none
    var malformed = new MessagePackWriter(100).mapHeader(2).text("actor_id").text("MFOURTH");
    malformed.text("values").text("none");
    fixture.host.publish(provider.subject() + ".linkdefs.put", malformed.toByteArray());
    provider.awaitHealth(false, "link default of MFOURTH is refused: ");
    fixture.host.publish(provider.subject() + ".linkdefs.del", malformed.toByteArray());
    provider.unlink("MFOURTH");
    provider.awaitHealth(true, "link default: standalone");
  }

  @Test
  void aDeletedLinkIsGoneAndTheOthersStay() {
    Provider provider = fixture.start(Map.of());
    provider.link("MSECOND", Map.of());
    KeyValueClient second = provider.callsOf("MSECOND");
    until("the link", () -> second.request("Get", text("k")).error().isEmpty());
    provider.unlink("MSECOND");
    until("its end", () -> second.request("Get", text("k")).error().contains("unlinked actor"));
    provider.unlink("MSECOND");
    provider.unlink("MNEVER");
    provider.calls.set("k", "v");
    assertEquals(Optional.of("v"), provider.calls.get("k"));
    assertEquals("link default: standalone", provider.health().message());
  }

  /** The cache leaves its group with the last link, keeps its data, and comes back as another. */
  @Test
  void theLastLinkGoesAndComesBack() {
    var values = ProviderFixture.replicated(fixture.nats.url());
    HeartbeatListener heartbeats = fixture.openHeartbeats();
    Provider[] group = fixture.startGroup(2);
    Provider linked = group[0];
    Provider other = group[1];
    linked.calls.increment("n", 1);
    linked.calls.listAdd("list", "before");
    linked.calls.set("deleted meanwhile", "v");
    heartbeats.awaitAgreement(2);
    linked.unlink(Provider.ACTOR);
    linked.awaitHealth(true, "no links");
    assertTrue(linked.calls.error("Get", text("n")).contains("unlinked actor"));
    other.awaitPeers(0);
    other.calls.increment("n", 10);
    other.calls.delete("deleted meanwhile");
    linked.link(Provider.ACTOR, values);
    linked.awaitPeers(1);
    assertEquals(Optional.of("11"), linked.calls.get("n"));
    assertEquals(Optional.empty(), linked.calls.get("deleted meanwhile"));
    assertEquals(111, linked.calls.increment("n", 100));
    assertEquals(2, linked.calls.listAdd("list", "after"));
    heartbeats.awaitAgreement(2);
    assertEquals(Optional.of("111"), other.calls.get("n"));
    assertEquals(List.of("before", "after"), other.calls.list("list"));
    assertEquals(3, heartbeats.origins().size(), "one of them under a second name");
    assertEquals(List.of(), linked.logLines("the cache starts empty"));
  }

  @Test
  void aStandaloneCacheKeepsItsDataForTheSameSettings() {
    Provider provider = fixture.start(Map.of());
    provider.calls.set("k", "kept");
    provider.unlink(Provider.ACTOR);
    provider.awaitHealth(true, "no links");
    provider.link(Provider.ACTOR, Map.of());
    provider.awaitHealth(true, "standalone");
    assertEquals(Optional.of("kept"), provider.calls.get("k"));
    assertEquals(List.of(), provider.logLines("the cache starts empty"));
  }

  @Test
  void otherSettingsStartEmpty() {
    Provider provider = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    provider.awaitPeers(0);
    provider.calls.set("k", "lost");
    provider.unlink(Provider.ACTOR);
    provider.awaitHealth(true, "no links");
    provider.link(Provider.ACTOR, Map.of());
    provider.awaitHealth(true, "standalone");
    assertEquals(Optional.empty(), provider.calls.get("k"));
    provider.awaitLogLines(1, "the cache starts empty");
  }
}
