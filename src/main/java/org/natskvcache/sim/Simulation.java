package org.natskvcache.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Effect;
import org.natskvcache.node.Node;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.node.Time;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Capacity;
import org.natskvcache.store.Command;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Key;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * One schedule: instances that read and write while the network and the machines misbehave, checked
 * at random moments against the {@link Specification}; then everything heals, and all must agree.
 */
public final class Simulation {
  private static final long START_WALL_MILLIS = 1_000_000;

  /** After healing, agreement must come within this much virtual time, milliseconds. */
  private static final long AGREEMENT_MILLIS = 120_000;

  private static final long STEP_MILLIS = 20;

  /** So long strangers are there before the instance that starts beside them. */
  private static final long STRANGERS_FIRST_MILLIS = 100;

  private static final int ACTIONS_KEPT = 40;

  /** Under which frames are looked at that are for others. */
  private static final OriginId NOBODY = new OriginId(0, 0);

  private static final int STALL_MILLIS_MAX = 600;

  /** Of so many schedules one has somebody in it who lies. */
  private static final int LIAR_EVERY = 4;

  /** Makes of a seed another one. */
  private static final long LATER = 0x6c61746572L;

  /** Shorter silence must not make an instance go live, milliseconds. */
  private static final long SILENCE_MILLIS = 1_000;

  private static final int TICKS_AT_ONCE_MAX = 1_000;

  private static final class Host {
    Node node;
    final Set<OriginId> names = new HashSet<>();
    long skewMillis;
    long pausedUntilTick;

    /** When its timers go off next, as of the last {@link #plan}. */
    long dueTick;

    boolean connected = true;
    boolean answersReplays;

    /** When it last began to ask who is there. */
    long askedTick;

    /** Whether since then an offer came, or the server's word that nobody listens. */
    boolean answered;

    /** When it took its present name. */
    long namedTick;

    /** What it has forgotten, which its vector does not tell any more. */
    Map<OriginId, Long> forgotten = new HashMap<>();

    /** What a watcher of all keys knows, from what it was told alone. */
    final Map<Key, Bytes> told = new HashMap<>();

    Host(Node node) {
      this.node = node;
    }

    /** To be called whenever something happened to it, before time passes. */
    void plan() {
      dueTick = Math.max(node.nextTick(), pausedUntilTick);
    }

