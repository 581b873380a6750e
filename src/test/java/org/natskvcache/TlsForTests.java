package org.natskvcache;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Certificates and keys of {@code src/test/resources/tls}, and a NATS server that uses them. */
public final class TlsForTests {
  /** For the server's configuration; what else there is to say of TLS takes the place of %s. */
  public static final String SERVER =
      "tls { cert_file: \"$DIR/server.pem\", key_file: \"$DIR/server-key.pem\" %s }\n";

  private TlsForTests() {}

  public static Path file(String name) {
    try {
      return Path.of(Objects.requireNonNull(TlsForTests.class.getResource("/tls/" + name)).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The files that a server's configuration may name, see {@link NatsForTests#start}. */
  public static Map<String, byte[]> serverFiles() {
    Map<String, byte[]> files = new HashMap<>();
    for (String name :
        List.of("server.pem", "server-key.pem", "elsewhere.pem", "elsewhere-key.pem", "ca.pem")) {
      try {
        files.put(name, Files.readAllBytes(file(name)));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
    return files;
  }
}
