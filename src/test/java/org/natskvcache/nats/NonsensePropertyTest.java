package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.nats.client.Options;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.HostData;
import org.natskvcache.provider.HostDataException;
import org.natskvcache.provider.InvalidSetting;
import org.natskvcache.provider.LinkSettings;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.provider.SettingOrder;
import org.natskvcache.rpc.wrpc.ControlCodec;
import org.natskvcache.rpc.wrpc.MalformedMessageException;

/**
 * Whatever a setting holds, by whichever way it comes: it is refused by name, or all that opening a
 * cache does with it works. Files that are missing or hold something else are no fault of a
 * setting, and end in the two exceptions that a connection is tried again after.
 */
class NonsensePropertyTest {
  private static final String SEED = TestNkeys.user().seed();

  /** Looked for in what is said of a setting, but for a file, whose name is no secret. */
  private static final String SECRET = "s3cret";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private static final List<String> NONSENSE =
      List.of(
          "",
          " ",
          "\t\r\n",
          "\0",
          "a\0s3cret",
          "\u0001\u001b[31m",
          "a\nb",
          "0",
          "-1",
          "+1",
          "1e9",
          "00001",
          "0x10",
          "99999999999999999999999",
          "9223372036854775808",
          "NaN",
          "\u0663",
          "1k",
          "999999999g",
          "true",
          "maybe",
          "null",
          "none",
          "{}",
          "[",
          "[\"SET@a\"]",
          "[[[[",
          "[".repeat(100_000),
          "*",
          ">",
          "a.>",
          ".",
          "..",
          "$SYS",
          "a b",
          "bücher",
          "\u2028",
          "\u00a0",
          "\ufeff",
          "\ud83d\ude00",
          "\ud800",
          "a\udc00b",
          "x".repeat(1_000_000),
          ",".repeat(100_000),
          "a,".repeat(10_000),
          "http://h",
          "ws://h",
          "wss://h/",
          "tls://h:1",
          "nats://",
          "nats://h:65536",
          "nats://h:",
          "nats://:1",
          "nats://[::1]:1",
          "nats://[::1",
          "nats://[fe80::1%25eth0]",
          "nats://[s3cret]",
          "nats://a_b",
          "nats://-a",
          "nats://a-",
          "nats://a.",
          "nats://1.2.3.4.5",
          "nats://0x7f.1",
          "nats://xn--",
          "nats://\ud800",
          "nats://u:\ud800@h",
          "nats://u:s3cret%@h",
          "nats://%zz@h",
          "nats://%00:%0a@h",
          "nats://%ff@h",
          "nats://@h",
          "nats://:@h",
          "nats://u:@h",
          "nats://a:s3cret@h1,nats://b:s3cret@h2",
          "nats://u:s3cret,x@h",
          "nats://h/s3cret@x",
          "nats://h?x=s3cret",
          "nats://h#s3cret",
          "://",
          "a/b://c",
          "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----",
          "-----BEGIN NATS USER JWT-----\ns3cret\n------END NATS USER JWT------",
          "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n" + SEED,
          SEED,
          SEED.toLowerCase(java.util.Locale.ROOT),
          SEED + SEED,
          TestNkeys.account().seed(),
          "a.b.c",
          "a.b.c\n",
          "..",
          "/",
          "/dev/null",
          "/dev/zero",
          "/dev/full",
          "/proc/self/mem",
          "/proc/self/environ",
          "/no/such/file",
          "~",
          "SET@",
          "SET@a,DEL",
          "lattice.state.events",
          "lattice.state.replay");

  private static CacheSettings check(LinkValues values) {
    return switch (LinkSettings.parse(values, "default")) {
      case LinkSettings.Parsed.Invalid(InvalidSetting problem) -> {
        String said = problem.toString();
        assertTrue(said.startsWith(problem.key().name()), said);
        assertTrue(values.value(problem.key()).isPresent() || overlaps(problem), said);
        assertFalse(said.contains(SECRET) || said.contains(SEED), said);
        assertTrue(said.chars().noneMatch(Character::isISOControl) && said.length() < 500, said);
        yield CacheSettings.standalone("default");
      }
      case LinkSettings.Parsed.Valid(LinkSettings settings) -> settings.cache();
    };
  }

  /** The subjects are checked together, and one of them may be the default. */
  private static boolean overlaps(InvalidSetting problem) {
    return problem.key() == SettingKey.REPLAY_REQ_SUBJECT;
  }

  /** All that opening does, but for waiting on the network. */
  private static void open(CacheSettings settings) {
    if (settings.isStandalone()) {
      try (var caches = new ReplicatedCaches(broken -> {})) {
        caches.open("default", settings);
      }
      return;
    }
    ReplicatedCaches.subjects(settings);
    connect(ReplicatedCaches.connection(settings));
  }

