package org.natskvcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.natskvcache.NatsForTests;
import org.natskvcache.TlsForTests;
import org.natskvcache.nats.CredsFile;
import org.natskvcache.nats.TestNkeys;
import org.natskvcache.nats.TlsFiles;

/** Every way in, against a real server. */
class WireIT {
  @TempDir Path folder;

  private static NatsForTests server(String config) {
    return NatsForTests.start(config, TlsForTests.serverFiles());
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
    SSLContext tls = TlsFiles.context(TlsForTests.file("ca.pem"), null, null);
    Access access = Access.of(CredsFile.read(credentials(user.seed() + "\n")), tls);
    String users = "authorization { users: [ { nkey: " + user.publicKey() + " } ] }\n";
    try (NatsForTests nats = server(TlsForTests.SERVER.formatted("") + users)) {
      assertSpeaks(nats.url(), access);
      assertSpeaks(nats.url().replace("nats://", "tls://"), access);
    }
    assertFalse(access.toString().contains(user.seed()), "the seed shows");
  }

  @Test
  void certificateOfOurs() throws Exception {
    SSLContext tls =
        TlsFiles.context(
            TlsForTests.file("ca.pem"),
            TlsForTests.file("client.pem"),
            TlsForTests.file("client-key.pem"));
    try (NatsForTests nats =
        server(TlsForTests.SERVER.formatted(", ca_file: \"$DIR/ca.pem\", verify: true"))) {
      assertSpeaks(nats.url(), new Access(null, null, tls));
    }
  }

  @Test
  void jwtAndItsSeed() throws Exception {
    TestNkeys operator = TestNkeys.operator();
    TestNkeys account = TestNkeys.account();
    TestNkeys user = TestNkeys.user();
    String config = operator.serverConfig(account);
    try (NatsForTests nats = server(config)) {
      Path file = credentials(creds(account.userJwt(user), user));
      assertSpeaks(nats.url(), Access.of(CredsFile.read(file), null));
      assertThrows(IOException.class, () -> Wire.connect(nats.url(), Access.OPEN));
    }
  }

  @Test
  void serverOfAnotherAuthorityIsRefused() throws Exception {
    Access access =
        new Access(null, null, TlsFiles.context(TlsForTests.file("other-ca.pem"), null, null));
    try (NatsForTests nats = server(TlsForTests.SERVER.formatted(""))) {
      IOException refused = assertThrows(IOException.class, () -> Wire.connect(nats.url(), access));
      assertTrue(refused.getMessage().contains("PKIX"), refused::toString);
    }
  }

  @Test
  void fileWithoutASeedIsRefusedAndNotRepeated() throws Exception {
    Path file = credentials("secret words");
    IOException refused = assertThrows(IOException.class, () -> CredsFile.read(file));
    assertTrue(refused.getMessage().contains("no seed"), refused::toString);
    assertFalse(refused.getMessage().contains("secret words"), refused::toString);
  }
}
