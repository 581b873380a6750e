package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;

import io.nats.client.Message;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.WrpcVectors;

/** Every way to ask a process to stop, and that it has told its peers when it does. */
class ShutdownIT {
  /** A host's patience is 300 ms; a loaded machine under test gets more. */
  private static final Duration REPLY_MAX = Duration.ofSeconds(2);

  private static final byte[] ONE_MORE = struct("key", "n", "value", 1);

  /** More than a cold process answers in the 80 ms that a host leaves for them. */
  private static final int CALLS = 200;

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void theHostsMessageIsAnsweredAndStopsIt() {
    Provider[] group = fixture.startGroup(2);
    Provider stopping = group[0];
    stopping.calls.set("last words", "heard");
    long begin = System.nanoTime();
    stopping.shutDown();
    var taken = Duration.ofNanos(System.nanoTime() - begin);
    assertTrue(taken.compareTo(REPLY_MAX) < 0, () -> "answered after " + taken);
    assertStopped(stopping, "cause=host");
    group[1].awaitPeers(0);
    assertEquals(Optional.of("heard"), group[1].calls.get("last words"));
    group[1].awaitLogLines(1, "peer left");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"host_id\":\"NOTHER\"}", "", "not JSON", "{}", "{\"host_id\":\"\"}"})
  void aMessageThatDoesNotNameTheHostOrHasNoReplySubjectIsIgnoredSilently(String body) {
    Provider provider = fixture.start(Map.of());
    String ours = "{\"host_id\":\"" + provider.hostData.text("host_id") + "\"}";
    fixture.host.publish(provider.subject() + ".shutdown", ours.getBytes(UTF_8));
    CompletableFuture<Message> answer =
        fixture.host.request(provider.subject() + ".shutdown", body.getBytes(UTF_8));
    provider.health(); // answered on the same thread, so both were looked at
    assertFalse(answer.isDone());
    assertEquals(Optional.empty(), provider.calls.get("k"));
    provider.shutDown();
    assertStopped(provider, "cause=host");
  }

  /**
   * A process that is cold on a busy machine may not get through all of them in the time a host
   * leaves it; then it says so. What it did answer is never lost.
   */
  @Test
  void callsInFlightAreAnswered() throws Exception {
    Provider[] group = fixture.startGroup(2);
    Provider stopping = group[0];
    for (int i = 0; i < 300; i++) {
      stopping.calls.get("n");
    }
    List<CompletableFuture<Message>> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      byte[] call = stopping.caller().invocation("KeyValue.Increment", ONE_MORE);
      answers.add(fixture.host.request(stopping.subject(), call));
    }
    stopping.shutDown();
    assertStopped(stopping, "cause=host");
    until(
        () -> "all answers; " + stopping.process.log(),
        () ->
            answers.stream().allMatch(CompletableFuture::isDone)
                || !stopping.logLines("event=calls_cut_short").isEmpty());
    int answered = 0;
    for (CompletableFuture<Message> answer : answers) {
      if (answer.isDone()) {
        assertEquals("", SigningCaller.Response.decode(answer.get().getData()).error());
        answered++;
      }
    }
    int least = answered;
    until("all of them", () -> group[1].calls.increment("n", 0) >= least);
  }

  @Test
  void aTerminateSignalStopsIt() {
    Provider[] group = fixture.startGroup(2);
    group[0].calls.set("last words", "heard");
    group[0].process.terminate();
    assertStopped(group[0], "cause=signal");
    group[1].awaitPeers(0);
    assertEquals(Optional.of("heard"), group[1].calls.get("last words"));
    group[1].awaitLogLines(1, "peer left");
  }

  @Test
  void anInterruptSignalStopsIt() throws IOException {
    Provider provider = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    Assumptions.assumeFalse(
        ignoresInterrupts(provider.process.pid()),
        "whoever started the tests has them ignore SIGINT, as shells do in the background");
    provider.process.interrupt();
    assertStopped(provider, "cause=signal");
  }

  /** What was ignored when a process began stays ignored in its children, in Java's too. */
  private static boolean ignoresInterrupts(long pid) throws IOException {
    Path status = Path.of("/proc/" + pid + "/status");
    if (!Files.exists(status)) {
      return false;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("SigIgn:")) {
        return (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0;
      }
    }
    return false;
  }

  @Test
  void aSignalStopsItWhileNatsIsAway() {
    NatsForTests replication = fixture.openServer();
    Provider provider = fixture.start(ProviderFixture.replicated(replication.url()));
    provider.calls.set("k", "v");
    replication.kill();
    fixture.nats.kill();
    provider.awaitLogLines(3, "lost NATS");
    provider.process.terminate();
    assertStopped(provider, "cause=signal");
  }

  @Test
  void aSignalStopsItBeforeItEverReachedNats() {
    fixture.nats.kill();
    Provider provider =
        fixture.launch(
            fixture.hostData().withLink(Provider.ACTOR, Map.of("NATS_URL", fixture.nats.url())));
    provider.process.awaitLog("NATS is out of reach");
    provider.process.terminate();
    assertStopped(provider, "cause=signal");
  }

  @Test
  void aMessageAndASignalTogetherStopItOnce() {
    Provider[] group = fixture.startGroup(2);
    String inbox = fixture.host.createInbox();
    String ours = "{\"host_id\":\"" + group[0].hostData.text("host_id") + "\"}";
    fixture.host.publish(group[0].subject() + ".shutdown", inbox, ours.getBytes(UTF_8));
    group[0].process.terminate();
    group[0].process.terminate();
    assertEquals(0, group[0].process.awaitExit());
    assertEquals(1, group[0].logLines("event=stopping").size());
    group[1].awaitPeers(0);
  }

  /**
   * The process is cold, so the calls take longer than a host would wait. Who sends a signal waits:
   * none of the calls is cut short, however often the signal comes.
   */
  @Test
  void aSecondSignalWhileTheFirstIsCarriedOutChangesNothing() throws Exception {
    Provider provider = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    List<byte[]> calls = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      calls.add(provider.caller().invocation("KeyValue.Increment", ONE_MORE));
    }
    List<CompletableFuture<Message>> answers = new ArrayList<>();
    for (byte[] call : calls) answers.add(fixture.host.request(provider.subject(), call));
    fixture.host.flush(Waiting.PATIENCE);
    terminateThrice(provider);
    until(
        () -> "all answers; " + provider.process.log(),
        () -> answers.stream().allMatch(CompletableFuture::isDone));
    for (CompletableFuture<Message> answer : answers) {
      assertEquals("", SigningCaller.Response.decode(answer.get().getData()).error());
    }
  }

  @Test
  void aSecondSignalDoesNotCutCallsOfComponentsShortEither() throws Exception {
    WrpcProvider provider =
        fixture.startOne(
            HostDataLine.ofOne(fixture.nats)
                .with(
                    "link_definitions",
                    List.of(WrpcProvider.link("counter", "kv-cache", "default", Map.of()))));
    String get = provider.component("counter", "default").subject(KeyValueFunction.GET);
    Subscription results = fixture.host.subscribe("answers.*.results");
    var headers = new Headers().add("source-id", "counter").add("link-name", "default");
    byte[] params = WrpcVectors.call("store.get/params/basic");
    for (int i = 0; i < CALLS; i++) fixture.host.publish(get, "answers." + i, headers, params);
    fixture.host.flush(Waiting.PATIENCE);
    terminateThrice(provider);
    Set<String> answered = new TreeSet<>();
    while (answered.size() < CALLS) {
      Message result = results.nextMessage(Waiting.PATIENCE);
      assertNotNull(result, () -> answered.size() + " answers; " + provider.process.log());
      if (result.getData().length > 0) answered.add(result.getSubject());
    }
  }

  private static void terminateThrice(Instance instance) {
    instance.process.terminate();
    instance.process.awaitLog("event=stopping");
    instance.process.terminate();
    instance.process.terminate();
    assertEquals(0, instance.process.awaitExit(), () -> instance.process.log().toString());
    assertEquals(1, instance.logLines("event=stopping").size());
    assertEquals(List.of(), instance.logLines("calls_cut_short"));
  }

  private static void assertStopped(Provider provider, String cause) {
    assertEquals(0, provider.process.awaitExit(), () -> provider.process.log().toString());
    assertEquals(1, provider.logLines("event=stopping").size());
    assertEquals(1, provider.logLines("event=stopping " + cause).size());
    assertEquals(List.of(), provider.process.output());
    for (String word : List.of("ERROR", "trace=", "\tat ")) {
      assertEquals(List.of(), provider.logLines(word));
    }
  }
}
