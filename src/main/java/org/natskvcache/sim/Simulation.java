package org.natskvcache.sim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.Effect;
import org.natskvcache.node.Node;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.node.Time;
import org.natskvcache.node.Transport.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;

/**
 * One schedule: instances that read and write while the network and the machines misbehave, checked
 * at random moments against the {@link Specification}; then everything heals, and all must agree.
 */
public final class Simulation {
  private static final long START_WALL_MILLIS = 1_000_000;

  /** After healing, agreement must come within this much virtual time, milliseconds. */
  private static final long AGREEMENT_MILLIS = 120_000;

  private static final class Host {
    Node node;
    final Set<OriginId> names = new HashSet<>();
    long skewMillis;
    long pausedUntilTick;
    boolean connected = true;
    boolean answersReplays;

    /** What a watcher of all keys knows, from what it was told alone. */
    final Map<Key, Bytes> told = new HashMap<>();

    Host(Node node) {
      this.node = node;
    }

    /** Starts anew, with nothing. */
    void restart(Node with) {
      node = with;
      told.clear();
    }
  }

  private final long seed;
  private final Defect defect;
  private final SplittableRandom random;
  private final Knobs knobs;
  private final SimulationReport report = new SimulationReport();
  private final Network network;
  private final Origins origins = new Origins();
  private final FrameCodec observer = new FrameCodec(origins);
  private final Specification specification = new Specification(origins);
  private final List<Host> hosts = new ArrayList<>();
  private long tick = 1_000;
  private long births;

  /** Prepares the schedule of {@code seed}. */
  public Simulation(long seed, Defect defect) {
    this.seed = seed;
    this.defect = defect;
    random = new SplittableRandom(seed);
    knobs = Knobs.draw(random, defect);
    network = new Network(knobs, random, report);
    for (int i = 0; i < knobs.nodes(); i++) {
      Host host = new Host(newNode(newOrigin()));
      host.skewMillis = skew();
      hosts.add(host);
    }
  }

  private long skew() {
    return knobs.skewMillisMax() == 0
        ? 0
        : random.nextInt(2 * knobs.skewMillisMax()) - knobs.skewMillisMax();
  }

  private OriginId newOrigin() {
    return new OriginId(++births, random.nextLong());
  }

  private Node newNode(OriginId id) {
    NodeSettings settings =
        new NodeSettings(
            knobs.limits(), true, knobs.heartbeatMillis(), NodeSettings.OFFER_WAIT_MILLIS, defect);
    Node node = new Node(settings, id, random.split(), new Time(START_WALL_MILLIS + tick, tick));
    node.watch(key -> true);
    return node;
  }

  private Time now(Host host) {
    return new Time(START_WALL_MILLIS + tick + host.skewMillis, tick);
  }

  /**
   * Runs the schedule.
   *
   * @throws SimulationFailure if a check fails
   */
  public SimulationReport run(int steps) {
    try {
      for (Host host : hosts) connect(host);
      for (int step = 0; step < steps; step++) {
        advance(random.nextInt(20));
        act();
        if (step % 97 == 0) compareAll();
      }
      quiesce();
      report.schedules = 1;
      return report;
    } catch (SimulationFailure failure) {
      throw failure;
    } catch (RuntimeException broken) {
      SimulationFailure failure = new SimulationFailure("seed=" + seed + ": " + broken);
      failure.initCause(broken);
      throw failure;
    }
  }

  private void fail(String what) {
    throw new SimulationFailure("seed=" + seed + " tick=" + tick + ": " + what);
  }

  // ---------------------------------------------------------------- time

  /** Lets {@code millis} pass: messages arrive and timers go off in their order. */
  private void advance(long millis) {
    long until = tick + millis;
    while (true) {
      long next = network.nextTick();
      Host due = null;
      for (Host host : hosts) {
        long at = Math.max(host.node.nextTick(), host.pausedUntilTick);
        if (at < next) {
          next = at;
          due = host;
        }
      }
      if (next > until) break;
      tick = Math.max(tick, next);
      if (due != null) {
        due.node.tick(now(due));
        carryOut(due);
      } else {
        deliver();
      }
    }
    tick = until;
  }

