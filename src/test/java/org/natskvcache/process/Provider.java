package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.nats.client.Connection;
import io.nats.client.Message;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.ProviderProcess;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;

/** One instance under a host before 1.0. */
public final class Provider extends Instance {
  public static final String ACTOR = Vectors.key("actor_public");

  /** The calls of {@link #ACTOR}. */
  public final KeyValueClient calls;

  Provider(Connection host, HostDataLine hostData, ProviderProcess process) {
    super(host, hostData, process);
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

  @Override
  public @Nullable HealthResponse healthOrNull() {
    Message reply = request(subject() + ".health", new byte[0], HEALTH_MAX);
    try {
      return reply == null ? null : HealthResponse.decode(reply.getData());
    } catch (MessagePackException e) {
      throw new AssertionError("not a health response", e);
    }
  }

  /** The response to these bytes sent as an invocation, whatever they are. */
  SigningCaller.Response send(byte[] invocation) {
    Message reply = request(subject(), invocation, Waiting.PATIENCE);
    assertNotNull(reply, "no answer to an invocation");
    try {
      return SigningCaller.Response.decode(reply.getData());
    } catch (MessagePackException e) {
      throw new AssertionError("not a response", e);
    }
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

  /** As its host: asks it to stop and waits for the answer. */
  void shutDown() {
    shutDown("{\"host_id\":\"" + hostData.text("host_id") + "\"}");
  }

  /** As a host: asks it to stop and waits for the answer. */
  void shutDown(String body) {
    shutDown(subject() + ".shutdown", body);
  }
}
