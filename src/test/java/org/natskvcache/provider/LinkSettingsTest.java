package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.rpc.MutationReplies;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Capacity;

class LinkSettingsTest {
  /** A public test seed of a user, from the nkeys documentation; guards nothing. */
  private static final String USER_SEED =
      "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

  /** A replication key of the test vectors; guards nothing. */
  private static final String KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

  @Test
  void nothingSetIsStandaloneWithDefaults() {
    LinkSettings settings = valid(Map.of());
    assertTrue(settings.cache().isStandalone());
    assertEquals("lattice.state.events", settings.cache().stateSubject());
    assertEquals("lattice.state.replay", settings.cache().replaySubject());
    assertEquals(60, settings.cache().heartbeatSeconds());
    assertEquals(Integer.MAX_VALUE, settings.cache().entryBytesMax());
    assertEquals(MutationReplies.ACTUAL, settings.keys().mutationReplies());
    assertEquals(CacheSettings.standalone("default"), settings.cache());
  }

  @Test
  void everyKeyIsReadInAnyCase() {
    CacheSettings cache =
        valid(
                Map.ofEntries(
                    Map.entry("nats_url", " nats://a:1 , tls://B "),
                    Map.entry("Client_Seed", USER_SEED),
                    Map.entry("CLIENT_JWT", "a.b.c"),
                    Map.entry("state_repl_subject", "s.e"),
                    Map.entry("replay_req_subject", "s.r"),
                    Map.entry("Replay_Heartbeat_Secs", "5"),
                    Map.entry("NATS_CA_FILE", "/ca"),
                    Map.entry("NATS_CERT_FILE", "/cert"),
                    Map.entry("nats_key_file", "/key"),
                    Map.entry("value_bytes_max", "1000"),
                    Map.entry("nats_ignore_discovered", "TRUE"),
                    Map.entry("Replication_Key", "none, " + KEY)))
            .cache();
    var expected =
        new CacheSettings(
            List.of(new ServerUrl("nats", "", "a", 1), new ServerUrl("tls", "", "b", 4222)),
            "a.b.c",
            USER_SEED,
            "",
            "s.e",
            "s.r",
            5,
            "/ca",
            "/cert",
            "/key",
            1000,
            CacheSettings.BY_HEAP,
            Capacity.NONE,
            Capacity.Eviction.NONE,
            ClockLimits.DEFAULTS,
            true,
            FrameKeys.replication("none," + KEY));
    assertEquals(expected, cache);
    assertEquals(Nkey.Role.USER, Nkey.parseSeed(USER_SEED).orElseThrow().role());
  }

  @ParameterizedTest
  @CsvSource({
    "1048576, 1048576",
    "2000k, 2048000",
    "64m, 67108864",
    "64MB, 67108864",
    "3GiB, 3221225472",
    "999999999g, 1073741822926258176",
    "0, 9223372036854775807",
    "0m, 9223372036854775807"
  })
  void memoryIsReadWithItsUnit(String text, long bytes) {
    assertEquals(bytes, valid(Map.of("max_memory", text)).cache().memoryBytesMax());
  }

  @Test
  void otherLimitsAreRead() {
    CacheSettings cache = valid(Map.of("Max_Entries", "12", "EVICTION", "LRU")).cache();
    assertEquals(12, cache.entriesMax());
    assertEquals(Capacity.Eviction.LRU, cache.eviction());
    assertEquals(Capacity.NONE, valid(Map.of("MAX_ENTRIES", "0")).cache().entriesMax());
    assertEquals(Capacity.Eviction.NONE, valid(Map.of("EVICTION", "none")).cache().eviction());
  }

  @Test
  void clockLimitsAreMilliseconds() {
    var values = Map.of("clock_skew_warn_millis", "7", "CLOCK_SKEW_MAX_MILLIS", "70");
    assertEquals(new ClockLimits(7, 70), valid(values).cache().clocks());
  }

  @Test
  void unknownKeysAndBlankValuesAreNone() {
    assertEquals(
        valid(Map.of()),
        valid(Map.of("colour", "red", "FOO", "bar", "NATS_URL", "", "CLIENT_SEED", " ")));
  }

