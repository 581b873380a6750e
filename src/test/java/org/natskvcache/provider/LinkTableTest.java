package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.natskvcache.rpc.MutationReplies;

class LinkTableTest {
  private static final Map<String, String> SERVER = Map.of("NATS_URL", "nats://s:1");

  private static final LinkKeys ACTUAL = new LinkKeys(MutationReplies.ACTUAL, WatchList.NONE);
  private static final LinkKeys DEFAULT = new LinkKeys(MutationReplies.DEFAULT, WatchList.NONE);

  private final LinkTable table = new LinkTable(LinkValues.of(Map.of()));

  @Test
  void firstLinkOpensAndLaterOnesJoin() {
    var opened = assertInstanceOf(LinkDecision.Opened.class, put("M1", "default", SERVER));
    assertEquals("nats://s:1", opened.settings().servers().getFirst().url());
    assertEquals(new LinkDecision.Joined(ACTUAL, List.of()), put("M2", "default", SERVER));
    assertEquals(new LinkDecision.Joined(ACTUAL, List.of()), put("M3", "default", Map.of()));
  }

  @Test
  void laterCacheKeysAreIgnoredAndNamed() {
    put("M1", "default", SERVER);
    var values =
        Map.of("NATS_URL", "nats://other", "REPLAY_HEARTBEAT_SECS", "60", "client_seed", USER_SEED);
    assertEquals(
        new LinkDecision.Joined(ACTUAL, List.of(SettingKey.NATS_URL, SettingKey.CLIENT_SEED)),
        put("M2", "default", values));
  }

  @Test
  void aLaterReplicationKeyIsIgnoredAndAnInspectionKeyIsNobodys() {
    String key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    put("M1", "default", Map.of("REPLICATION_KEY", key));
    assertEquals(
        new LinkDecision.Joined(ACTUAL, List.of()),
        put("M2", "default", Map.of("REPLICATION_KEY", key + "=", "INSPECTION_KEY", key)));
    assertEquals(
        new LinkDecision.Joined(ACTUAL, List.of(SettingKey.REPLICATION_KEY)),
        put("M3", "default", Map.of("REPLICATION_KEY", "none," + key)));
  }

  @Test
  void samePutAgainIsADuplicateWhateverElseItHolds() {
    put("M1", "default", SERVER);
    assertEquals(new LinkDecision.Duplicate(), put("M1", "default", SERVER));
    assertEquals(
        new LinkDecision.Duplicate(),
        put("M1", "default", Map.of("nats_url", " nats://s:1 ", "colour", "red")));
  }

  @Test
  void changedLinkKeysCountAndChangedCacheKeysDoNot() {
    put("M1", "default", SERVER);
    assertEquals(
        new LinkDecision.LinkKeysChanged(DEFAULT, List.of(SettingKey.NATS_URL)),
        put("M1", "default", Map.of("NATS_URL", "nats://other", "MUTATION_REPLIES", "default")));
    assertEquals(Optional.of(DEFAULT), table.keys(LinkId.caller("M1", "default")));
    assertEquals(new LinkDecision.Removed(true), table.delete(LinkId.caller("M1", "default")));
  }

  @Test
  void linkKeysAreEachLinksOwn() {
    put("M1", "default", Map.of("MUTATION_REPLIES", "default"));
    put("M2", "default", Map.of());
    assertEquals(Optional.of(DEFAULT), table.keys(LinkId.caller("M1", "default")));
    assertEquals(Optional.of(ACTUAL), table.keys(LinkId.caller("M2", "default")));
    assertEquals(Optional.empty(), table.keys(LinkId.caller("M3", "default")));
    assertEquals(Optional.empty(), table.keys(LinkId.caller("M1", "other")));
  }

  @Test
  void refusedLinkIsNeverTheFirst() {
    var refused =
        assertInstanceOf(
            LinkDecision.Refused.class, put("M1", "default", Map.of("NATS_URL", "http://x")));
    assertTrue(refused.reason().startsWith("NATS_URL is wrong"), refused::reason);
    assertEquals(Optional.empty(), table.keys(LinkId.caller("M1", "default")));
    assertInstanceOf(LinkDecision.Opened.class, put("M2", "default", SERVER));
    assertEquals(1, table.size());
  }

  @Test
  void refusedChangeLeavesTheFormerLink() {
    put("M1", "default", Map.of("MUTATION_REPLIES", "default"));
    assertInstanceOf(
        LinkDecision.Refused.class, put("M1", "default", Map.of("MUTATION_REPLIES", "maybe")));
    assertEquals(Optional.of(DEFAULT), table.keys(LinkId.caller("M1", "default")));
  }

  @Test
  void settingsStayUntilTheLastLinkIsGone() {
    put("M1", "default", SERVER);
    put("M2", "default", Map.of());
    assertEquals(new LinkDecision.Removed(false), table.delete(LinkId.caller("M1", "default")));
    assertEquals(
        new LinkDecision.Joined(ACTUAL, List.of(SettingKey.NATS_URL)),
        put("M1", "default", Map.of("NATS_URL", "nats://other")));
    assertEquals(new LinkDecision.Removed(false), table.delete(LinkId.caller("M1", "default")));
    assertEquals(new LinkDecision.Removed(true), table.delete(LinkId.caller("M2", "default")));
    var opened =
        assertInstanceOf(
            LinkDecision.Opened.class, put("M1", "default", Map.of("NATS_URL", "nats://other")));
    assertEquals("other", opened.settings().servers().getFirst().host());
  }

