package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.provider.Health;
import org.natskvcache.provider.HealthProblems;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/** Whole replicas, and servers whose {@code max_payload} is low, changes or differs. */
class PayloadLimitIT {
  private static final int LEAST = Limits.PAYLOAD_LEAST;
  private static final int LARGE = 700_000;

  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : open.reversed()) one.close();
  }

  private NatsForTests server(String config) {
    var nats = NatsForTests.start("include payload.conf\n" + config, payload(1 << 20));
    open.add(nats);
    return nats;
  }

  private static Map<String, byte[]> payload(int bytes) {
    return Map.of("payload.conf", ("max_payload: " + bytes + "\n").getBytes(UTF_8));
  }

  private static void set(NatsForTests nats, int bytes) {
    payload(bytes).forEach(nats::replaceFile);
  }

  @Test
  void reloadThatLowersTheLimitStopsNothing() {
    NatsForTests nats = server("");
    var a = new Cache(nats);
    var b = new Cache(nats);
    a.set("old", LARGE);
    agree(a, b);
    set(nats, LEAST);
    nats.reload();
    until("read", () -> nats.log().contains("Reloaded: max_payload"));
    // the server drops us for the first one, and only then do we learn of the limit
    a.set("first", LARGE);
    agree(a, b);
    until("known", () -> a.ask(set("refused", LEAST)) instanceof Reply.Rejected);
    a.set("small", 40_000);
    var joiner = new Cache(nats);
    agree(a, b, joiner);
    assertEquals(LARGE, joiner.size("old"));
    assertEquals(LARGE, joiner.size("first"));
    assertEquals(40_000, joiner.size("small"));
  }

  @Test
  void restartWithALowerLimitStopsNothing() {
    NatsForTests nats = server("");
    var a = new Cache(nats);
    var b = new Cache(nats);
    agree(a, b);
    nats.kill();
    until("noticed", () -> !a.replica.status().connected());
    a.set("meanwhile", LARGE); // by the limit that counts, for all it knows
    set(nats, LEAST);
    nats.restart();
    agree(a, b);
    assertEquals(LARGE, b.size("meanwhile"));
    assertEquals(
        new Reply.Rejected(
            Reply.Reason.TOO_LARGE, "key and value have 65543 bytes, the limit is 49152"),
        a.ask(set("refused", LEAST)));
    var joiner = new Cache(nats);
    agree(a, b, joiner);
    assertEquals(LARGE, joiner.size("meanwhile"));
  }

  @Test
  void serversOfAClusterMayHaveUnequalLimits() {
    int port = NatsForTests.freePort();
    NatsForTests large = server("cluster { name: c, listen: \"127.0.0.1:" + port + "\" }");
    NatsForTests small =
        NatsForTests.start(
            "max_payload: "
                + LEAST
                + "\ncluster { name: c, listen: \"127.0.0.1:"
                + NatsForTests.freePort()
                + "\", routes: [\"nats://127.0.0.1:"
                + port
                + "\"] }",
            Map.of());
    open.add(small);
    until("a route", () -> small.log().contains("Route connection created"));
    var a = new Cache(large);
    var b = new Cache(small);
    a.set("from a", LARGE);
    b.set("from b", 40_000);
    agree(a, b);
    assertEquals(LARGE, b.size("from a"));
    a.replica.close(); // only b can give the large value
    var joiner = new Cache(small);
    agree(b, joiner);
    assertEquals(LARGE, joiner.size("from a"));
  }

  @Test
  void limitThatIsTooLowForReplicationIsUnhealthyUntilItIsRaised() {
    NatsForTests nats = server("");
    set(nats, LEAST - 1);
    nats.restart();
    var a = new Cache(nats, false);
    String reason =
        "link a: replication connection down: the server's max_payload of 65535 bytes is less than"
            + " the 65536 that replication needs";
    until("told", () -> a.health().equals(new Health(false, reason)));
    a.set("k", LARGE); // calls go on
    set(nats, 1 << 20);
    nats.restart();
    until("live", () -> a.health().healthy());
    var b = new Cache(nats);
    agree(a, b);
    assertEquals(LARGE, b.size("k"));
  }

  private static void agree(Cache first, Cache... others) {
    until(
        () -> "agreement of " + first.replica.status() + " and " + others[0].replica.status(),
        () -> {
          ReplicaStatus one = first.replica.status();
          for (Cache other : others) {
            ReplicaStatus two = other.replica.status();
            if (!two.versionVector().equals(one.versionVector()) || !two.problems().isEmpty()) {
              return false;
            }
            assertEquals(one.digest(), two.digest());
            assertNull(two.alarm());
          }
          return one.connected() && one.problems().isEmpty();
        });
  }

  private static Command set(String key, int bytes) {
    return new Command.Set(Key.of(key), Bytes.utf8("v".repeat(bytes)), 0);
  }

  /** One instance. */
  private final class Cache {
    final LockedReplica replica;

    Cache(NatsForTests nats) {
      this(nats, true);
    }

    Cache(NatsForTests nats, boolean live) {
      var transport =
          new ReplicationTransport(
              ConnectionSettings.of(nats.url()),
              new ReplicationSubjects("t.events", "t.replay"),
              "default");
      open.add(transport);
      replica =
          new LockedReplica("default", NodeSettings.replicated(Limits.DEFAULTS, 1_000), transport);
      open.add(replica);
      transport.start(replica);
      if (live) until("live", () -> replica.status().state() == ReplicaStatus.State.LIVE);
    }

    Reply ask(Command command) {
      var reply = new CompletableFuture<Reply>();
      replica.call(command, reply::complete);
      return reply.join();
    }

    void set(String key, int bytes) {
      assertEquals(new Reply.Done(), ask(PayloadLimitIT.set(key, bytes)));
    }

    int size(String key) {
      Reply reply = ask(new Command.Get(Key.of(key)));
      assertTrue(reply instanceof Reply.Value, () -> key + ": " + reply);
      return ((Reply.Value) reply).bytes().size();
    }

    Health health() {
      return Health.of(
          new java.util.TreeMap<>(Map.of("a", replica.status())), new HealthProblems());
    }
  }
}