  @Test
  void ofTwoSpellingsCapitalsWin() {
    assertEquals(
        5,
        valid(Map.of("replay_heartbeat_secs", "7", "REPLAY_HEARTBEAT_SECS", "5"))
            .cache()
            .heartbeatSeconds());
  }

  @Test
  void theNearestPlaceWinsForEachKeyAlone() {
    LinkValues flags =
        LinkValues.of(Map.of("NATS_URL", "flag", "VALUE_BYTES_MAX", "4", "NATS_CA_FILE", "flag"));
    LinkValues environment =
        LinkValues.of(Map.of("nats_url", "environment", "VALUE_BYTES_MAX", "3"));
    LinkValues config = LinkValues.of(Map.of("NATS_URL", "config", "VALUE_BYTES_MAX", "2"));
    LinkValues link = LinkValues.of(Map.of("nats_url", "link", "VALUE_BYTES_MAX", " "));
    LinkValues all = LinkValues.layered(List.of(link, config, environment, flags));
    assertEquals("link", all.value(SettingKey.NATS_URL).orElseThrow());
    assertEquals("2", all.value(SettingKey.VALUE_BYTES_MAX).orElseThrow());
    assertEquals("flag", all.value(SettingKey.NATS_CA_FILE).orElseThrow());
  }

  @ParameterizedTest
  @CsvSource({
    "default, lattice.state.events",
    "'', lattice.state.events",
    "cache-2_B, lattice.state.events.link.cache-2_B",
    "a.b, lattice.state.events.link.a=2Eb",
    "a*, lattice.state.events.link.a=2A",
    "é, lattice.state.events.link.=C3=A9",
    "=, lattice.state.events.link.=3D",
    "Default, lattice.state.events.link.Default"
  })
  void subjectDefaultsDependOnTheLinkName(String linkName, String expected) {
    var parsed = LinkSettings.parse(LinkValues.of(Map.of()), linkName);
    CacheSettings cache =
        assertInstanceOf(LinkSettings.Parsed.Valid.class, parsed).settings().cache();
    assertEquals(expected, cache.stateSubject());
    assertEquals(expected.replace("events", "replay"), cache.replaySubject());
  }