  private static void connect(ConnectionSettings connection) {
    var hosts = ServerCredentials.of(connection.servers()).hosts().toArray(String[]::new);
    assertFalse(new Options.Builder().servers(hosts).build().getNatsServerUris().isEmpty());
    assertFalse(connection.redacted().contains(SECRET), connection::redacted);
    assertFalse(connection.toString().contains(SEED), connection::toString);
    try {
      NkeyAuth.of(connection);
      TlsFiles.context(connection);
    } catch (IOException | GeneralSecurityException e) {
      assertTrue(String.valueOf(e.getMessage()).startsWith("NATS_"), e::toString);
      assertFalse(String.valueOf(e.getMessage()).contains(SEED), e::toString);
    }
  }

  private static LinkValues byHostData(Map<String, String> config, boolean wrpc) {
    try {
      Map<String, Object> data = new TreeMap<>();
      data.put("lattice_rpc_prefix", "default");
      data.put("provider_key", "kv");
      data.put("link_name", "default");
      data.put("secrets", wrpc ? secrets(config) : Map.of());
      data.put(wrpc ? "config" : "config_json", wrpc ? Map.of() : JSON.writeValueAsString(config));
      HostData host = read(data);
      return SettingOrder.ofProvider(host.secrets(), host.config(), Map.of());
    } catch (IOException | HostDataException e) {
      throw new AssertionError(e);
    }
  }

  private static Map<String, Object> secrets(Map<String, String> config) {
    Map<String, Object> secrets = new TreeMap<>();
    config.forEach((key, value) -> secrets.put(key, Map.of("kind", "String", "value", value)));
    return secrets;
  }

  private static HostData read(Map<String, Object> data) throws IOException, HostDataException {
    byte[] line = Base64.getEncoder().encode(JSON.writeValueAsString(data).getBytes(UTF_8));
    return HostData.read(new ByteArrayInputStream(line)).checkedForStart();
  }

  private static LinkValues byUpdate(Map<String, String> config) {
    try {
      byte[] message = JSON.writeValueAsString(config).getBytes(UTF_8);
      return SettingOrder.ofProvider(Map.of(), ControlCodec.config(message), Map.of());
    } catch (IOException | MalformedMessageException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource(SettingKey.class)
  void itIsRefusedByNameOrOpens(SettingKey key) {
    for (String value : NONSENSE) {
      for (Map<String, String> around :
          List.of(
              Map.<String, String>of(),
              Map.of("NATS_URL", "127.0.0.1:1"),
              Map.of("NATS_URL", "127.0.0.1:1", "CLIENT_SEED", SEED),
              Map.of("NATS_URL", "h", "NATS_CERT_FILE", "/c", "NATS_KEY_FILE", "/k"))) {
        Map<String, String> values = new TreeMap<>(around);
        values.put(key.name(), value);
        CacheSettings direct = check(LinkValues.of(values));
        if (!(direct.isStandalone() && around.size() > 0)) open(direct);
        assertEquals(direct, check(byHostData(values, true)), "secrets of a host 1.x");
        assertEquals(direct, check(byHostData(values, false)), "configuration of a host 0.x");
        assertEquals(direct, check(byUpdate(values)), "an update of the configuration");
      }
    }
  }

  @Test
  void manyAtOnceAreRefusedByNameOrOpen() {
    var random = new Random(1);
    for (int round = 0; round < 2_000; round++) {
      List<LinkValues> places = new ArrayList<>();
      for (int place = 0; place < 3; place++) {
        Map<String, String> values = new TreeMap<>();
        for (int i = 0; i < 4; i++) {
          SettingKey key = SettingKey.values()[random.nextInt(SettingKey.values().length)];
          String value = NONSENSE.get(random.nextInt(NONSENSE.size()));
          if (value.length() < 1_000) values.put(key.name(), value);
        }
        places.add(LinkValues.of(values));
      }
      places.add(LinkValues.of(Map.of("NATS_URL", "127.0.0.1:1")));
      open(check(LinkValues.layered(places)));
    }
  }

  @Test
  void hostDataIsRefusedByNameOrConnectsWith() throws IOException {
    for (String member :
        List.of("lattice_rpc_url", "lattice_rpc_user_jwt", "lattice_rpc_user_seed")) {
      for (String value : NONSENSE) {
        for (boolean seed : new boolean[] {false, true}) {
          Map<String, Object> data = new TreeMap<>();
          data.put("lattice_rpc_prefix", "default");
          data.put("provider_key", "kv");
          data.put("link_name", "default");
          if (seed) data.put("lattice_rpc_user_seed", SEED);
          data.put(member, value);
          try {
            HostData host = read(data);
            connect(
                ReplicatedCaches.connection(
                    host.latticeServers(), host.userJwt(), host.userSeed()));
          } catch (HostDataException e) {
            String said = String.valueOf(e.getMessage());
            assertTrue(said.startsWith(member + " "), said);
            assertFalse(said.contains(SECRET) || said.contains(SEED), said);
          }
        }
      }
    }
  }
}
