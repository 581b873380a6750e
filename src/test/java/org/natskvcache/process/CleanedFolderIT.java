package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.process.WrpcProvider.link;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.TlsForTests;

/** A cleaner of temporary files and the folder that the executable has unpacked itself into. */
class CleanedFolderIT {
  private static final String US = "kv-cache";

  @TempDir private Path folder;

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private WrpcProvider start() {
    HostDataLine hostData = HostDataLine.ofOne(fixture.nats).with("link_definitions", List.of());
    Map<String, String> environment = Map.of("PROVIDER_CACHE_DIR", folder.toString());
    return fixture.open(
        new WrpcProvider(
            fixture.host, hostData, ProviderProcess.start(environment, hostData.line())));
  }

  private List<Path> files() {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void makeOld() {
    for (Path each : files()) {
      try {
        Files.setLastModifiedTime(each, FileTime.from(Instant.now().minus(Duration.ofDays(8))));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** As {@code find folder -type f -mtime +7 -delete}. */
  private int clean() throws Exception {
    var find =
        new ProcessBuilder("find", folder.toString(), "-type", "f", "-mtime", "+7", "-delete");
    assertEquals(0, find.inheritIO().start().waitFor());
    return files().size();
  }

  private void awaitYoung() {
    until(
        "files whose time was renewed",
        () -> {
          for (Path each : files()) {
            try {
              Instant at = Files.getLastModifiedTime(each).toInstant();
              if (at.isBefore(Instant.now().minus(Duration.ofDays(1)))) return false;
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
          return true;
        });
  }

  /** Unpacks, and leaves the copy as it is a week later. */
  private void unpackAWeekAgo() {
    assertEquals(
        0,
        ProviderProcess.start(Map.of("PROVIDER_CACHE_DIR", folder.toString()), "", "--version")
            .awaitExit());
    assumeTrue(!files().isEmpty(), "this form of the executable unpacks nothing");
    makeOld();
  }

  @Test
  void runningProcessKeepsItsFilesYoung() throws Exception {
    unpackAWeekAgo();
    int count = files().size();
    start().awaitHealth(true, "");
    awaitYoung();
    assertEquals(count, clean());
  }

  /** The first link with TLS comes when no file of the copy is left. */
  @Test
  void processOutlivesItsFiles() throws Exception {
    unpackAWeekAgo();
    WrpcProvider provider = start();
    provider.awaitHealth(true, "");
    awaitYoung(); // and has read what it may need
    makeOld();
    assertEquals(0, clean());
    NatsForTests server =
        fixture.open(
            NatsForTests.start(TlsForTests.SERVER.formatted(""), TlsForTests.serverFiles()));
    String url = server.url().replace("nats://", "tls://");
    Map<String, String> systemsTrust = ProviderFixture.replicated(url);
    provider.put(
        link(
            "counter",
            US,
            "default",
            ProviderFixture.with(
                systemsTrust, "NATS_CA_FILE", TlsForTests.file("ca.pem").toString())));
    provider.awaitHealth(true, "link default: live");
    provider.put(link("stranger", US, "stranger", systemsTrust));
    provider.awaitHealth(false, "link stranger: ");
    provider.process.awaitLog(
        "PKIX path building failed"); // it knows authorities, and not this one
    assertTrue(
        provider.process.log().stream().noneMatch(line -> line.contains("Error")),
        () -> provider.process.log().toString());
  }
}
