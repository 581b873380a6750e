package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectionSettingsTest {
  @Test
  void addressesWithoutASchemeAreNats() {
    assertEquals(
        List.of("nats://a:4222", "tls://b"), ConnectionSettings.of(" a:4222, tls://b,").servers());
  }

  @ParameterizedTest
  @CsvSource({
    "nats://host:4222, nats://host:4222",
    "nats://user:secret@host, nats://***@host",
    "nats://token@host:1, nats://***@host:1",
    "user:secret@host, ***@host",
    "nats://us@er:sec/ret@host, nats://***@host",
    "nats://secret@, nats://***@",
    "'nats://a:secret@b,tls://secret@c', 'nats://***@b,tls://***@c'",
    "'', ''"
  })
  void redactsWhatStandsBeforeTheHost(String url, String shown) {
    assertEquals(shown, ConnectionSettings.redacted(url));
  }

  @Test
  void showsNoSecret() {
    var settings =
        ConnectionSettings.of("nats://user:secret@host").withCredentials("secret.jwt", "secret");
    assertFalse(settings.toString().contains("secret"), settings.toString());
    assertFalse(ServerCredentials.of(settings.servers()).toString().contains("secret"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " , ", "http://host", "nats://a:1@b,nats://a:2@c"})
  void refusesWhatIsNoListOfServers(String urls) {
    var e = assertThrows(IllegalArgumentException.class, () -> ConnectionSettings.of(urls));
    assertFalse(e.getMessage().contains("host"), e.getMessage());
  }

  @Test
  void refusesHalvesOfCredentials() {
    var plain = ConnectionSettings.of("host");
    var path = Path.of("x");
    assertThrows(IllegalArgumentException.class, () -> plain.withCredentials("jwt", null));
    assertThrows(IllegalArgumentException.class, () -> plain.withTls(null, path, null));
    assertThrows(IllegalArgumentException.class, () -> plain.withTls(null, null, path));
  }

  @Test
  void insistsOnTlsWhenAskedForInAnyWay() {
    assertFalse(ConnectionSettings.of("nats://a").tls());
    assertTrue(ConnectionSettings.of("nats://a,TLS://b").tls());
    assertTrue(ConnectionSettings.of("a").withTls(Path.of("ca.pem"), null, null).tls());
  }

  @ParameterizedTest
  @CsvSource({
    "nats://us%40er:p%3Aw+d%25@h, us@er, p:w+d%",
    "nats://u:@h, u, ''",
    "nats://u:half%, u, half%",
    "nats://u:100%@h, u, 100%"
  })
  void decodesUserAndPassword(String url, String user, String password) {
    String withHost = url.contains("@") ? url : url + "@h";
    var credentials = ServerCredentials.of(List.of(withHost, "nats://other"));
    assertEquals(user, credentials.user());
    assertEquals(password, credentials.secret());
    assertEquals(List.of("nats://h", "nats://other"), credentials.hosts());
  }

  @Test
  void aLoneWordBeforeTheHostIsAToken() {
    var credentials = ServerCredentials.of(List.of("nats://tok%2Fen@h:4222"));
    assertNull(credentials.user());
    assertEquals("tok/en", credentials.secret());
  }
}
