package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.provider.CacheSettings;

/** What one process is told, the others know. */
class ReplicationIT {
  private final ProviderFixture fixture = new ProviderFixture();
  private final HeartbeatListener heartbeats = fixture.openHeartbeats();

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void changesOfEveryTypeGoBothWays() {
    Provider[] group = fixture.startGroup(2);
    KeyValueClient a = group[0].calls;
    KeyValueClient b = group[1].calls;
    for (KeyValueClient[] pair : new KeyValueClient[][] {{a, b}, {b, a}}) {
      KeyValueClient from = pair[0];
      KeyValueClient to = pair[1];
      from.set("text", "žluťoučký kůň");
      from.increment("number", -7);
      from.listAdd("list", "x");
      from.listAdd("list", "y");
      from.setAdd("set", "m");
      from.setAdd("set", "n");
      until("the last change", () -> to.members("set").size() == 2);
      assertEquals(Optional.of("žluťoučký kůň"), to.get("text"));
      assertEquals(Optional.of("-7"), to.get("number"));
      assertEquals(List.of("x", "y"), to.list("list"));
      to.set("text", "");
      to.increment("number", 10);
      to.listRemove("list", "x");
      to.setRemove("set", "m");
      until("the last change", () -> from.members("set").equals(List.of("n")));
      assertEquals(Optional.of(""), from.get("text"));
      assertEquals(Optional.of("3"), from.get("number"));
      assertEquals(List.of("y"), from.list("list"));
      heartbeats.awaitAgreement(2);
      from.delete("text");
      from.delete("number");
      to.listClear("list");
      to.setClear("set");
      for (String key : List.of("text", "number", "list", "set")) {
        until("no " + key, () -> !a.contains(key) && !b.contains(key));
      }
    }
    heartbeats.awaitAgreement(2);
  }

  @Test
  void expiryIsReplicated() {
    Provider[] group = fixture.startGroup(2);
    group[0].calls.set("lasting", "1", 1_000_000);
    group[0].calls.set("fleeting", "1", 3);
    until("its arrival", () -> group[1].calls.contains("fleeting"));
    until("its end here", () -> !group[0].calls.contains("fleeting"));
    until("its end there", () -> !group[1].calls.contains("fleeting"));
    assertTrue(group[1].calls.contains("lasting"));
  }

  @Test
  void concurrentIncrementsAddUpEverywhere() throws Exception {
    Provider[] group = fixture.startGroup(3);
    try (var threads = Executors.newFixedThreadPool(3)) {
      List<Future<?>> running = new ArrayList<>();
      for (Provider provider : group) {
        running.add(
            threads.submit(
                () -> IntStream.range(0, 300).forEach(i -> provider.calls.increment("n", 1))));
      }
      for (Future<?> each : running) {
        each.get();
      }
    }
    heartbeats.awaitAgreement(3);
    for (Provider provider : group) {
      assertEquals(Optional.of("900"), provider.calls.get("n"));
    }
  }

  @Test
  void aLateComerIsGivenEverything() {
    Provider first = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    for (int i = 0; i < 200; i++) {
      first.calls.set("key " + i, "value " + i);
    }
    first.calls.increment("n", 5);
    first.calls.listAdd("list", "x");
    first.calls.listAdd("list", "x");
    first.calls.setAdd("set", "m");
    first.calls.delete("key 0");
    Provider late = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    late.awaitPeers(1);
    // Calls wait for the end of the catch-up, so there is nothing more to wait for here.
    assertEquals(Optional.of("value 199"), late.calls.get("key 199"));
    assertEquals(Optional.empty(), late.calls.get("key 0"));
    assertEquals(Optional.of("5"), late.calls.get("n"));
    assertEquals(List.of("x", "x"), late.calls.list("list"));
    assertEquals(List.of("m"), late.calls.members("set"));
    assertEquals(List.of(), late.logLines("snapshot"), "so little is replayed");
    heartbeats.awaitAgreement(2);
  }

  /** 80 times 900,000 bytes are more than the 64 MiB of recent changes that are kept for replay. */
  @Test
  void aLateComerIsGivenMoreThanReplayHolds() {
    Provider first = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    first.calls.set("oldest", "still here");
    first.calls.increment("n", 5);
    for (int i = 0; i < 80; i++) {
      first.calls.set("large " + i % 10, i + "x".repeat(900_000));
    }
    Provider late = fixture.start(ProviderFixture.replicated(fixture.nats.url()));
    late.process.awaitLog("snapshot installed");
    late.awaitPeers(1);
    heartbeats.awaitAgreement(2);
    assertEquals(Optional.of("still here"), late.calls.get("oldest"));
    assertEquals(Optional.of("5"), late.calls.get("n"));
    for (int i = 70; i < 80; i++) {
      assertTrue(late.calls.get("large " + i % 10).orElse("").startsWith(i + "x"));
    }
    assertEquals(6, late.calls.increment("n", 1));
    heartbeats.awaitAgreement(2);
  }

  @Test
  void aCrashedInstanceComesBackToEverythingAndTheOthersGoOn() {
    Provider[] group = fixture.startGroup(3);
    Provider crashing = group[2];
    crashing.calls.increment("n", 1);
    crashing.calls.listAdd("list", "before");
    heartbeats.awaitAgreement(3);
    crashing.process.kill();
    group[0].calls.increment("n", 10);
    group[1].calls.listAdd("list", "meanwhile");
    until("the other's change", () -> group[0].calls.list("list").size() == 2);
    Provider back = fixture.start(crashing.hostData);
    assertEquals(Optional.of("11"), back.calls.get("n"));
    assertEquals(List.of("before", "meanwhile"), back.calls.list("list"));
    assertEquals(111, back.calls.increment("n", 100));
    for (Provider provider : group) {
      if (provider != crashing) {
        until("its change", () -> provider.calls.get("n").equals(Optional.of("111")));
        assertTrue(provider.health().healthy());
      }
    }
    heartbeats.awaitAgreement(3);
  }

  @Test
  void instancesOfOneKeyShareCallsAndEachAnswersHealth() {
    HostDataLine hostData =
        fixture.hostData().withLink(Provider.ACTOR, ProviderFixture.replicated(fixture.nats.url()));
    Provider any = fixture.launch(hostData);
    fixture.launch(hostData);
    until("two that are aware of each other", () -> healthAnswers(any) == 2);
    Set<String> authors = ConcurrentHashMap.newKeySet();
    fixture
        .host
        .createDispatcher(frame -> authors.add(new String(frame.getData(), 6, 16, ISO_8859_1)))
        .subscribe(CacheSettings.DEFAULT_STATE_SUBJECT);
    for (int i = 0; i < 100; i++) {
      any.calls.increment("n", 1);
    }
    heartbeats.awaitAgreement(2);
    for (int i = 0; i < 20; i++) {
      assertEquals(Optional.of("100"), any.calls.get("n"));
    }
    assertEquals(2, authors.size(), "instances that took some of the calls");
  }

  /** How many answer one health request within 200 ms and know of one peer. */
  private long healthAnswers(Provider provider) {
    String inbox = fixture.host.createInbox();
    List<String> answers = new CopyOnWriteArrayList<>();
    var dispatcher =
        fixture.host.createDispatcher(answer -> answers.add(new String(answer.getData(), UTF_8)));
    dispatcher.subscribe(inbox);
    fixture.host.publish(provider.subject() + ".health", inbox, new byte[0]);
    long end = System.nanoTime() + 200_000_000;
    while (answers.size() < 2 && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    fixture.host.closeDispatcher(dispatcher);
    return answers.stream().filter(answer -> answer.contains("peers=1")).count();
  }
}