    /** Starts anew, with nothing. */
    void restart(Node with) {
      node = with;
      told.clear();
      forgotten = new HashMap<>();
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

  /** What was done last, to be read after a failure. */
  private final ArrayDeque<Action> actions = new ArrayDeque<>();

  /** What the bearer of each name has forgotten. */
  private final Map<OriginId, Map<OriginId, Long>> forgottenBy = new HashMap<>();

  /** What the NATS servers do by chance; apart, so that it does not change what else is drawn. */
  private final SplittableRandom serverRandom;

  /** Whether servers take instances for alone that are not. */
  private final boolean slowServers;

  /** Somebody who lies; null in most schedules. */
  private final @Nullable Liar liar;

  private final SplittableRandom liarRandom;

  private final Strangers strangers;

  /** Whether the strangers do what they do. */
  private boolean strangersAct;

  private final Later later;

  /** Who publishes what is not so. */
  private final Forger forger;

  /** How far ahead of true time any instance's clock ever was, milliseconds. */
  private long skewMillisMost;

  private final Payloads payloads;

  private long tick = 1_000;
  private long births;

  /** Prepares the schedule of {@code seed}. */
  public Simulation(long seed, Defect defect) {
    this.seed = seed;
    this.defect = defect;
    random = new SplittableRandom(seed);
    serverRandom = new SplittableRandom(~seed);
    slowServers = serverRandom.nextInt(4) == 0;
    liarRandom = new SplittableRandom(Hash64.mix(seed));
    liar = liarRandom.nextInt(LIAR_EVERY) == 0 ? new Liar(liarRandom.split()) : null;
    strangers = new Strangers(seed, START_WALL_MILLIS);
    knobs = Knobs.draw(random, defect);
    later = new Later(new SplittableRandom(LATER ^ seed), knobs.nodes());
    network = new Network(knobs, random, report);
    forger = new Forger(seed, origins, observer, knobs);
    payloads = new Payloads(seed, knobs.nodes());
    for (int i = 0; i < knobs.nodes(); i++) {
      Host host = new Host(newNode(newOrigin()));
      host.skewMillis = within(knobs.skewMillisMax());
      hosts.add(host);
    }
  }

  private long within(int millisMax) {
    return millisMax == 0 ? 0 : random.nextInt(2 * millisMax) - millisMax;
  }

  private OriginId newOrigin() {
    return OriginId.of(START_WALL_MILLIS + tick, ++births, random.nextLong());
  }

  private Node newNode(OriginId id) {
    NodeSettings settings =
        new NodeSettings(
            knobs.limits(),
            true,
            knobs.heartbeatMillis(),
            NodeSettings.OFFER_WAIT_MILLIS,
            knobs.clocks(),
            FrameKeys.NONE,
            defect);
    Node node = new Node(settings, id, random.split(), new Time(START_WALL_MILLIS + tick, tick));
    node.watch(key -> true);
    return node;
  }

  private Time now(Host host) {
    skewMillisMost = Math.max(skewMillisMost, host.skewMillis);
    return new Time(START_WALL_MILLIS + tick + host.skewMillis, tick);
  }

  /**
   * Runs the schedule.
   *
   * @throws SimulationFailure if a check fails
   */
  public SimulationReport run(int steps) {
    try {
      if (knobs.crashes() > Knobs.CRASHES_FEW) report.shortLived++;
      for (Host host : hosts) connect(host);
      for (int step = 0; step < steps; step++) {
        advance(random.nextInt(20));
        act();
        if (liar != null && liarRandom.nextInt(4) == 0) lie(liar);
        if (later.writer(step) >= 0) writeUnknown(hosts.get(later.writer(step)));
        forge();
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

  private void did(Host host, String what, @Nullable Object about) {
    if (actions.size() == ACTIONS_KEPT) actions.removeFirst();
    actions.add(new Action(tick, hosts.indexOf(host), what, about));
  }

  /** The last actions, oldest first, one a line. */
  public List<String> lastActions() {
    return actions.stream().map(Action::toString).toList();
  }

  private void fail(String what) {
    throw new SimulationFailure("seed=" + seed + " tick=" + tick + ": " + what);
  }

  // ---------------------------------------------------------------- time

  /** Lets {@code millis} pass: messages arrive and timers go off in their order. */
  private void advance(long millis) {
    long until = tick + millis;
    int ticksAtOnce = 0;
    for (Host host : hosts) host.plan();
    while (true) {
      long next = network.nextTick();
      Host due = null;
      for (int i = 0; i < hosts.size(); i++) {
        Host host = hosts.get(i);
        if (host.dueTick >= next) continue;
        next = host.dueTick;
        due = host;
      }
      if (next > until) break;
      if (next > tick) ticksAtOnce = 0;
      tick = Math.max(tick, next);
      if (due != null) {
        if (++ticksAtOnce > TICKS_AT_ONCE_MAX) fail("a timer goes off without end");
        due.node.tick(now(due));
        carryOut(due);
        due.plan();
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
    byte[] frame = message.bytes();
    if (frame == null) {
      host.answered = true;
      host.node.nobodyListens(now(host));
    } else {
      OriginId name = host.node.id();
      receive(host, message.channel(), frame, message.damaged());
      if (message.from() == message.to()) checkForged(host, name, message.channel(), frame);
    }
    carryOut(host);
    host.plan();
  }

  private void receive(Host host, Channel channel, byte[] frame, boolean damaged) {
    try {
      boolean offers =
          channel == Channel.DIRECT && host.node.state() == ReplicaStatus.State.JOINING;
      if (offers && !damaged && decode(channel, frame) instanceof Frame.Offer) {
        host.answered = true;
      }
      host.node.receive(channel, frame, now(host));
      if (damaged) fail("a damaged frame was accepted");
    } catch (MalformedFrameException malformed) {
      if (damaged) return;
      if (malformed.kind() != MalformedFrameException.Kind.UNKNOWN_OPERATION) {
        fail("a frame of ours is malformed: " + malformed.getMessage());
      }
      if (later.ignoredBy(host.node)) fail("an instance that cannot follow goes on");
    }
  }

  private Frame decode(Channel channel, byte[] frame) throws MalformedFrameException {
    return observer.decode(frame, channel, NOBODY);
  }

  private void connect(Host host) {
    host.connected = true;
    host.askedTick = tick;
    host.answered = false;
    host.node.payloadMax(payloads.of(hosts.indexOf(host)));
    host.node.connected(now(host));
    carryOut(host);
  }

  // ---------------------------------------------------------------- effects

  private void carryOut(Host host) {
    List<Effect> effects = host.node.takeEffects();
    for (int i = 0; i < effects.size(); i++) {
      switch (effects.get(i)) {
        case Effect.Publish publish ->
            publish(host, publish, later.sent(hosts.indexOf(host), effects, i));
        case Effect.Announced(var frame) -> {
          report.announced++;
          observe(host, frame);
        }
        case Effect.ListenAs(var id) -> {
          host.names.add(id);
          host.namedTick = tick;
          forgottenBy.put(id, host.forgotten);
        }
        case Effect.AnswerReplays(var member) -> host.answersReplays = member;
        case Effect.Changed(var key, var value, _) -> {
          if (value == null) host.told.remove(key);
          else host.told.put(key, value);
        }
        case Effect.Forgot(var marks) -> {
          report.forgotten += marks.size();
          host.forgotten.putAll(marks);
        }
        case Effect.StartOver() -> {
          report.startedOver++;
          observeUnpublished(host, effects.subList(i + 1, effects.size()));
          host.restart(newNode(newOrigin()));
          host.answersReplays = false;
          carryOut(host);
          connect(host);
          return;
        }
        case Effect.Event(var kind, var peer, var detail) -> {
          if (kind == Effect.Event.Kind.SNAPSHOT_INSTALLED) {
            report.snapshots++;
            forgetLike(host, peer);
          }
          if (kind == Effect.Event.Kind.LIVE) checkSilence(host);
          if (kind == Effect.Event.Kind.CANNOT_FOLLOW) report.outdated++;
          if (kind == Effect.Event.Kind.RENAMED) report.renamed++;
          if (kind == Effect.Event.Kind.ALARM && !expected(detail)) fail("alarm: " + detail);
          if (kind == Effect.Event.Kind.SNAPSHOT_FAILED && detail.equals("reason=unreadable")) {
            fail("a snapshot that came whole could not be read");
          }
        }
      }
    }
  }

  /** Whether it is right to raise an alarm, because somebody lies or a clock is far ahead. */
  private boolean expected(String alarm) {
    return alarm.startsWith(Node.AHEAD)
        || (forger.saysThatOthersLeft() && alarm.startsWith(Node.GOES_ON));
  }

  /** A snapshot made a host forget what its server had. */
  private void forgetLike(Host host, OriginId server) {
    VersionVector applied = host.node.applied();
    forgottenBy
        .getOrDefault(server, Map.of())
        .forEach((id, mark) -> {
          boolean marked = applied.toMap().containsKey(id);
          if (!marked && applied.forgot(id)) host.forgotten.putIfAbsent(id, mark);
        });
  }

  private void publish(Host host, Effect.Publish publish, byte[] frame) {
    report.traceHash = Hash64.chain(report.traceHash, Hash64.of(publish.frame()));
    if (publish.channel() == Channel.MUTATIONS) observe(host, publish.frame());
    if (!host.connected) return;
    boolean toAll = publish.target() == null;
    if (liar != null && toAll) liar.hear(frame);
    int from = hosts.indexOf(host);
    if (publish.frame().length > payloads.of(from)) fail("published more than the server takes");
    switch (publish.channel()) {
      case REPLAY_ALL -> {
        if (heardByAnyone(host)) sendToAll(from, publish.channel(), frame);
        else network.tellAlone(from, serverRandom.nextInt(20), tick);
      }
      case MUTATIONS, HEARTBEATS -> sendToAll(from, publish.channel(), frame);
      case REPLAY_ANY -> {
        List<Integer> group = new ArrayList<>();
        for (int to = 0; to < hosts.size(); to++) {
          if (to != from && hosts.get(to).answersReplays) group.add(to);
        }
        if (group.isEmpty()) return;
        int to = group.get(random.nextInt(group.size()));
        network.send(from, to, publish.channel(), frame, tick);
      }
      case DIRECT -> {
        String wrong = strangersAct ? strangers.hear(host.node.id(), publish) : null;
        if (wrong != null) fail(wrong);
        for (int to = 0; to < hosts.size(); to++) {
          Host target = hosts.get(to);
          boolean listens =
              defect == Defect.CUT_ID_WITHOUT_ORIGIN
                  ? target.names.contains(publish.target())
                  : target.node.id().equals(publish.target());
          if (to == from || !listens) continue;
          network.send(from, to, publish.channel(), frame, tick);
        }
      }
      case OBSERVER -> {} // nobody looks
    }
  }

  private void sendToAll(int from, Channel channel, byte[] frame) {
    for (int to = 0; to < hosts.size(); to++) {
      if (to != from) network.send(from, to, channel, frame, tick);
    }
  }

  /**
   * Whether the servers know of anyone else who listens to what goes to all. In some schedules they
   * are slow to learn of it.
   */
  private boolean heardByAnyone(Host asker) {
    if (slowServers && !strangersAct && serverRandom.nextInt(4) == 0) return false;
    return hosts.stream().anyMatch(host -> host != asker && host.connected);
  }

  private void observe(Host author, byte[] frame) {
    try {
      if (!(decode(Channel.MUTATIONS, frame) instanceof Frame.Mutations(var from, var mutations))) {
        throw new SimulationFailure("no mutations on the subject of mutations");
      }
      for (Mutation mutation : mutations) {
        long ahead = (mutation.hlc() >>> 16) - START_WALL_MILLIS - tick - skewMillisMost;
        if (ahead > knobs.clocks().maxMillis() + 1) {
          fail("a mutation's clock is " + ahead + " ms ahead of all clocks");
        }
        if (mutation.op() instanceof Op.Delete(var key, _, var expired) && expired) {
          report.expired++;
          SortedMap<OriginId, Long> before = included(author);
          before.put(from, Dot.sequence(mutation.dot()) - 1);
          VersionVector included = specification.vector(before);
          Content left = specification.expected(key, included);
          boolean known = specification.knows(included) && !specification.doubtsCounter(key);
          if (known && left.shows(now(author).wallMillis())) {
            fail("a key was removed as expired while it showed where that was done");
          }
        }
        String wrong = specification.observe(mutation, author.forgotten);
        forger.hear(mutation);
        if (wrong != null) fail(wrong);
        report.mutations++;
      }
    } catch (MalformedFrameException malformed) {
      fail("published a frame that cannot be read: " + malformed);
    }
  }

  // ---------------------------------------------------------------- what happens

  private void act() {
    for (int i = 0; i < hosts.size(); i++) {
      if (!payloads.outgrown(i, births)) continue;
      payloads.enlarge(i);
      if (hosts.get(i).connected) reconnect(hosts.get(i));
    }
    if (payloads.due()) large(hosts.get(payloads.host()));
    Host host = hosts.get(random.nextInt(hosts.size()));
    int dice = random.nextInt(1_000);
    if (dice < 650) {
      if (host.pausedUntilTick <= tick) write(host);
    } else if (dice < 662) {
      partition();
    } else if (dice < 690) {
      did(host, "heal", null);
      network.heal();
      for (Host each : hosts) if (!each.connected) connect(each);
    } else if (dice < 690 + knobs.crashes()) {
      crash(host);
    } else if (dice < 690 + 2 * knobs.crashes()) {
      leave(host);
    } else if (dice >= 960) {
      check(host);
    } else if (dice >= 956) {
      report.pauses++;
      host.pausedUntilTick = tick + random.nextInt(3_000);
      did(host, "pause until", host.pausedUntilTick);
    } else if (dice >= 952) {
      report.clockJumps++;
      host.skewMillis = within(knobs.jumpMillisMax());
      did(host, "clock jumps to", host.skewMillis);
    } else if (dice >= 948) {
      report.disconnects++;
      did(host, "disconnect", null);
      host.connected = false;
      host.node.disconnected(now(host));
      carryOut(host);
    } else if (dice >= 900) {
      writeUnderExpired(host);
    }
  }

  private void forge() {
    int about = forger.victim(hosts.size());
    Node victim = hosts.get(about).node;
    long written = victim.applied().mark(victim.origins().find(victim.id()));
    Forger.Forged forged = forger.next(victim.id(), written, START_WALL_MILLIS + tick);
    if (forged == null) return;
    did(hosts.get(about), "forged", forged.channel());
    Mutation mutation = forged.mutation();
    if (mutation != null) {
      births++; // one more in every vector
      specification.observe(mutation, Map.of());
      if (forged.liesAbout() != null) specification.doubtCounter(mutation.op().key());
      forgottenBy.put(origins.id(Dot.slot(mutation.dot())), Map.of()); // it is an author too
    }
    for (int to = 0; to < hosts.size(); to++) {
      if (forger.isLost() || hosts.get(to).node.id().equals(forged.liesAbout())) continue;
      network.tellForged(to, forged.channel(), forged.frame(), tick + forger.delayMillis());
    }
  }

  /** Whom the others take for gone goes on under another name, unless the last one is quite new. */
  private void checkForged(Host host, OriginId before, Channel channel, byte[] frame) {
    if (channel != Channel.HEARTBEATS) return;
    boolean live = host.node.state() == ReplicaStatus.State.LIVE;
    boolean settled = live && tick - host.namedTick >= knobs.heartbeatMillis();
    try {
      if (!(decode(channel, frame) instanceof Frame.Leave leave)) return;
      boolean believed =
          Math.abs(leave.wallMillis() - now(host).wallMillis()) <= knobs.clocks().maxMillis();
      if (believed && settled && leave.from().equals(before) && host.node.id().equals(before)) {
        fail("an instance keeps a name although its bearer is said to have left");
      }
    } catch (MalformedFrameException malformed) {
      throw new IllegalStateException("forged a frame that cannot be read", malformed);
    }
  }

  /**
   * Writes something large, which may be accepted under one limit of the server and sent under the
   * next.
   */
  private void large(Host host) {
    if (host.pausedUntilTick <= tick) {
      Command command = payloads.large(births);
      did(host, "call", command);
      checkedCall(host, command);
    }
    if (payloads.writesOnly()) {
      host.node.flush();
      carryOut(host);
      return;
    }
    report.payloadChanges++;
    payloads.change(hosts.indexOf(host), births);
    did(host, "payload", payloads.of(hosts.indexOf(host)));
    reconnect(host);
  }

  private void reconnect(Host host) {
    host.connected = false;
    host.node.disconnected(now(host));
    connect(host);
  }

  private void write(Host host) {
    // little is written under the other keys, so that they live to expire
    boolean quiet = random.nextInt(16) == 0;
    Key key = quiet ? Key.of("t" + random.nextInt(4)) : Key.of("k" + random.nextInt(knobs.keys()));
    boolean expiring = quiet && random.nextInt(4) > 0;
    write(host, expiring ? new Command.Set(key, Bytes.utf8("1"), ttlMillis()) : command(key));
  }

  /**
   * Writes whatever it is under a key that has expired here and is not removed yet, if there is
   * one.
   */
  private void writeUnderExpired(Host host) {
    if (host.pausedUntilTick > tick) return;
    Key expired = host.node.keyspace().firstExpired(now(host).wallMillis());
    if (expired == null) return;
    report.writesUnderExpired++;
    write(host, command(expired));
  }

  private void write(Host host, Command command) {
    did(host, "call", command);
    Reply reply = checkedCall(host, command);
    boolean adds =
        command instanceof Command.Set
            || command instanceof Command.Increment
            || command instanceof Command.SetAdd
            || command instanceof Command.ListAdd;
    if (adds && !(reply instanceof Reply.Rejected) && !shows(host, key(command))) {
      fail("a key that was just written does not show");
    }
    // what made room is judged by the clock it was done at
    boolean limited = !knobs.limits().capacity().equals(Capacity.UNLIMITED);
    if (random.nextInt(4) > 0 || limited) host.node.flush();
    carryOut(host);
  }

  /** The one of a later release writes what the others do not know. */
  private void writeUnknown(Host host) {
    if (host.pausedUntilTick > tick) return;
    did(host, "write of a later release", null);
    if (!(checkedCall(host, Later.WRITE) instanceof Reply.Rejected)) later.wrote(host.node);
    host.node.flush();
    carryOut(host);
  }

  private static boolean isOutdated(Host host) {
    return host.node.state() == ReplicaStatus.State.OUTDATED;
  }

  /** Those that can follow. */
  private List<Host> followers() {
    return hosts.stream().filter(host -> !isOutdated(host)).toList();
  }

  /** Whoever writes leaves no more than the limits allow, or than there was. */
  private Reply checkedCall(Host host, Command command) {
    Keyspace keyspace = host.node.keyspace();
    Capacity capacity = knobs.limits().capacity();
    long bytes = keyspace.footprint();
    long entries = keyspace.liveEntries();
    long written = host.node.applied().hash();
    long evicted = host.node.evicted();
    Reply reply = host.node.call(command, now(host));
    report.evicted += host.node.evicted() - evicted;
    boolean stopped = reply instanceof Reply.Rejected(var why, _) && why == Reply.Reason.OUTDATED;
    if (stopped != isOutdated(host)) fail("an instance that cannot follow answers calls");
    if (keyspace.footprint() > Math.max(bytes, capacity.localBytesMax())) fail("too much memory");
    if (keyspace.liveEntries() > Math.max(entries, capacity.entriesMax())) fail("too many keys");
    if (!(reply instanceof Reply.Rejected(var reason, _)) || reason != Reply.Reason.FULL)
      return reply;
    report.refused++;
    boolean frees = command instanceof Command.Delete || command instanceof Command.SetRemove;
    if (frees || capacity.equals(Capacity.UNLIMITED)) fail("refused for no reason: " + command);
    boolean evicts = capacity.eviction() == Capacity.Eviction.LRU;
    boolean expires = keyspace.footprint() < bytes;
    if (!evicts && !expires && written != host.node.applied().hash()) fail("refused, but changed");
    return reply;
  }

  private static Key key(Command command) {
    return switch (command) {
      case Command.Set set -> set.key();
      case Command.Increment increment -> increment.key();
      case Command.SetAdd(var key, _) -> key;
      case Command.ListAdd(var key, _) -> key;
      default -> throw new IllegalArgumentException("adds nothing: " + command);
    };
  }

  private boolean shows(Host host, Key key) {
    return host.node.call(new Command.Contains(key), now(host)).equals(new Reply.Flag(true));
  }

  private long ttlMillis() {
    return 1L + random.nextInt(knobs.ttlMillisMax());
  }

  private Command command(Key key) {
    Bytes value = Bytes.utf8("v" + random.nextInt(knobs.values()));
    return switch (random.nextInt(11)) {
      case 0 -> {
        Bytes written = random.nextBoolean() ? value : Bytes.utf8("" + random.nextInt(10));
        yield new Command.Set(key, written, random.nextInt(3) == 0 ? ttlMillis() : 0);
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

  /** In half of the cases another host does nothing for a moment, as on a busy machine. */
  private void stallAnother(Host host) {
    Host other = hosts.get(random.nextInt(hosts.size()));
    if (other == host || random.nextBoolean()) return;
    report.pauses++;
    long until = tick + random.nextInt(STALL_MILLIS_MAX);
    other.pausedUntilTick = Math.max(other.pausedUntilTick, until);
    did(other, "stall until", other.pausedUntilTick);
  }

  private void partition() {
    report.partitions++;
    did(hosts.getFirst(), "partition", null);
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

  /** What is told is heard at once, by all or by one. */
  private void lie(Liar by) {
    Host of = hosts.get(liarRandom.nextInt(hosts.size()));
    Host to = hosts.get(liarRandom.nextInt(hosts.size()));
    Liar.Lie lie = by.lie(of.node.id(), to.node.id(), START_WALL_MILLIS + tick);
    report.lies++;
    for (Host host : lie.channel() == Channel.HEARTBEATS ? hosts : List.of(to)) {
      if (!host.connected || host.pausedUntilTick > tick) continue;
      try {
        host.node.receive(lie.channel(), lie.frame(), now(host));
      } catch (MalformedFrameException refused) {
        report.liesRefused++;
      }
      carryOut(host);
    }
  }

  private void crash(Host host) {
    report.crashes++;
    did(host, "crash", host.node.id());
    stallAnother(host);
    observeUnpublished(host, List.of());
    OriginId id = host.node.id();
    if (defect == Defect.RESTART_REUSES_ORIGIN) specification.restart(id);
    else id = newOrigin();
    begin(host, id);
  }

  private void begin(Host host, OriginId id) {
    host.restart(newNode(id));
    host.answersReplays = false;
    carryOut(host);
    connect(host);
  }

  /**
   * What was not published dies with the instance, unless a snapshot or a replay carried it out.
   */
  private void observeUnpublished(Host host, List<Effect> left) {
    host.node.flush();
    List<Effect> effects = new ArrayList<>(left);
    effects.addAll(host.node.takeEffects());
    for (Effect effect : effects) {
      if (effect instanceof Effect.Publish(var channel, _, var frame)
          && channel == Channel.MUTATIONS) {
        observe(host, frame);
      }
      if (effect instanceof Effect.Announced(var frame)) observe(host, frame);
    }
  }

  private void leave(Host host) {
    report.leaves++;
    did(host, "leave", host.node.id());
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

  /** Who goes live was offered what the group holds, or nobody is there. */
  private void checkSilence(Host host) {
    long silent = tick - host.askedTick;
    if (host.answered || silent >= SILENCE_MILLIS) return;
    fail("an instance went live after only " + silent + " ms of silence");
  }

  /** Whoever heard of every change knows what every key shows. */
  private void checkTold(Host host, Collection<Entry> held) {
    Map<Key, Bytes> shown = new HashMap<>();
    for (Entry entry : held) {
      Bytes value = host.node.keyspace().scalar(entry);
      if (value != null) shown.put(entry.key(), value);
    }
    if (!shown.equals(host.told)) fail("a watcher was told something else than what is held");
  }

  /** How much a host has applied of every origin. */
  private static SortedMap<OriginId, Long> included(Host host) {
    SortedMap<OriginId, Long> included = host.node.applied().toMap();
    included.putAll(host.forgotten);
    return included;
  }

  private void check(Host host) {
    for (Host each : hosts) { // a snapshot may carry what its server has not published yet
      each.node.flush();
      carryOut(each);
    }
    if (isOutdated(host)) return; // it answers no calls
    report.contentChecks++;
    SortedMap<OriginId, Long> included = included(host);
    VersionVector vector = specification.vector(included);
    Map<Key, Entry> held = new HashMap<>();
    host.node.keyspace().forEach(entry -> held.put(entry.key(), entry));
    checkTold(host, held.values());
    if (!held.values().stream().allMatch(Specification::listInOrder)) {
      fail("a list is not in the order of its positions");
    }
    for (Key key : specification.keys()) {
      Content expected = specification.expected(key, vector);
      boolean shows = expected.shows(now(host).wallMillis());
      if (shows != shows(host, key) && !specification.doubtsCounter(key)) {
        fail("what is expired shows, or what is not does not: key=" + key.stored().utf8());
      }
      Content actual = specification.held(held.remove(key), host.node.origins());
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
    if (host.node.keyspace().footprint() != host.node.keyspace().recomputedFootprint()) {
      fail("the account is not that of the content");
    }
    for (OriginId writer : included.keySet()) {
      if (!forgottenBy.containsKey(writer)) fail("something of one who is no instance");
    }
    ReplicaStatus status = host.node.status(now(host));
    if (status.heldBack() > knobs.limits().heldBackMutationsMax()) fail("too much held back");
    if (host.node.ring().size() > knobs.limits().ringMutationsMax()) fail("the ring is too long");
  }

  /** Equal vectors imply equal digests, whoever looks. */
  private void compareAll() {
    for (Host a : hosts) {
      if (later.skippedBy(hosts.indexOf(a), a.node)) fail("an unknown operation was skipped");
      for (Host b : hosts) {
        if (a == b || a.node.applied().hash() != b.node.applied().hash()) continue;
        report.digestChecks++;
        if (a.node.keyspace().digest() != b.node.keyspace().digest()) {
          fail("equal vectors, unequal digests");
        }
        if (a.node.keyspace().footprint() != b.node.keyspace().footprint()) {
          fail("equal vectors, unequal accounts");
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
      host.skewMillis = within(knobs.skewMillisMax());
      if (!host.connected) connect(host);
    }
    agree();
    // beside a later release it could not follow
    boolean follows = hosts.stream().noneMatch(Simulation::isOutdated);
    if (follows && !later.hasWritten() && strangers.deed() != Strangers.Deed.NOTHING) {
      startBesideStrangers();
    }
    for (int round = 0; round < 3; round++) {
      for (Host host : hosts) {
        host.node.call(new Command.Set(Key.of("quiet"), Bytes.utf8("q"), 0), now(host));
        host.node.flush();
        carryOut(host);
      }
      agree();
    }
    noneExpired();
    agree();
    trimmed();
    for (Host host : hosts) check(host);
    compareAll();
    noResiduals();
    noTrouble();
  }

  /** An instance that starts beside live ones gets their data, whatever strangers do. */
  private void startBesideStrangers() {
    report.strangers++;
    strangersAct = true;
    advanceBesideStrangers(STRANGERS_FIRST_MILLIS);
    Host starts = hosts.getFirst();
    did(starts, "start beside strangers", strangers.deed());
    observeUnpublished(starts, List.of());
    begin(starts, newOrigin());
    switch (strangers.deed()) {
      case NOTHING -> {}
      case TAKE_PLACES -> agree();
      case DIE -> {
        advanceBesideStrangers(SILENCE_MILLIS);
        if (!starts.answered) fail("no offer beside live instances");
      }
      case ASK_FOR_OFFERS -> {
        advanceBesideStrangers(2 * SILENCE_MILLIS);
        boolean live = starts.node.state() == ReplicaStatus.State.LIVE;
        if (live && !starts.answered) fail("live without an offer beside live instances");
      }
    }
    strangersAct = false;
    agree();
  }

  private void advanceBesideStrangers(long millis) {
    for (long end = tick + millis; tick < end; advance(STEP_MILLIS)) {
      if (strangersAct) hearStrangers();
    }
  }

  private void hearStrangers() {
    for (Host host : hosts) {
      for (Strangers.Sent sent : strangers.send(host.node.id(), tick, START_WALL_MILLIS + tick)) {
        receive(host, sent.channel(), sent.frame(), false);
        carryOut(host);
      }
    }
  }

  /** Whatever is to expire does, and is removed everywhere. */
  private void noneExpired() {
    long last = START_WALL_MILLIS + tick + knobs.jumpMillisMax() + knobs.ttlMillisMax();
    long deadline = last - START_WALL_MILLIS + AGREEMENT_MILLIS;
    for (Host host : hosts) {
      while (!isOutdated(host) && host.node.keyspace().nextExpiryMillis() != Entry.NEVER) {
        if (tick > deadline) fail("an expired key is not removed");
        advance(100);
      }
    }
  }

  /** Where keys are evicted, nothing stays beyond the limits, and far from everything goes. */
  private void trimmed() {
    Capacity capacity = knobs.limits().capacity();
    if (capacity.eviction() == Capacity.Eviction.NONE) return;
    Host first = followers().getFirst(); // its node may start over meanwhile
    long deadline = tick + AGREEMENT_MILLIS;
    while (first.node.keyspace().footprint() > capacity.localBytesMax()
        || first.node.keyspace().liveEntries() > capacity.entriesMax()) {
      if (tick > deadline) fail("more than the limits is left");
      advance(100);
      agree();
    }
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
      advanceBesideStrangers(STEP_MILLIS);
    }
  }

  private boolean agreed() {
    long first = followers().getFirst().node.applied().hash();
    for (Host host : hosts) {
      host.node.flush();
      carryOut(host);
      if (isOutdated(host)) continue;
      if (host.node.state() != ReplicaStatus.State.LIVE) return false;
      if (host.node.applied().hash() != first) return false;
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

  /** Nobody goes on to tell of what is missing, or could not be sent. */
  private void noTrouble() {
    long deadline = tick + AGREEMENT_MILLIS;
    for (Host host : hosts) {
      while (true) {
        List<String> problems = host.node.status(now(host)).problems();
        if (problems.isEmpty()) break;
        if (tick > deadline) fail("all agree, and yet: " + problems);
        advance(100);
      }
    }
  }

  private boolean anyResidualOfALiveOwner() {
    Set<OriginId> alive = new HashSet<>();
    for (Host host : followers()) alive.add(host.node.id());
    boolean[] found = new boolean[1];
    for (Host host : followers()) {
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