  private void deliver() {
    Network.Message message = network.arrive(tick);
    if (message == null) return;
    Host host = hosts.get(message.to());
    if (host.pausedUntilTick > tick) {
      network.postpone(message, host.pausedUntilTick);
      return;
    }
    if (!host.connected) return;
    try {
      host.node.receive(message.bytes(), now(host));
      if (message.damaged()) fail("a damaged frame was accepted");
    } catch (MalformedFrameException malformed) {
      if (!message.damaged()) fail("a frame of ours is malformed: " + malformed.getMessage());
    }
    carryOut(host);
  }

  private void connect(Host host) {
    host.connected = true;
    host.node.connected(now(host));
    carryOut(host);
  }

  // ---------------------------------------------------------------- effects

  private void carryOut(Host host) {
    for (Effect effect : host.node.takeEffects()) {
      switch (effect) {
        case Effect.Publish publish -> publish(host, publish);
        case Effect.ListenAs(var id) -> host.names.add(id);
        case Effect.AnswerReplays(var member) -> host.answersReplays = member;
        case Effect.Changed(var key, var value) -> {
          if (value == null) host.told.remove(key);
          else host.told.put(key, value);
        }
        case Effect.Event(var kind, var peer, var detail) -> {
          if (kind == Effect.Event.Kind.SNAPSHOT_INSTALLED) report.snapshots++;
          if (kind == Effect.Event.Kind.ALARM) fail("alarm: " + detail);
          if (kind == Effect.Event.Kind.SNAPSHOT_FAILED && detail.equals("reason=unreadable")) {
            fail("a snapshot that came whole could not be read");
          }
        }
      }
    }
  }

  private void publish(Host host, Effect.Publish publish) {
    report.traceHash = Hash64.chain(report.traceHash, Hash64.of(publish.frame()));
    if (publish.channel() == Channel.MUTATIONS) observe(publish.frame());
    if (!host.connected) return;
    int from = hosts.indexOf(host);
    switch (publish.channel()) {
      case MUTATIONS, HEARTBEATS, REPLAY_ALL -> {
        for (int to = 0; to < hosts.size(); to++) {
          if (to != from) network.send(from, to, publish.frame(), tick);
        }
      }
      case REPLAY_ANY -> {
        List<Integer> group = new ArrayList<>();
        for (int to = 0; to < hosts.size(); to++) {
          if (to != from && hosts.get(to).answersReplays) group.add(to);
        }
        if (group.isEmpty()) return;
        network.send(from, group.get(random.nextInt(group.size())), publish.frame(), tick);
      }
      case DIRECT -> {
        for (int to = 0; to < hosts.size(); to++) {
          Host target = hosts.get(to);
          boolean listens =
              defect == Defect.CUT_ID_WITHOUT_ORIGIN
                  ? target.names.contains(publish.target())
                  : target.node.id().equals(publish.target());
          if (to != from && listens) network.send(from, to, publish.frame(), tick);
        }
      }
    }
  }

  private void observe(byte[] frame) {
    try {
      if (!(observer.decode(frame) instanceof Frame.Mutations(var from, var mutations))) {
        throw new SimulationFailure("no mutations on the subject of mutations");
      }
      for (Mutation mutation : mutations) {
        String wrong = specification.observe(mutation);
        if (wrong != null) fail(wrong);
        report.mutations++;
        if (mutation.op() instanceof Op.Delete delete && delete.expired()) report.expired++;
      }
    } catch (MalformedFrameException malformed) {
      fail("published a frame that cannot be read: " + malformed);
    }
  }

  // ---------------------------------------------------------------- what happens

