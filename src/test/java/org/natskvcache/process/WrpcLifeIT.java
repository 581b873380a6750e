package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.process.WrpcProvider.link;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.nats.client.Message;
import io.nats.client.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.WrpcVectors;

/** Health, logs and the end of processes under hosts 1.x. */
class WrpcLifeIT {
  private static final String US = "kv-cache";
  private static final Duration HEALTH_MAX = Duration.ofSeconds(1);

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private HostDataLine hostData(Map<String, String> config) {
    return HostDataLine.ofOne(fixture.nats)
        .with("link_definitions", List.of(link("counter", US, "default", config)));
  }

  @Test
  void healthFollowsTheReplicationServer() {
    NatsForTests server = fixture.openServer();
    WrpcProvider provider = fixture.launchOne(hostData(ProviderFixture.replicated(server.url())));
    provider.awaitHealth(true, "link default: live");
    server.kill();
    provider.awaitHealth(false, "link default: ");
    assertTrue(
        provider.component("counter", "default").isLinked(), "calls are answered all the same");
    server.restart();
    provider.awaitHealth(true, "link default: live");
    assertTrue(provider.healthText().startsWith("{\"healthy\":true,\"message\":\""));
  }

  /** Two hosts run one provider id: they share calls; each hears its own shutdown only. */
  @Test
  void replicasShareCallsAndStopOneByOne() throws Exception {
    Map<String, String> cache = ProviderFixture.replicated(fixture.nats.url());
    List<WrpcProvider> replicas = new ArrayList<>();
    for (String host : List.of("NONE", "NTWO")) {
      replicas.add(fixture.launchOne(hostData(cache).with("host_id", host)));
    }
    WrpcProvider first = replicas.getFirst();
    WrpcProvider second = replicas.getLast();
    Subscription answers = fixture.host.subscribe("answers.>");
    var attempt = new int[1];
    until(
        "health of both",
        () -> {
          List<String> both = healthOfBoth(first, answers, "answers." + attempt[0]++);
          return both.stream().allMatch(health -> health.contains("peers=1"));
        });
    WrpcComponent counter = first.component("counter", "default");
    Set<String> instances = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      String rest = counter.begin(KeyValueFunction.GET, WrpcVectors.call("store.get/params/basic"));
      instances.add(rest.substring(0, rest.lastIndexOf('.', rest.lastIndexOf('.') - 1)));
      counter.end(rest);
      assertEquals(0, counter.results()[0]);
    }
    assertEquals(2, instances.size(), instances::toString);

    String shutdown = first.control("default.shutdown");
    for (String body :
        List.of("{\"host_id\":\"NOTHER\"}", "{}", "", "NONE", "{\"host_id\":\"\"}", "[\"NONE\"]")) {
      fixture.host.publish(shutdown, "answers.shutdown", body.getBytes(UTF_8));
    }
    fixture.host.publish(shutdown, "{\"host_id\":\"NONE\"}".getBytes(UTF_8)); // nobody waits
    // health is answered on the same thread, so the others were looked at, and it comes first
    healthOfBoth(first, answers, "answers.shutdown");

    for (int i = 0; i < 200; i++) counter.increment("", "n", 1);
    first.shutDown("NONE");
    assertStopped(first);
    second.awaitPeers(0);
    assertEquals(200, counter.increment("", "n", 0), "what was acknowledged was handed over");
    counter.set("", "k", "still served");
    second.shutDown("NTWO");
    assertStopped(second);
    fixture.host.publish(counter.subject(KeyValueFunction.GET), "answers.nobody", new byte[0]);
    Message nobody = answers.nextMessage(Waiting.PATIENCE);
    assertNotNull(nobody);
    assertEquals("answers.nobody", nobody.getSubject());
    assertEquals(503, nobody.getStatus().getCode(), "callers need not wait");
  }

  /** The answers of two instances, and nothing else on this subject. */
  private List<String> healthOfBoth(WrpcProvider asked, Subscription answers, String subject) {
    fixture.host.publish(asked.control("health"), subject, new byte[0]);
    List<String> both = new ArrayList<>();
    try {
      while (both.size() < 2) {
        Message message = answers.nextMessage(HEALTH_MAX);
        if (message == null || message.isStatusMessage()) return List.of("nothing");
        if (!message.getSubject().equals(subject)) continue; // of an earlier, impatient attempt
        both.add(new String(message.getData(), UTF_8));
        assertTrue(both.getLast().startsWith("{\"healthy\":"), both::toString);
      }
      return both;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private static void assertStopped(WrpcProvider provider) {
    assertEquals(0, provider.process.awaitExit(), () -> provider.process.log().toString());
    provider.awaitLogLines(1, "event=stopping cause=host");
    assertEquals(List.of(), provider.process.output());
    assertEquals(List.of(), provider.logLines("ERROR"));
  }

  /** What was begun ends one way or the other before the answer: nobody waits for ten minutes. */
  @Test
  void callsInFlightEndBeforeTheAnswer() {
    WrpcProvider provider = fixture.startOne(hostData(Map.of()));
    List<WrpcComponent> halfSent = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      WrpcComponent component = provider.component("counter", "default");
      component.begin(KeyValueFunction.GET, new byte[] {5, 'a'});
      halfSent.add(component);
    }
    provider.shutDown(provider.hostData.text("host_id"));
    for (WrpcComponent component : halfSent) assertEquals(0, component.results().length);
    assertStopped(provider);
  }

  @Test
  void aSignalStopsItToo() {
    WrpcProvider provider = fixture.startOne(hostData(Map.of()));
    WrpcComponent half = provider.component("counter", "default");
    half.begin(KeyValueFunction.GET, new byte[] {5, 'a'});
    provider.process.terminate();
    assertEquals(0, half.results().length);
    assertEquals(0, provider.process.awaitExit());
    provider.awaitLogLines(1, "event=stopping cause=signal");
  }

  @Test
  void logsAreAsTheHostWantsThem() throws Exception {
    WrpcProvider json =
        fixture.startOne(
            hostData(Map.of())
                .with("structured_logging", (Object) true)
                .with("log_level", "debug"));
    WrpcProvider quiet =
        fixture.startOne(
            HostDataLine.ofOne(fixture.nats)
                .with("provider_key", "quiet")
                .with("log_level", "error"));
    // both have the same curve key, so links reach both
    json.put(link("counter", US, "default", Map.of("watch", "x")));
    json.put(link("counter", US, "\u0007", Map.of("MUTATION_REPLIES", "neither")));
    json.process.awaitLog("link_refused");
    assertTrue(json.process.log().size() > 2);
    var mapper = new ObjectMapper();
    for (String line : json.process.log()) assertTrue(mapper.readTree(line).isObject(), line);
    json.process.terminate();
    quiet.process.terminate();
    assertEquals(0, json.process.awaitExit());
    assertEquals(0, quiet.process.awaitExit());
    assertEquals(List.of(), quiet.process.log(), "nothing that is less than an error");
  }

  @Test
  void aServerThatComesBackFindsEverythingAgain() {
    WrpcProvider provider = fixture.startOne(hostData(Map.of()));
    WrpcComponent counter = provider.component("counter", "default");
    counter.set("", "k", "kept");
    fixture.nats.restart();
    provider.awaitHealth(true, "");
    until("its host", () -> fixture.host.getStatus() == io.nats.client.Connection.Status.CONNECTED);
    assertEquals(Optional.of("kept"), provider.component("counter", "default").get("", "k"));
    provider.put(link("late", US, "default", Map.of()));
    until("links still come", () -> provider.component("late", "default").isLinked());
  }
}
