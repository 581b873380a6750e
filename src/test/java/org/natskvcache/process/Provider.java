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
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.ProviderProcess;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;

/** One instance as its host sees it: the process, its subjects, its log. */
public final class Provider implements AutoCloseable {
  public static final String ACTOR = Vectors.key("actor_public");

  private static final Duration HEALTH_MAX = Duration.ofSeconds(1);

  final HostDataLine hostData;
  public final ProviderProcess process;

  /** The calls of {@link #ACTOR}. */
  public final KeyValueClient calls;

  private final Connection host;

  Provider(Connection host, HostDataLine hostData, ProviderProcess process) {
    this.host = host;
    this.hostData = hostData;
    this.process = process;
    calls = callsOf(ACTOR);
  }

  /** The calls of some actor, linked or not. */
  KeyValueClient callsOf(String actor) {
    return new KeyValueClient(host, caller(actor), subject(), Waiting.PATIENCE);
  }

  /** The calls of {@link #ACTOR} by someone who waits so long for an answer. */
  public KeyValueClient callsWaiting(Duration patience) {
    return new KeyValueClient(host, caller(ACTOR), subject(), patience);
  }

  /** Signs the calls of {@link #ACTOR}, for a test that wants to bend them. */
  SigningCaller caller() {
    return caller(ACTOR);
  }

  private SigningCaller caller(String actor) {
    return new SigningCaller(
        Vectors.key("cluster_seed"),
        actor,
        hostData.text("provider_key"),
        hostData.text("link_name"));
  }

  /** {@code P}. */
  String subject() {
    return hostData.subject();
  }

  /** The answer to a health request; null when there is none. */
  public @Nullable HealthResponse healthOrNull() {
    try {
      Message reply = host.request(subject() + ".health", new byte[0], HEALTH_MAX);
      return reply == null ? null : HealthResponse.decode(reply.getData());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    } catch (MessagePackException e) {
      throw new AssertionError("not a health response", e);
    }
  }

  HealthResponse health() {
    HealthResponse health = healthOrNull();
    assertNotNull(health, "no answer to a health request");
    return health;
  }

  /** The response to these bytes sent as an invocation, whatever they are. */
  SigningCaller.Response send(byte[] invocation) {
    try {
      Message reply = host.request(subject(), invocation, Waiting.PATIENCE);
      assertNotNull(reply, "no answer to an invocation");
      return SigningCaller.Response.decode(reply.getData());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    } catch (MessagePackException e) {
      throw new AssertionError("not a response", e);
    }
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

  /** As a host: an actor is linked, with these values. */
  void link(String actor, Map<String, String> values) {
    host.publish(subject() + ".linkdefs.put", linkDefinition(actor, values));
  }

  void unlink(String actor) {
    host.publish(subject() + ".linkdefs.del", linkDefinition(actor, Map.of()));
  }

  private byte[] linkDefinition(String actor, Map<String, String> values) {
    var out = new MessagePackWriter(300).mapHeader(5).text("actor_id").text(actor);
    out.text("provider_id").text(hostData.text("provider_key"));
    out.text("link_name").text(hostData.text("link_name"));
    out.text("contract_id").text(SigningCaller.CONTRACT);
    out.text("values").mapHeader(values.size());
    values.forEach((key, value) -> out.text(key).text(value));
    return out.toByteArray();
  }

  /** As a host: asks it to stop and waits for the answer. */
  void shutDown(String body) {
    try {
      Message reply = host.request(subject() + ".shutdown", body.getBytes(UTF_8), Waiting.PATIENCE);
      assertNotNull(reply, () -> "no answer to a shutdown request; " + process.log());
      assertEquals("shutting down", new String(reply.getData(), UTF_8));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
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