  private void act() {
    Host host = hosts.get(random.nextInt(hosts.size()));
    int dice = random.nextInt(1_000);
    if (dice < 700) {
      if (host.pausedUntilTick <= tick) write(host);
    } else if (dice < 712) {
      partition();
    } else if (dice < 740) {
      network.heal();
      for (Host each : hosts) if (!each.connected) connect(each);
    } else if (dice < 743) {
      crash(host);
    } else if (dice < 746) {
      leave(host);
    } else if (dice < 750) {
      report.pauses++;
      host.pausedUntilTick = tick + random.nextInt(3_000);
    } else if (dice < 754) {
      report.clockJumps++;
      host.skewMillis = skew();
    } else if (dice < 758) {
      report.disconnects++;
      host.connected = false;
      host.node.disconnected(now(host));
      carryOut(host);
    } else if (dice < 800) {
      check(host);
    }
  }

  private void write(Host host) {
    host.node.call(command(), now(host));
    if (random.nextInt(4) > 0) host.node.flush();
    carryOut(host);
  }

  private Command command() {
    Key key = Key.of("k" + random.nextInt(knobs.keys()));
    Bytes value = Bytes.utf8("v" + random.nextInt(3));
    return switch (random.nextInt(11)) {
      case 0 -> {
        Bytes written = random.nextBoolean() ? value : Bytes.utf8("" + random.nextInt(10));
        yield new Command.Set(key, written, random.nextInt(3) == 0 ? 1 + random.nextInt(3_000) : 0);
      }
      case 1 -> new Command.Delete(key);
      case 2, 3, 4 -> new Command.Increment(key, random.nextInt(19) - 5);
      case 5, 6 -> new Command.SetAdd(key, value);
      case 7 -> new Command.SetRemove(key, value);
      case 8 -> new Command.ListAdd(key, value);
      case 9 -> new Command.ListRemove(key, value);
      default -> random.nextBoolean() ? new Command.ListClear(key) : new Command.SetClear(key);
    };
  }

  private void partition() {
    report.partitions++;
    boolean oneWay = random.nextInt(4) == 0;
    boolean[] side = new boolean[hosts.size()];
    for (int i = 0; i < side.length; i++) side[i] = random.nextBoolean();
    for (int a = 0; a < side.length; a++) {
      for (int b = 0; b < side.length; b++) {
        if (side[a] && !side[b]) network.cut(a, b);
        if (!side[a] && side[b] && !oneWay) network.cut(a, b);
      }
    }
  }

  private void crash(Host host) {
    report.crashes++;
    // what was not published dies with the instance, unless a snapshot has carried it out already
    host.node.flush();
    for (Effect effect : host.node.takeEffects()) {
      if (effect instanceof Effect.Publish(var channel, var target, var frame)
          && channel == Channel.MUTATIONS) {
        observe(frame);
      }
    }
    OriginId id = host.node.id();
    if (defect == Defect.RESTART_REUSES_ORIGIN) specification.restart(id);
    else id = newOrigin();
    host.restart(newNode(id));
    host.answersReplays = false;
    carryOut(host);
    connect(host);
  }

  private void leave(Host host) {
    report.leaves++;
    host.node.flush();
    host.node.leave(now(host));
    carryOut(host);
    advance(random.nextInt(100));
    if (random.nextBoolean()) {
      report.rejoins++;
      host.node.rejoin(newOrigin(), now(host));
    } else {
      host.restart(newNode(newOrigin()));
    }
    carryOut(host);
    connect(host);
  }

  // ---------------------------------------------------------------- checks

  /** Whoever heard of every change knows what every key shows. */
  private void checkTold(Host host, Collection<Entry> held) {
    Map<Key, Bytes> shown = new HashMap<>();
    for (Entry entry : held) {
      Bytes value = host.node.keyspace().scalar(entry);
      if (value != null) shown.put(entry.key(), value);
    }
    if (!shown.equals(host.told)) fail("a watcher was told something else than what is held");
  }