  @ParameterizedTest
  @CsvSource({
    "'a,', nats://a:4222",
    "',, a ,', nats://a:4222",
    "ws://a:80, ws://a:80",
    "wss://a, wss://a:4222",
    "nats://@a, nats://a:4222",
    "a, nats://a:4222",
    "a:1, nats://a:1",
    "nats://a, nats://a:4222",
    "TLS://A:9, tls://a:9",
    "nats://u:p@a:1/, nats://u:p@a:1",
    "token@a, nats://token@a:4222",
    "[::1]:5, nats://[::1]:5",
    "127.0.0.1, nats://127.0.0.1:4222"
  })
  void addressesAreReadInTheseForms(String text, String url) {
    assertEquals(url, valid(Map.of("NATS_URL", text)).cache().servers().getFirst().url());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a:0 | is wrong: the port is no number from 1 to 65535",
        "a:65536 | is wrong: the port is no number from 1 to 65535",
        "a:x | is wrong: the port is no number from 1 to 65535",
        "a:-1 | is wrong: the port is no number from 1 to 65535",
        "::1 | is wrong: an IPv6 address stands in brackets",
        "[::1 | is wrong: an IPv6 address stands in brackets",
        "http://a | is wrong: the scheme http is none of nats, tls, ws, wss",
        "a/b://c | is wrong: the scheme is none of nats, tls, ws, wss",
        "?:// | is wrong: the scheme is none of nats, tls, ws, wss",
        "nats:// | is wrong: it names no host",
        ":4222 | is wrong: it names no host",
        "nats:///p | is wrong: only [LOGIN@]HOST[:PORT] may stand behind the scheme",
        "nats://a/path | is wrong: only [LOGIN@]HOST[:PORT] may stand behind the scheme",
        "nats://a?x=1 | is wrong: only [LOGIN@]HOST[:PORT] may stand behind the scheme",
        "',' | names no server",
        "a b | is wrong: the host name holds white space",
        "a_b:1 | is wrong: the host name a_b holds _, which host names do not have; use another name or the address",
        "a,b,u.c_d | is wrong in server 3 of 3: the host name u.c_d holds _, which host names do not have; use another name or the address",
        "bücher | is wrong: the host name bücher holds a character outside ASCII; write it as xn--...",
        "256.1.1.1 | is wrong: the host name 256.1.1.1 is none, and no address",
        "a..b | is wrong: the host name a..b is none, and no address",
        "nats://u:secret@a_b | is wrong: the host name a_b holds _, which host names do not have; use another name or the address",
        "nats://u:se cret@a | is wrong: the login holds a character that has to be written as % and two digits",
        "nats://u:secret%@a | is wrong: the login holds a character that has to be written as % and two digits",
        "nats://u:secret@a,nats://u:secret@b_c | is wrong in server 2 of 2: the host name holds _, which host names do not have; use another name or the address",
        "nats://u:secret@a,secret:secret,x@b | is wrong in server 2 of 3: the port is no number from 1 to 65535",
        "nats://u:secret@a,secret:123,x@b | has servers with different logins; one list has one login",
        "nats://a:secret@h1,nats://b:secret@h2 | has servers with different logins; one list has one login",
        "nats://me:secret@h,secret@h2 | has servers with different logins; one list has one login",
      })
  void otherAddressesAreRefusedWithThePartThatIsWrong(String url, String reason) {
    InvalidSetting problem = invalid(Map.of("NATS_URL", url));
    assertEquals("NATS_URL " + reason, problem.toString());
  }

  @Test
  void aLaterServerMayLeaveTheLoginOut() {
    assertEquals(2, valid(Map.of("NATS_URL", "nats://u:p@a,b")).cache().servers().size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "REPLAY_HEARTBEAT_SECS | 0 | from 1 to 86400",
        "CLOCK_SKEW_WARN_MILLIS | 0 | whole number",
        "CLOCK_SKEW_MAX_MILLIS | 1s | whole number",
        "REPLAY_HEARTBEAT_SECS | 86401 | from 1 to 86400",
        "REPLAY_HEARTBEAT_SECS | -1 | whole number",
        "REPLAY_HEARTBEAT_SECS | 1.5 | whole number",
        "REPLAY_HEARTBEAT_SECS | 99999999999999999999 | whole number",
        "REPLAY_HEARTBEAT_SECS | ٣ | whole number",
        "VALUE_BYTES_MAX | 0 | whole number",
        "VALUE_BYTES_MAX | many | whole number",
        "MAX_MEMORY | 1048575 | at least 1m",
        "MAX_MEMORY | 1023k | at least 1m",
        "MAX_MEMORY | lots | at least 1m",
        "MAX_MEMORY | -1 | at least 1m",
        "MAX_MEMORY | 1.5g | at least 1m",
        "MAX_MEMORY | 1t | at least 1m",
        "MAX_MEMORY | 12345678901234567890 | at least 1m",
        "MAX_ENTRIES | few | whole number",
        "MAX_ENTRIES | -1 | whole number",
        "EVICTION | allkeys-lru | neither none nor lru",
        "MUTATION_REPLIES | sometimes | neither actual nor default",
        "STATE_REPL_SUBJECT | a.* | wildcard",
        "STATE_REPL_SUBJECT | a.> | wildcard",
        "STATE_REPL_SUBJECT | a..b | empty token",
        "STATE_REPL_SUBJECT | .a | empty token",
        "STATE_REPL_SUBJECT | a. | empty token",
        "STATE_REPL_SUBJECT | a b | white space",
        "STATE_REPL_SUBJECT | $SYS.x | server's own",
        "REPLAY_REQ_SUBJECT | a\tb | white space",
        "REPLAY_REQ_SUBJECT | lattice.state.events | overlaps",
        "REPLAY_REQ_SUBJECT | lattice.state | overlaps",
        "REPLAY_REQ_SUBJECT | lattice.state.events.hb | overlaps",
        "STATE_REPL_SUBJECT | lattice.state.replay.all | overlaps",
        "STATE_REPL_SUBJECT | lattice.state.replay.observer.any | overlaps",
        "CLIENT_SEED | secret | seed of a user",
        "CLIENT_JWT | secret | not a JWT",
        "CLIENT_JWT | a.b.c | needs CLIENT_SEED",
        "NATS_CERT_FILE | /c | certificate and its key",
        "NATS_KEY_FILE | /k | certificate and its key",
        "REPLICATION_KEY | secret | neither none nor a key of 43 characters",
        "REPLICATION_KEY | none,none | the same entry twice",
        "REPLICATION_KEY | none,secret,secret | more than two entries",
      })
  void invalidValuesAreRefusedWithKeyAndReason(String key, String value, String reason) {
    InvalidSetting problem = invalid(Map.of(key, value));
    assertTrue(problem.reason().contains(reason), problem::toString);
    if (!reason.equals("overlaps")) {
      assertEquals(key, problem.key().name());
    }
    assertFalse(problem.toString().contains("secret"));
  }

  @Test
  void subjectLengthIsBounded() {
    assertEquals(
        SettingKey.STATE_REPL_SUBJECT,
        invalid(Map.of("STATE_REPL_SUBJECT", "a".repeat(1025))).key());
  }

  @Test
  void seedsOfOtherRolesAreRefused() {
    assertEquals(
        SettingKey.CLIENT_SEED, invalid(Map.of("CLIENT_SEED", Vectors.key("cluster_seed"))).key());
    String typo = USER_SEED.replace("SSL3", "SSL4");
    assertEquals(SettingKey.CLIENT_SEED, invalid(Map.of("CLIENT_SEED", typo)).key());
  }

  @Test
  void seedAloneIsFine() {
    assertEquals(USER_SEED, valid(Map.of("CLIENT_SEED", USER_SEED)).cache().seed());
  }

  @ParameterizedTest
  @CsvSource({"actual,ACTUAL", "Default,DEFAULT", "DEFAULT,DEFAULT"})
  void mutationReplies(String text, MutationReplies expected) {
    assertEquals(expected, valid(Map.of("mutation_replies", text)).keys().mutationReplies());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nats://user:secret,more@host",
        "nats://user:12345,secret@host",
        "nats://tok,secret@host",
        "host,secret@host"
      })
  void aLoginCutByACommaIsRefused(String url) {
    InvalidSetting problem = invalid(Map.of("NATS_URL", url));
    assertEquals(
        "has a login in a later server only; a comma in a password is written %2C",
        problem.reason());
  }

  @ParameterizedTest
  @ValueSource(strings = {"NATS_CREDS_FILE", "NATS_CA_FILE", "NATS_CERT_FILE", "NATS_KEY_FILE"})
  void aFilesContentInPlaceOfItsNameIsRefused(String key) {
    for (String content :
        List.of(
            "-----BEGIN PRIVATE KEY-----\nsecret",
            "-----BEGIN secret",
            "a\0secret",
            USER_SEED,
            "eyJsecret.b.c")) {
      InvalidSetting problem = invalid(Map.of(key, content));
      assertEquals(key + " is not the name of a file", problem.toString());
    }
  }

  @Test
  void nothingPrintsASecret() {
    Map<String, String> values =
        Map.of(
            "NATS_URL",
            "nats://me:secretpass@h,me:secretpass@h2",
            "CLIENT_SEED",
            USER_SEED,
            "CLIENT_JWT",
            "secret.jw.t",
            "REPLICATION_KEY",
            KEY);
    LinkSettings settings = valid(values);
    String printed =
        settings
            + " "
            + settings.cache()
            + " "
            + LinkValues.of(values)
            + " "
            + settings.cache().servers();
    assertFalse(printed.contains("secret"), printed);
    assertFalse(printed.contains(USER_SEED), printed);
    for (String key : List.of(KEY, FrameKeys.replication(KEY).inspectionSetting())) {
      assertFalse(printed.contains(key.substring(0, 8)), printed);
    }
    assertTrue(printed.contains("write:0c28e573"), "the id may be known: " + printed);
    assertNotEquals(
        settings.cache().servers().getFirst().url(),
        settings.cache().servers().getFirst().toString());
  }

  /** As nsc writes it. */
  private static final String CREDS =
      """
      -----BEGIN NATS USER JWT-----
      secret.jw.t
      ------END NATS USER JWT------

      ************************* IMPORTANT *************************
      -----BEGIN USER NKEY SEED-----
      %s
      ------END USER NKEY SEED------
      """
          .formatted(USER_SEED);

  @Test
  void credentialsAreTakenApart() {
    CacheSettings cache = valid(Map.of("NATS_CREDS", CREDS)).cache();
    assertEquals(USER_SEED, cache.seed());
    assertEquals("secret.jw.t", cache.jwt());
    assertEquals("", valid(Map.of("nats_creds", USER_SEED)).cache().jwt());
    assertEquals("/c", valid(Map.of("NATS_CREDS_FILE", "/c")).cache().credsFile());
  }

  @Test
  void loginsOfOnePlaceDoNotGoTogether() {
    for (String other : List.of("CLIENT_SEED", "NATS_CREDS_FILE")) {
      InvalidSetting problem =
          invalid(Map.of("NATS_CREDS", CREDS, other, other.endsWith("FILE") ? "/c" : USER_SEED));
      assertEquals("NATS_CREDS does not go together with " + other, problem.toString());
    }
    assertEquals(
        "NATS_CREDS_FILE does not go together with CLIENT_SEED",
        invalid(Map.of("NATS_CREDS_FILE", "/c", "CLIENT_SEED", USER_SEED)).toString());
    assertEquals(
        "NATS_CREDS holds no seed of a user (SU...)",
        invalid(Map.of("NATS_CREDS", "secret")).toString());
  }

  @Test
  void replicationKeyMakesFrameKeys() {
    assertEquals(FrameKeys.NONE, valid(Map.of()).cache().frameKeys());
    assertEquals(FrameKeys.NONE, valid(Map.of("REPLICATION_KEY", "none")).cache().frameKeys());
    assertEquals(
        FrameKeys.replication(KEY), valid(Map.of("replication_key", KEY)).cache().frameKeys());
  }

  @Test
  void anInstanceIgnoresInspectionKeys() {
    CacheSettings cache = valid(Map.of("INSPECTION_KEY", "secret")).cache();
    assertEquals(CacheSettings.standalone("default"), cache);
    var link = LinkSettings.parse(LinkValues.of(Map.of("INSPECTION_KEY", KEY)), "default");
    assertEquals(new LinkSettings.Parsed.Valid(valid(Map.of())), link);
  }

  @Test
  void whoLooksTakesTheInspectionKeyOrDerivesIt() {
    FrameKeys instance = FrameKeys.replication(KEY);
    String inspection = instance.inspectionSetting();
    assertEquals(instance.toInspect(), toInspect(Map.of("REPLICATION_KEY", KEY)));
    assertEquals(instance.toInspect(), toInspect(Map.of("INSPECTION_KEY", inspection)));
    assertEquals(
        instance.toInspect(),
        toInspect(Map.of("INSPECTION_KEY", inspection, "REPLICATION_KEY", "secret")));
    assertEquals(
        FrameKeys.NONE, toInspect(Map.of("INSPECTION_KEY", "none", "REPLICATION_KEY", KEY)));
    assertEquals(FrameKeys.NONE, toInspect(Map.of()));
  }

  private static FrameKeys toInspect(Map<String, String> values) {
    var parsed = LinkSettings.parseToInspect(LinkValues.of(values), "default");
    return assertInstanceOf(LinkSettings.Parsed.Valid.class, parsed, parsed::toString)
        .settings()
        .cache()
        .frameKeys();
  }

  @Test
  void aWrongInspectionKeyIsNamed() {
    var parsed =
        LinkSettings.parseToInspect(LinkValues.of(Map.of("INSPECTION_KEY", "secret")), "default");
    var problem = assertInstanceOf(LinkSettings.Parsed.Invalid.class, parsed).problem();
    assertEquals(SettingKey.INSPECTION_KEY, problem.key());
    assertFalse(problem.toString().contains("secret"));
  }

  private static LinkSettings valid(Map<String, String> values) {
    var parsed = LinkSettings.parse(LinkValues.of(values), "default");
    return assertInstanceOf(LinkSettings.Parsed.Valid.class, parsed, parsed::toString).settings();
  }

  private static InvalidSetting invalid(Map<String, String> values) {
    var parsed = LinkSettings.parse(LinkValues.of(values), "default");
    return assertInstanceOf(LinkSettings.Parsed.Invalid.class, parsed, parsed::toString).problem();
  }
}
