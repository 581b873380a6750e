package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.natskvcache.Waiting.until;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.TcpProxy;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/** Whole replicas over a real server: the wiring only, the laws are the simulator's. */
class ReplicatedCachesIT {
  private static final Key VISITS = Key.of("visits");

  private final NatsForTests nats = NatsForTests.start();
  private final List<AutoCloseable> open = new ArrayList<>(List.of(nats));

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
  }

  @Test
  void whatOneWritesTheOtherReads() {
    var a = new Cache(nats.url());
    var b = new Cache(nats.url());
    a.ask(new Command.Set(Key.of("greeting"), Bytes.utf8("hello"), 0));
    until(
        "the value",
        () ->
            b.ask(new Command.Get(Key.of("greeting")))
                .equals(new Reply.Value(Bytes.utf8("hello"))));
  }

  @Test
  void aLateComerIsGivenEverything() {
    var a = new Cache(nats.url());
    for (int i = 0; i < 2_000; i++) {
      a.ask(new Command.Set(Key.of("key " + i), Bytes.utf8("value " + i), 0));
    }
    var late = new Cache(nats.url());
    agree(a, late);
    assertEquals(2_000, late.replica.status().entries());
  }

  @Test
  void bothSidesOfACutCountAndAgreeOnceHealed() {
    var proxy = TcpProxy.to(nats.port());
    open.add(proxy);
    var a = new Cache(proxy.url());
    var b = new Cache(nats.url());
    var c = new Cache(nats.url());
    a.ask(new Command.Increment(VISITS, 1));
    agree(a, b, c);
    proxy.refuse();
    until("a noticed", () -> !a.replica.status().connected());
    a.ask(new Command.Increment(VISITS, 2));
    b.ask(new Command.Increment(VISITS, 3));
    c.ask(new Command.Increment(VISITS, 4));
    proxy.heal();
    agree(a, b, c);
    assertEquals(new Reply.Value(Bytes.utf8("10")), a.ask(new Command.Get(VISITS)));
  }

  @Test
  void mutationsLostInARestartOfTheServerAreRepaired() {
    var a = new Cache(nats.url());
    var b = new Cache(nats.url());
    agree(a, b);
    nats.kill();
    for (int i = 0; i < 100; i++) {
      a.ask(new Command.Increment(VISITS, 1));
      b.ask(new Command.Increment(VISITS, 1));
    }
    nats.restart();
    agree(a, b);
    assertEquals(new Reply.Value(Bytes.utf8("200")), b.ask(new Command.Get(VISITS)));
  }

  private static void agree(Cache first, Cache... others) {
    until(
        () -> "agreement of " + first.replica.status() + " and " + others[0].replica.status(),
        () -> {
          ReplicaStatus one = first.replica.status();
          for (Cache other : others) {
            ReplicaStatus two = other.replica.status();
            if (two.state() != ReplicaStatus.State.LIVE
                || !one.versionVector().equals(two.versionVector())) {
              return false;
            }
            assertEquals(one.digest(), two.digest());
            assertNull(two.alarm());
          }
          return one.state() == ReplicaStatus.State.LIVE;
        });
  }

  /** One instance, live. */
  private final class Cache {
    final LockedReplica replica;

    Cache(String url) {
      var transport =
          new ReplicationTransport(
              ConnectionSettings.of(url),
              new ReplicationSubjects("t.events", "t.replay"),
              "default");
      open.add(transport);
      replica =
          new LockedReplica("default", NodeSettings.replicated(Limits.DEFAULTS, 1_000), transport);
      open.add(replica);
      transport.start(replica);
      until("live", () -> replica.status().state() == ReplicaStatus.State.LIVE);
    }

    Reply ask(Command command) {
      var reply = new CompletableFuture<Reply>();
      replica.call(command, reply::complete);
      return reply.join();
    }
  }
}