  @Test
  void unknownDeletionIsNoError() {
    assertEquals(new LinkDecision.Unknown(), table.delete(LinkId.caller("M1", "default")));
    put("M1", "default", SERVER);
    assertEquals(new LinkDecision.Unknown(), table.delete(LinkId.caller("M1", "other")));
    table.delete(LinkId.caller("M1", "default"));
    assertEquals(new LinkDecision.Unknown(), table.delete(LinkId.caller("M1", "default")));
  }

  @Test
  void linkNamesAreCachesOfTheirOwn() {
    assertInstanceOf(LinkDecision.Opened.class, put("M1", "default", SERVER));
    var second = assertInstanceOf(LinkDecision.Opened.class, put("M1", "sessions", SERVER));
    assertEquals("lattice.state.events.link.sessions", second.settings().stateSubject());
    assertInstanceOf(LinkDecision.Opened.class, put("M1", "all", SERVER));
    assertInstanceOf(LinkDecision.Opened.class, put("M1", "observer", SERVER));
  }

  @Test
  void sharedSubjectsOnOneServerAreRefusedForTheSecondLinkName() {
    Map<String, String> explicit =
        Map.of("NATS_URL", "nats://s:1", "STATE_REPL_SUBJECT", "x.e", "REPLAY_REQ_SUBJECT", "x.r");
    put("M1", "a", explicit);
    for (Map<String, String> colliding :
        List.of(
            explicit,
            Map.of("NATS_URL", "tls://S:1,other", "STATE_REPL_SUBJECT", "x.e"),
            Map.of("NATS_URL", "nats://me:pass@s:1", "STATE_REPL_SUBJECT", "x.e.hb"),
            Map.of("NATS_URL", "s:1", "REPLAY_REQ_SUBJECT", "x.r"),
            Map.of("NATS_URL", "s:1", "REPLAY_REQ_SUBJECT", "x.r.all"),
            Map.of("NATS_URL", "s:1", "REPLAY_REQ_SUBJECT", "x.r.observer"),
            Map.of("NATS_URL", "s:1", "REPLAY_REQ_SUBJECT", "x.r.observer.any"),
            Map.of("NATS_URL", "s:1", "STATE_REPL_SUBJECT", "x.r.observer.any"),
            Map.of("NATS_URL", "s:1", "STATE_REPL_SUBJECT", "x.r"),
            Map.of("NATS_URL", "s:1", "REPLAY_REQ_SUBJECT", "x"))) {
      assertInstanceOf(LinkDecision.Refused.class, put("M1", "b", colliding), colliding::toString);
    }
    var elsewhere =
        Map.of("NATS_URL", "nats://s:2", "STATE_REPL_SUBJECT", "x.e", "REPLAY_REQ_SUBJECT", "x.r");
    assertInstanceOf(LinkDecision.Opened.class, put("M1", "b", elsewhere));
    var alone = Map.of("STATE_REPL_SUBJECT", "x.e", "REPLAY_REQ_SUBJECT", "x.r");
    assertInstanceOf(LinkDecision.Opened.class, put("M1", "c", alone));
  }

  @Test
  void defaultsCountWhereALinkSetsNothingAndAreNeverIgnored() {
    var configured =
        new LinkTable(
            LinkValues.of(Map.of("NATS_URL", "nats://config", "REPLAY_HEARTBEAT_SECS", "7")));
    var opened =
        assertInstanceOf(
            LinkDecision.Opened.class,
            configured.put(
                LinkId.caller("M1", "default"), LinkValues.of(Map.of("NATS_URL", "nats://link"))));
    assertEquals("link", opened.settings().servers().getFirst().host());
    assertEquals(7, opened.settings().heartbeatSeconds());
    assertEquals(
        new LinkDecision.Joined(ACTUAL, List.of()),
        configured.put(LinkId.caller("M2", "default"), LinkValues.of(Map.of())));
  }

  @Test
  void linkWithoutActorIsRefused() {
    assertEquals(new LinkDecision.Refused("it names no peer"), put("", "default", SERVER));
  }

  @Test
  void numberOfLinksIsBounded() {
    for (int i = 0; i < LinkTable.LINKS_MAX; i++) {
      put("M" + i, "default", Map.of());
    }
    assertInstanceOf(LinkDecision.Refused.class, put("one more", "default", Map.of()));
    assertInstanceOf(
        LinkDecision.LinkKeysChanged.class,
        put("M1", "default", Map.of("MUTATION_REPLIES", "default")));
    table.delete(LinkId.caller("M1", "default"));
    assertInstanceOf(LinkDecision.Joined.class, put("one more", "default", Map.of()));
  }

  private static final String USER_SEED =
      "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

  private LinkDecision put(String actor, String linkName, Map<String, String> values) {
    return table.put(LinkId.caller(actor, linkName), LinkValues.of(values));
  }
}
