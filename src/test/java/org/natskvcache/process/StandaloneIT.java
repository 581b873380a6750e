package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.Waiting;

/** A first link without NATS_URL: everything works, and nobody else hears of it. */
class StandaloneIT {
  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void itPublishesNothingButRepliesAndItsQuestionForLinks() throws Exception {
    Set<String> subjects = new ConcurrentSkipListSet<>();
    var listener = fixture.connect(fixture.nats.url());
    listener.createDispatcher(message -> subjects.add(message.getSubject())).subscribe(">");
    listener.flush(Waiting.PATIENCE);
    Provider provider = fixture.start(Map.of("REPLAY_HEARTBEAT_SECS", "1"));
    provider.awaitHealth(true, "link default: standalone");
    KeyValueClient calls = provider.calls;
    calls.set("text", "v", 1);
    calls.increment("n", 1);
    calls.listAdd("list", "x");
    calls.setAdd("set", "m");
    Waiting.until("expiry", () -> !calls.contains("text")); // a second: a heartbeat would be heard
    calls.delete("n");
    assertEquals(List.of("x"), calls.list("list"));
    assertEquals(List.of("m"), calls.members("set"));
    provider.shutDown();
    assertEquals(0, provider.process.awaitExit());
    listener.flush(Waiting.PATIENCE);
    Set<String> others = new TreeSet<>(subjects);
    others.removeIf(subject -> subject.startsWith("_INBOX."));
    String p = provider.subject();
    assertEquals(
        Set.of(p, p + ".health", p + ".shutdown", "wasmbus.ctl.default.get.links"), others);
  }

  @Test
  void twoOfThemDoNotSeeEachOther() {
    Provider a = fixture.launch(Map.of());
    Provider b = fixture.launch(Map.of());
    a.awaitHealth(true, "standalone");
    b.awaitHealth(true, "standalone");
    a.calls.set("k", "of a");
    a.calls.increment("n", 1);
    b.calls.increment("n", 10);
    assertEquals(Optional.empty(), b.calls.get("k"));
    assertEquals(Optional.of("1"), a.calls.get("n"));
    assertEquals(Optional.of("10"), b.calls.get("n"));
  }

  /** Nor does it hear replicated ones, whose subjects would be its own. */
  @Test
  void itDoesNotHearReplicatedOnes() {
    Provider alone = fixture.launch(Map.of());
    Provider replicated = fixture.launch(ProviderFixture.replicated(fixture.nats.url()));
    alone.awaitHealth(true, "standalone");
    replicated.awaitPeers(0);
    replicated.calls.set("k", "v");
    replicated.calls.get("k");
    assertEquals(Optional.empty(), alone.calls.get("k"));
    replicated.awaitPeers(0);
  }
}
