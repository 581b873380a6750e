package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.natskvcache.Waiting.until;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.DocumentedGrants;
import org.natskvcache.NatsForTests;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/**
 * One cache in two accounts, one of which has it under other subjects, on a server with the
 * accounts that {@code docs/security.md} shows.
 */
class AccountImportsIT {
  private static final int KEYS = 2_000;

  private final NatsForTests nats =
      NatsForTests.start(DocumentedGrants.block("```\naccounts {\n  HOME"), Map.of());
  private final List<AutoCloseable> open = new ArrayList<>(List.of(nats));

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : open.reversed()) one.close();
  }

  private LockedReplica join(String user, String prefix, Limits limits) {
    var settings = ConnectionSettings.of(DocumentedGrants.url(nats, user));
    var subjects = new ReplicationSubjects(prefix + ".state.events", prefix + ".state.replay");
    var transport = new ReplicationTransport(settings, subjects, user);
    open.add(transport);
    var replica = new LockedReplica(user, NodeSettings.replicated(limits, 1_000), transport);
    open.add(replica);
    transport.start(replica);
    until("live", () -> replica.status().state() == ReplicaStatus.State.LIVE);
    return replica;
  }

  private static Reply ask(LockedReplica replica, Command command) {
    var reply = new CompletableFuture<Reply>();
    replica.call(command, reply::complete);
    return reply.join();
  }

  private static void fill(LockedReplica replica, String name) {
    for (int i = 0; i < KEYS; i++) {
      ask(replica, new Command.Set(Key.of(name + i), Bytes.utf8("v" + i), 0));
    }
  }

  private static void agree(LockedReplica one, LockedReplica other) {
    until(
        () -> one.status() + " and " + other.status(),
        () ->
            one.status().peers().size() == 1
                && other.status().peers().size() == 1
                && one.status().versionVector().equals(other.status().versionVector()));
    assertEquals(one.status().digest(), other.status().digest());
  }

  @Test
  void instancesReplicateBothWaysAndCatchUp() {
    long wrong = Counter.WRONG_CHANNEL_FRAMES.value();
    LockedReplica home = join("home", "lattice", Limits.DEFAULTS);
    fill(home, "home");
    LockedReplica guest = join("guest", "from_home", Limits.DEFAULTS); // asks for what is there
    agree(home, guest);
    assertEquals(KEYS, guest.status().entries());
    fill(guest, "guest");
    ask(home, new Command.Increment(Key.of("n"), 1));
    agree(home, guest);
    assertEquals(2 * KEYS + 1, home.status().entries());
    guest.close();
    until("heard the leave", () -> home.status().peers().isEmpty());
    assertEquals(wrong, Counter.WRONG_CHANNEL_FRAMES.value());
  }

  @Test
  void oneThatJoinsFromTheImportedSideFirstIsFoundByTheOther() {
    LockedReplica guest = join("guest", "from_home", Limits.DEFAULTS);
    fill(guest, "guest");
    LockedReplica home = join("home", "lattice", Limits.DEFAULTS);
    agree(home, guest);
    assertEquals(KEYS, home.status().entries());
  }
}
