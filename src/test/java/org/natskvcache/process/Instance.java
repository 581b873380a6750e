package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import io.nats.client.Connection;
import io.nats.client.Message;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.ProviderProcess;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wasmbus.HealthResponse;

/** One instance as its host sees it, whatever the host's generation: the process and its log. */
public abstract class Instance implements AutoCloseable {
  static final Duration HEALTH_MAX = Duration.ofSeconds(1);

  final HostDataLine hostData;
  public final ProviderProcess process;

  /** The host's connection. */
  final Connection host;

  Instance(Connection host, HostDataLine hostData, ProviderProcess process) {
    this.host = host;
    this.hostData = hostData;
    this.process = process;
  }

  /** The answer to a health request; null when there is none. */
  public abstract @Nullable HealthResponse healthOrNull();

  /** Asks and waits; null when no answer comes in time. */
  @Nullable Message request(String subject, byte[] body, Duration max) {
    try {
      return host.request(subject, body, max);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  HealthResponse health() {
    HealthResponse health = healthOrNull();
    assertNotNull(health, "no answer to a health request");
    return health;
  }

  /** Waits until it answers, with this verdict and this text in the message. */
  public HealthResponse awaitHealth(boolean healthy, String text) {
    var last = new HealthResponse[1];
    until(
        () ->
            "health=" + healthy + " with \"" + text + "\", last " + last[0] + "; " + process.log(),
        () -> {
          assertTrue(process.isAlive(), () -> "ended; " + process.log());
          HealthResponse health = healthOrNull();
          last[0] = health;
          return health != null && health.healthy() == healthy && health.message().contains(text);
        });
    return last[0];
  }

  /** Waits until it serves a replicated cache and has heard of so many others. */
  void awaitPeers(int peers) {
    awaitHealth(true, "live, peers=" + peers);
  }

  /** As a host: asks it to stop and waits for the answer. */
  void shutDown(String subject, String body) {
    Message reply = request(subject, body.getBytes(UTF_8), Waiting.PATIENCE);
    assertNotNull(reply, () -> "no answer to a shutdown request; " + process.log());
    assertEquals("shutting down", new String(reply.getData(), UTF_8));
  }

  /** Waits for so many lines with this text, and fails when there are more. */
  void awaitLogLines(int count, String text) {
    until(
        () -> count + " lines with \"" + text + "\"; " + process.log(),
        () -> logLines(text).size() >= count);
    assertEquals(count, logLines(text).size(), text);
  }

  /** The lines of its log that hold this text. What was just logged may still be on its way. */
  public List<String> logLines(String text) {
    return process.log().stream().filter(line -> line.contains(text)).toList();
  }

  @Override
  public void close() {
    process.close();
  }
}
