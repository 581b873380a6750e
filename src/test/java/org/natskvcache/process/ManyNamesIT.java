package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.process.WrpcProvider.link;

import io.nats.client.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.ProviderProcess;

/**
 * A provider whose link names come and go for months keeps neither their memory nor their threads.
 * {@code -Dnames=5000} for the numbers of docs/operations.md.
 */
class ManyNamesIT {
  private static final String US = "kv-cache";
  private static final int STANDALONE = Integer.getInteger("names", 1_000);
  private static final int REPLICATED = Integer.getInteger("names.replicated", 30);
  private static final String HEAP = System.getProperty("names.heap", "64m");

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  /** The heap has room for the caches of some 400 names. */
  @Test
  void namesThatComeAndGoLeaveNothing() throws Exception {
    HostDataLine hostData = HostDataLine.ofOne(fixture.nats).withoutLinks();
    WrpcProvider provider =
        fixture.open(
            new WrpcProvider(
                fixture.host,
                hostData,
                ProviderProcess.start(
                    Map.of("PROVIDER_JAVA_OPTS", "-Xmx" + HEAP), hostData.line())));
    provider.awaitHealth(true, "no links");
    comeAndGo(provider, "warm", 20, Map.of());
    comeAndGo(provider, "warm-replicated", 3, ProviderFixture.replicated(fixture.nats.url()));
    int threads = threads(provider);
    String told = "at first: threads " + threads + ", live heap " + liveBytes(provider);
    comeAndGo(provider, "alone", STANDALONE, Map.of());
    told += "\nafter " + STANDALONE + " standalone: threads " + threads(provider);
    told += ", live heap " + liveBytes(provider);
    comeAndGo(provider, "shared", REPLICATED, ProviderFixture.replicated(fixture.nats.url()));
    until(
        () -> "threads as before: " + threads + ", now " + threads(provider),
        () -> threads(provider) <= threads + 8);
    told += "\nafter " + REPLICATED + " replicated: threads " + threads(provider);
    told += ", live heap " + liveBytes(provider) + ", resident " + status(provider, "VmRSS");
    System.out.println(told);
    assertEquals("no links", provider.health().message());
    assertEquals(0, provider.logLines("OutOfMemoryError").size());
    assertTrue(provider.process.isAlive());
  }

  private void comeAndGo(
      WrpcProvider provider, String prefix, int count, Map<String, String> config)
      throws Exception {
    for (int i = 0; i < count; i++) {
      var link = link("a", US, prefix + i, config);
      provider.put(link);
      provider.delete(link);
      // Answered behind what was sent before, since one thread handles all of it.
      if (i % 20 == 19 || i == count - 1) {
        Message health =
            fixture.host.request(provider.control("health"), new byte[0], Duration.ofSeconds(60));
        assertTrue(health != null, () -> "no answer; " + provider.process.log());
        assertEquals(
            "{\"healthy\":true,\"message\":\"no links\"}", new String(health.getData(), UTF_8));
      }
    }
  }

  /** Bytes that a full collection leaves; for the numbers only. */
  private static String liveBytes(WrpcProvider provider) throws Exception {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    Process process =
        new ProcessBuilder(jcmd, "" + provider.process.pid(), "GC.class_histogram").start();
    String[] lines = new String(process.getInputStream().readAllBytes(), UTF_8).split("\n");
    return lines[lines.length - 1].replaceAll(" +", " ").replace("Total ", "");
  }

  private static int threads(WrpcProvider provider) {
    return Integer.parseInt(status(provider, "Threads"));
  }

  private static String status(WrpcProvider provider, String key) {
    try {
      return Files.readAllLines(Path.of("/proc/" + provider.process.pid() + "/status")).stream()
          .filter(line -> line.startsWith(key + ":"))
          .map(line -> line.substring(key.length() + 1).strip())
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new AssertionError("it is gone; " + provider.process.log(), e);
    }
  }
}
