package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;

import io.nats.client.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.Waiting;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;

/** Whatever is published on a subject we listen to, the process goes on with what it has. */
class GarbageIT {
  private static final String E = CacheSettings.DEFAULT_STATE_SUBJECT;
  private static final String R = CacheSettings.DEFAULT_REPLAY_SUBJECT;

  /** A line for each kind of trouble, however many of the hundreds of messages are of it. */
  private static final int LINES_MAX = 50;

  private final ProviderFixture fixture = new ProviderFixture();
  private final HeartbeatListener heartbeats = fixture.openHeartbeats();
  private final Garbage garbage = new Garbage(20_260_101);

  /** The first genuine frame of each type, by type. */
  private final ConcurrentMap<Byte, byte[]> genuine = new ConcurrentHashMap<>();

  private Provider victim;
  private Provider peer;
  private OriginId victimsOrigin;
  private int linesBefore;

  @BeforeEach
  void startGroup() throws Exception {
    var dispatcher =
        fixture.host.createDispatcher(
            frame -> genuine.putIfAbsent(frame.getData()[3], frame.getData()));
    for (String subject : List.of(E, E + ".hb", R, R + ".*")) {
      dispatcher.subscribe(subject);
    }
    fixture.host.flush(Waiting.PATIENCE);
    victim = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    until("its heartbeat", () -> heartbeats.origins().size() == 1);
    victimsOrigin = heartbeats.origins().iterator().next();
    write(victim.calls);
    peer = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    victim.awaitPeers(1);
    peer.awaitPeers(1);
    write(peer.calls);
    heartbeats.awaitAgreement(2);
    linesBefore = victim.process.log().size();
    fixture.host.closeDispatcher(dispatcher);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private static void write(KeyValueClient calls) {
    calls.set("text", "value");
    calls.increment("n", 21);
    calls.listAdd("list", "x");
    calls.setAdd("set", "m");
  }

  @Test
  void onReplicationSubjects() throws Exception {
    assertTrue(genuine.size() >= 6, () -> "frame types seen: " + genuine.keySet());
    List<byte[]> messages = new ArrayList<>(garbage.noise());
    messages.addAll(garbage.lies());
    for (byte[] frame : genuine.values()) {
      messages.addAll(garbage.damaged(frame, 10));
      messages.addAll(garbage.wellSummed(frame, 30));
      messages.add(garbage.ofLaterVersion(frame));
      messages.add(frame); // again, and on every subject: duplicates are no news
    }
    for (String subject : List.of(E, E + ".hb", R, R + ".all", R + "." + victimsOrigin)) {
      for (byte[] message : messages) {
        fixture.host.publish(subject, message);
      }
      fixture.host.flush(Waiting.PATIENCE);
    }
    assertUnharmed();
  }

  @Test
  void onTheSubjectOfCalls() throws Exception {
    SigningCaller caller = victim.caller();
    List<byte[]> messages = new ArrayList<>(garbage.noise());
    messages.addAll(garbage.lies());
    int undecodable = messages.size();
    messages.addAll(garbage.damaged(caller.invocation("KeyValue.Get", text("text")), 60));
    Invocation call = caller.signed("KeyValue.Del", text("text"));
    for (String claims : List.of("", ".", "..", "...", "a.b.c", "\0", "[".repeat(100_000))) {
      messages.add(SigningCaller.encode(SigningCaller.withClaims(call, claims)));
      messages.add(SigningCaller.encode(SigningCaller.withClaims(call, caller.token(claims))));
    }
    List<CompletableFuture<Message>> answers = new ArrayList<>();
    for (byte[] message : messages) {
      fixture.host.publish(victim.subject(), message);
      answers.add(fixture.host.request(victim.subject(), message));
    }
    for (int i = 0; i < messages.size(); i++) {
      Message reply = answers.get(i).get(Waiting.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      var response = SigningCaller.Response.decode(reply.getData());
      // A Get whose id alone was changed on the way is answered: nobody signs that.
      assertTrue(i >= undecodable || !response.error().isEmpty(), "accepted message " + i);
    }
    assertUnharmed();
  }

  @Test
  void onTheSubjectsOfTheHost() throws Exception {
    List<byte[]> messages = new ArrayList<>(garbage.noise());
    messages.addAll(garbage.lies());
    for (String id : List.of("linkdef.put.otp-0.60+", "linkdef.del.rust-0.78+")) {
      byte[] truncated = Vectors.bytes(id);
      for (int size = 1; size < truncated.length; size += 7) {
        messages.add(Arrays.copyOf(truncated, size));
      }
    }
    for (byte[] message : messages) {
      fixture.host.publish(victim.subject() + ".linkdefs.put", message);
      fixture.host.publish(victim.subject() + ".linkdefs.del", message);
      fixture.host.publish(victim.subject() + ".health", message);
      fixture.host.publish(
          victim.subject() + ".shutdown", message); // no reply subject: not a request
      fixture.host.publish(victim.subject(), message);
    }
    fixture.host.flush(Waiting.PATIENCE);
    for (byte[] message : garbage.noise()) {
      Message reply = fixture.host.request(victim.subject() + ".health", message, Waiting.PATIENCE);
      assertTrue(HealthResponse.decode(reply.getData()).healthy());
    }
    assertUnharmed();
  }

  @Test
  void shutdownsOfOthersAreNotAnswered() throws Exception {
    List<CompletableFuture<Message>> answers = new ArrayList<>();
    for (String body :
        List.of(
            "{\"host_id\":\"NOTHER\"}",
            "{\"host_id\":\"" + victim.hostData.text("host_id") + "x\"}",
            "{\"more\":[1,{}],\"host_id\":\"NOTHER\"} and more",
            "{\"host_id\":\"" + "N".repeat(500_000) + "\"}")) {
      answers.add(fixture.host.request(victim.subject() + ".shutdown", body.getBytes(UTF_8)));
    }
    assertUnharmed(); // health was answered on the same thread, so all were looked at
    assertTrue(answers.stream().noneMatch(CompletableFuture::isDone));
  }

  /** Both answer, are well and hold what they held, and the log is neither a flood nor a trace. */
  private void assertUnharmed() {
    Map<String, Object> expected = new HashMap<>();
    expected.put("text", Optional.of("value"));
    expected.put("n", Optional.of("42"));
    expected.put("list", List.of("x", "x"));
    expected.put("set", List.of("m"));
    for (Provider provider : List.of(victim, peer)) {
      provider.awaitPeers(1);
      KeyValueClient calls = provider.calls;
      Map<String, Object> found = new HashMap<>();
      found.put("text", calls.get("text"));
      found.put("n", calls.get("n"));
      found.put("list", calls.list("list"));
      found.put("set", calls.members("set"));
      assertEquals(expected, found);
    }
    heartbeats.awaitAgreement(2);
    List<String> lines = victim.process.log();
    List<String> more = lines.subList(linesBefore, lines.size());
    assertTrue(more.size() <= LINES_MAX, () -> more.size() + " lines: " + more);
    assertTrue(
        Stream.concat(lines.stream(), peer.process.log().stream())
            .noneMatch(line -> line.contains("trace=") || line.contains("\tat ")),
        () -> "a stack trace in " + lines);
    assertEquals(List.of(), victim.process.output());
  }
}
