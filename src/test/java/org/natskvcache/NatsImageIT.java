package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.testcontainers.images.builder.ImageFromDockerfile;

/**
 * The Docker way of {@link NatsForTests}. Needs no registry: the image is made of this machine's
 * nats-server and the libraries it names; without one, of the image that the other tests use.
 */
class NatsImageIT {
  private static final Pattern LIBRARY = Pattern.compile("(/[^ ]+) \\(");

  @Test
  void serverInAContainerAnswersAndComesBack() throws Exception {
    boolean docker = NatsForTests.dockerAvailable();
    if (!docker) {
      System.err.println(
          "NOT RUN: NatsImageIT needs a Docker engine and found none; the other tests ran against"
              + " the nats-server program of this machine instead");
    }
    Assumptions.assumeTrue(docker, "no Docker engine");
    var program = NatsForTests.program();
    String image =
        program.isPresent()
            ? imageOf(program.get())
            : System.getenv().getOrDefault("NATS_IMAGE", "nats:2.12-alpine");
    try (var nats = NatsForTests.startInDocker(image)) {
      assertEquals('I', firstByte(nats.port()));
      nats.kill();
      nats.restart();
      assertEquals('I', firstByte(nats.port()));
    }
  }

  private static int firstByte(int port) throws IOException {
    try (var socket = new Socket("127.0.0.1", port)) {
      return socket.getInputStream().read();
    }
  }

  private static String imageOf(Path program) throws Exception {
    var image = new ImageFromDockerfile("nats-kvcache-test/nats-server:local", true);
    image.withFileFromPath("root/nats-server", program.toRealPath());
    Process ldd = new ProcessBuilder("ldd", program.toString()).redirectErrorStream(true).start();
    String text = new String(ldd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher library = LIBRARY.matcher(text);
    while (library.find()) {
      Path path = Path.of(library.group(1));
      if (Files.exists(path)) {
        image.withFileFromPath("root" + path, path.toRealPath());
      }
    }
    image.withFileFromString(
        "Dockerfile", "FROM scratch\nCOPY root /\nEXPOSE 4222\nENTRYPOINT [\"/nats-server\"]\n");
    return image.get();
  }
}