  private void check(Host host) {
    for (Host each : hosts) { // a snapshot may carry what its server has not published yet
      each.node.flush();
      carryOut(each);
    }
    report.contentChecks++;
    SortedMap<OriginId, Long> included = host.node.applied().toMap();
    Map<Key, Entry> held = new HashMap<>();
    host.node.keyspace().forEach(entry -> held.put(entry.key(), entry));
    checkTold(host, held.values());
    if (!held.values().stream().allMatch(Specification::listInOrder)) {
      fail("a list is not in the order of its positions");
    }
    for (Key key : specification.keys()) {
      String expected = specification.expected(key, included);
      String actual = Specification.held(held.remove(key), host.node.origins());
      if (!expected.equals(actual)) {
        fail(
            "node "
                + hosts.indexOf(host)
                + " key "
                + key.stored().utf8()
                + "\n  holds    "
                + actual
                + "\n  must     "
                + expected
                + "\n  includes "
                + included);
      }
    }
    if (!held.isEmpty()) fail("a key nobody wrote: " + held.keySet());
    if (host.node.keyspace().digest() != host.node.keyspace().recomputedDigest()) {
      fail("the digest is not that of the content");
    }
    ReplicaStatus status = host.node.status(now(host));
    if (status.heldBack() > knobs.limits().heldBackMutationsMax()) fail("too much held back");
    if (host.node.ring().size() > knobs.limits().ringMutationsMax()) fail("the ring is too long");
  }

  /** Equal vectors imply equal digests, whoever looks. */
  private void compareAll() {
    for (Host a : hosts) {
      for (Host b : hosts) {
        if (a == b || !a.node.applied().toMap().equals(b.node.applied().toMap())) continue;
        report.digestChecks++;
        if (a.node.keyspace().digest() != b.node.keyspace().digest()) {
          fail("equal vectors, unequal digests");
        }
      }
    }
  }

  /**
   * All heals; all must come to agree, hold what is specified, and let go of what was only needed
   * for the quarrel.
   */
  private void quiesce() {
    network.calm();
    for (Host host : hosts) {
      host.pausedUntilTick = 0;
      if (!host.connected) connect(host);
    }
    agree();
    for (int round = 0; round < 3; round++) {
      for (Host host : hosts) {
        host.node.call(new Command.Set(Key.of("quiet"), Bytes.utf8("q"), 0), now(host));
        host.node.flush();
        carryOut(host);
      }
      agree();
    }
    for (Host host : hosts) check(host);
    compareAll();
    noResiduals();
  }

  private void agree() {
    long deadline = tick + AGREEMENT_MILLIS;
    while (!agreed()) {
      if (tick > deadline) {
        StringBuilder states = new StringBuilder("no agreement");
        for (Host host : hosts) {
          ReplicaStatus status = host.node.status(now(host));
          states
              .append("\n  ")
              .append(status.state())
              .append(" held=")
              .append(status.heldBack())
              .append(' ')
              .append(status.versionVector());
        }
        fail(states.toString());
      }
      advance(20);
    }
  }

  private boolean agreed() {
    SortedMap<OriginId, Long> first = hosts.getFirst().node.applied().toMap();
    for (Host host : hosts) {
      host.node.flush();
      carryOut(host);
      if (host.node.state() != ReplicaStatus.State.LIVE) return false;
      if (!host.node.applied().toMap().equals(first)) return false;
    }
    return true;
  }

  /**
   * Residuals of live owners go once the owners have shown that they saw the resets, by mutations
   * or heartbeats.
   */
  private void noResiduals() {
    long deadline = tick + AGREEMENT_MILLIS;
    while (anyResidualOfALiveOwner()) {
      if (tick > deadline) fail("a residual of a live owner is left");
      advance(100);
    }
  }

  private boolean anyResidualOfALiveOwner() {
    Set<OriginId> alive = new HashSet<>();
    for (Host host : hosts) alive.add(host.node.id());
    boolean[] found = new boolean[1];
    for (Host host : hosts) {
      host.node
          .keyspace()
          .forEach(entry -> {
            for (Chain c = entry.chains(); c != null; c = c.next) {
              found[0] |= c.dead() && alive.contains(host.node.origins().id(c.slot));
            }
          });
    }
    return found[0];
  }
}
