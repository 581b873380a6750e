package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.TcpProxy;
import org.natskvcache.rpc.wasmbus.HealthResponse;

/** Instances that cannot reach each other answer all the same, say so, and agree afterwards. */
class OutageIT {
  private static final String DOWN = "link default: replication connection down";

  private final ProviderFixture fixture = new ProviderFixture();
  private final HeartbeatListener heartbeats = fixture.openHeartbeats();

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Connections break, and new ones are accepted but never answered, as in a real partition. */
  @Test
  void bothSidesOfAPartitionWriteAndAgreeOnceItIsHealed() {
    TcpProxy wire = fixture.openProxy();
    Provider cutOff = fixture.launch(ProviderFixture.replicated(wire.url()));
    Provider b = fixture.launch(ProviderFixture.replicated(fixture.nats.url()));
    Provider c = fixture.launch(ProviderFixture.replicated(fixture.nats.url()));
    for (Provider provider : List.of(cutOff, b, c)) {
      provider.awaitPeers(2);
    }
    writeBefore(b.calls);
    heartbeats.awaitAgreement(3);

    wire.cut();
    wire.closeConnections();
    assertEquals(new HealthResponse(false, DOWN), cutOff.awaitHealth(false, ""));
    writeOnOneSide(cutOff.calls);
    writeOnTheOther(b.calls, c.calls);
    assertEquals(Optional.of("3"), cutOff.calls.get("n"));
    assertTrue(b.health().healthy());

    wire.heal();
    cutOff.awaitHealth(true, "live");
    heartbeats.awaitAgreement(3);
    for (Provider provider : List.of(cutOff, b, c)) {
      assertMerged(provider.calls);
      assertEquals(List.of(), provider.logLines("alarm"));
    }
    cutOff.awaitLogLines(2, "lost NATS"); // one for each connection
  }

  private static void writeBefore(KeyValueClient any) {
    any.set("text", "before");
    any.set("deleted on one side", "before");
    any.set("deleted and set", "before");
    any.increment("n", 1);
    any.increment("deleted counter", 5);
    any.listAdd("list", "before");
    any.setAdd("set", "before");
    any.setAdd("set", "removed on one side");
    any.setAdd("set", "removed and added");
    any.listAdd("cleared on one side", "before");
  }

  private static void writeOnOneSide(KeyValueClient a) {
    a.increment("n", 2);
    a.set("new here", "a");
    a.delete("deleted on one side");
    a.delete("deleted and set");
    a.delete("deleted counter");
    a.listAdd("list", "a");
    a.setAdd("set", "a");
    a.setRemove("set", "removed on one side");
    a.setRemove("set", "removed and added");
    a.listClear("cleared on one side");
    a.set("text", "a");
  }

  private static void writeOnTheOther(KeyValueClient b, KeyValueClient c) {
    b.increment("n", 10);
    c.increment("n", 100);
    b.set("new there", "b");
    c.set("deleted and set", "c");
    b.increment("deleted counter", 2);
    b.listAdd("list", "b");
    c.setAdd("set", "c");
    c.setAdd("set", "removed and added");
    b.set("text", "b, later");
  }

  private static void assertMerged(KeyValueClient any) {
    assertEquals(Optional.of("113"), any.get("n"));
    assertEquals(Optional.of("a"), any.get("new here"));
    assertEquals(Optional.of("b"), any.get("new there"));
    assertEquals(Optional.empty(), any.get("deleted on one side"));
    assertEquals(Optional.of("c"), any.get("deleted and set"));
    assertEquals(Optional.of("2"), any.get("deleted counter"));
    assertEquals(List.of("before", "a", "b"), any.list("list"));
    assertEquals(List.of("a", "before", "c", "removed and added"), any.members("set"));
    assertEquals(List.of(), any.list("cleared on one side"));
    assertEquals(Optional.of("b, later"), any.get("text"));
  }

  /** Nothing is lost here, only late: connections stay open and the bytes wait. */
  @Test
  void aPauseOfTheNetworkNobodyNoticedIsMadeUpFor() {
    TcpProxy wire = fixture.openProxy();
    Provider paused = fixture.launch(ProviderFixture.replicated(wire.url()));
    Provider b = fixture.launch(ProviderFixture.replicated(fixture.nats.url()));
    paused.awaitPeers(1);
    b.awaitPeers(1);
    wire.cut();
    for (int i = 0; i < 50; i++) {
      paused.calls.increment("n", 1);
      b.calls.increment("n", 1);
    }
    wire.heal();
    heartbeats.awaitAgreement(2);
    assertEquals(Optional.of("100"), paused.calls.get("n"));
    assertEquals(Optional.of("100"), b.calls.get("n"));
  }

  /** What one side sends is lost and the other side's arrives: each direction is repaired alone. */
  @Test
  void aCutOfOneDirectionIsRepaired() {
    TcpProxy wire = fixture.openProxy();
    Provider mute = fixture.launch(ProviderFixture.replicated(wire.url()));
    Provider b = fixture.launch(ProviderFixture.replicated(fixture.nats.url()));
    mute.awaitPeers(1);
    b.awaitPeers(1);
    wire.cutToServer();
    mute.calls.increment("n", 1);
    b.calls.increment("n", 10);
    until("the other's change", () -> mute.calls.get("n").equals(Optional.of("11")));
    assertEquals(Optional.of("10"), b.calls.get("n"));
    wire.closeConnections();
    wire.heal();
    heartbeats.awaitAgreement(2);
    assertEquals(Optional.of("11"), b.calls.get("n"));
  }

  /** The lattice stays while the server that replication goes by is gone and comes back. */
  @Test
  void callsAreAnsweredWhileTheReplicationServerIsAway() {
    NatsForTests replication = fixture.openServer();
    var values = ProviderFixture.replicated(replication.url());
    Provider a = fixture.launch(values);
    Provider b = fixture.launch(values);
    a.awaitPeers(1);
    b.awaitPeers(1);
    a.calls.increment("n", 1);

    replication.kill();
    for (Provider provider : List.of(a, b)) {
      assertEquals(new HealthResponse(false, DOWN), provider.awaitHealth(false, ""));
    }
    a.calls.increment("n", 10);
    b.calls.increment("n", 100);
    assertEquals(Optional.of("11"), a.calls.get("n"));

    replication.restart();
    a.awaitHealth(true, "live");
    b.awaitHealth(true, "live");
    for (Provider provider : List.of(a, b)) {
      until("the sum", () -> provider.calls.get("n").equals(Optional.of("111")));
    }
  }

  /** The lattice's server goes and comes back: the door is open again, the data still there. */
  @Test
  void aRestartOfTheLatticeServerIsSurvived() {
    Provider[] group = fixture.startGroup(2);
    group[0].calls.increment("n", 1);
    heartbeats.awaitAgreement(2);
    fixture.nats.restart();
    for (Provider provider : group) {
      provider.awaitHealth(true, "live");
      assertEquals(Optional.of("1"), provider.calls.get("n"));
    }
    group[1].calls.increment("n", 1);
    heartbeats.awaitAgreement(2);
    assertEquals(Optional.of("2"), group[0].calls.get("n"));
  }
}
