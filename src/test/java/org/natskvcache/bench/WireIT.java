package org.natskvcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.natskvcache.NatsForTests;
import org.natskvcache.nats.TestNkeys;
import org.natskvcache.nats.TlsFiles;

/** Every way in, against a real server. */
class WireIT {
  private static final String TLS =
      "tls { cert_file: \"$DIR/server.pem\", key_file: \"$DIR/server-key.pem\" %s }\n";

  @TempDir Path folder;

  private static Path resource(String name) throws Exception {
    return Path.of(Objects.requireNonNull(WireIT.class.getResource("/tls/" + name)).toURI());
  }

  private static NatsForTests server(String config) throws Exception {
    Map<String, byte[]> files = new HashMap<>();
    for (String name : new String[] {"server.pem", "server-key.pem", "ca.pem"}) {
      files.put(name, Files.readAllBytes(resource(name)));
    }
    return NatsForTests.start(config, files);
  }

  private Path credentials(String text) throws IOException {
    return Files.writeString(folder.resolve("user.creds"), text);
  }

  private static String creds(String jwt, TestNkeys user) {
    return "-----BEGIN NATS USER JWT-----\n"
        + jwt
        + "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n"
        + user.seed()
        + "\n------END USER NKEY SEED------\n";
  }

  /** Sends a message to itself. */
  private static void assertSpeaks(String url, Access access) throws IOException {
    try (Wire wire = Wire.connect(url, access)) {
      wire.subscribe("here");
      byte[] body = "hello".repeat(20_000).getBytes(StandardCharsets.US_ASCII);
      wire.publish(false).raw("here".getBytes(StandardCharsets.US_ASCII)).body(new byte[0], body);
      wire.flush();
      int[] bytes = {0};
      for (long end = System.nanoTime() + 10_000_000_000L; bytes[0] == 0; ) {
        assertTrue(System.nanoTime() < end, "nothing came");
        wire.read();
        wire.dispatch(message -> bytes[0] += message.bodyLength);
      }
      assertEquals(body.length, bytes[0]);
    }
  }

  @Test
  void seedAloneByTlsToAServerOfOurAuthority() throws Exception {
    TestNkeys user = TestNkeys.user();
    SSLContext tls = TlsFiles.context(resource("ca.pem"), null, null);
    Access access = Access.of(credentials(user.seed() + "\n"), tls);
    String users = "authorization { users: [ { nkey: " + user.publicKey() + " } ] }\n";
    try (NatsForTests nats = server(TLS.formatted("") + users)) {
      assertSpeaks(nats.url(), access);
      assertSpeaks(nats.url().replace("nats://", "tls://"), access);
    }
    assertFalse(access.toString().contains(user.seed()), "the seed shows");
  }

  @Test
  void certificateOfOurs() throws Exception {
    SSLContext tls =
        TlsFiles.context(resource("ca.pem"), resource("client.pem"), resource("client-key.pem"));
    try (NatsForTests nats = server(TLS.formatted(", ca_file: \"$DIR/ca.pem\", verify: true"))) {
      assertSpeaks(nats.url(), new Access(null, null, tls));
    }
  }

  @Test
  void jwtAndItsSeed() throws Exception {
    TestNkeys operator = TestNkeys.operator();
    TestNkeys account = TestNkeys.account();
    TestNkeys user = TestNkeys.user();
    String config =
        "operator: "
            + operator.operatorJwt()
            + "\nresolver: MEMORY\nresolver_preload: { "
            + account.publicKey()
            + ": "
            + operator.accountJwt(account)
            + " }\n";
    try (NatsForTests nats = server(config)) {
      assertSpeaks(nats.url(), Access.of(credentials(creds(account.userJwt(user), user)), null));
      assertThrows(IOException.class, () -> Wire.connect(nats.url(), Access.OPEN));
    }
  }

  @Test
  void serverOfAnotherAuthorityIsRefused() throws Exception {
    Access access = new Access(null, null, TlsFiles.context(resource("other-ca.pem"), null, null));
    try (NatsForTests nats = server(TLS.formatted(""))) {
      IOException refused = assertThrows(IOException.class, () -> Wire.connect(nats.url(), access));
      assertTrue(refused.getMessage().contains("PKIX"), refused::toString);
    }
  }

  @Test
  void fileWithoutASeedIsRefusedAndNotRepeated() throws Exception {
    Path file = credentials("secret words");
    IOException refused = assertThrows(IOException.class, () -> Access.of(file, null));
    assertTrue(refused.getMessage().contains("no seed"), refused::toString);
    assertFalse(refused.getMessage().contains("secret words"), refused::toString);
  }
}
