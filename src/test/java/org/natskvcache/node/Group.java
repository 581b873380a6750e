package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/**
 * A few nodes on one thread with a clock that is moved by hand and a network that delivers at once
 * or not at all.
 */
final class Group {
  static final long HEARTBEAT_MILLIS = 1_000;
  private static final long WALL_MILLIS = 1_750_000_000_000L;

  /** A frame on its way. */
  record Sent(long tick, Member from, Channel channel, OriginId target, Frame frame, byte[] bytes) {
    boolean is(Class<? extends Frame> type) {
      return type.isInstance(frame);
    }
  }

  /** One node and what it did. */
  final class Member {
    Node node;
    NodeSettings settings;
    final List<Sent> sent = new ArrayList<>();

    /** Sizes of the frames that were too large to be published. */
    final List<Integer> announced = new ArrayList<>();

    /** What its server takes; of anything larger it hears, and nobody else. */
    int payloadMax = Limits.DEFAULT_PAYLOAD_MAX;

    final List<Effect.Event> events = new ArrayList<>();
    OriginId listensAs;
    boolean answersReplays;
    boolean connected;
    long skewMillis;
    int forgotten;
    int startedOver;

    Member(Node node) {
      this.node = node;
    }

    Time now() {
      return new Time(WALL_MILLIS + tick + skewMillis, tick);
    }

    void connect() {
      connected = true;
      node.connected(now());
      settle();
    }

    /** Its connection is made anew, to a server that takes messages of so many bytes. */
    void reconnect(int bytes) {
      disconnect();
      payloadMax = bytes;
      node.payloadMax(bytes);
      connect();
    }

    void disconnect() {
      connected = false;
      node.disconnected(now());
      settle();
    }

    void tellAlone() {
      node.nobodyListens(now());
      settle();
    }

    void leave() {
      node.leave(now());
      settle();
    }

    Reply call(Command command) {
      Reply reply = node.call(command, now());
      node.flush();
      settle();
      return reply;
    }

    Reply set(String key, String value) {
      return call(new Command.Set(Key.of(key), Bytes.utf8(value), 0));
    }

    Reply increment(String key, long by) {
      return call(new Command.Increment(Key.of(key), by));
    }

    String get(String key) {
      return switch (node.call(new Command.Get(Key.of(key)), now())) {
        case Reply.Value(var bytes) -> bytes.utf8();
        default -> null;
      };
    }

    ReplicaStatus status() {
      return node.status(now());
    }

    List<Sent> sent(Class<? extends Frame> type) {
      return sent.stream().filter(each -> each.is(type)).toList();
    }

    long count(Effect.Event.Kind kind) {
      return events.stream().filter(event -> event.kind() == kind).count();
    }

    /** Hands over a frame from outside the group. */
    void receive(byte[] frame) throws MalformedFrameException {
      try {
        node.receive(Frames.channel(frame), frame, now());
      } finally {
        settle();
      }
    }
  }

  final List<Member> members = new ArrayList<>();
  final SplittableRandom random;

  /** Whether a frame does not reach a member. */
  BiPredicate<Sent, Member> lost = (sent, to) -> false;

  /** What becomes of a frame's bytes on the way. */
  UnaryOperator<byte[]> tamper = bytes -> bytes;

  /** Whether every member understands all others. */
  boolean strict = true;

  long tick = 1_000;
  private final Deque<Runnable> underWay = new ArrayDeque<>();
  private final Origins origins = new Origins();
  private final FrameCodec observer = new FrameCodec(origins);
  private long births;

  Group(long seed) {
    random = new SplittableRandom(seed);
  }

  static Limits limits(int ringMutationsMax, int heldBackMax, int chunkBytes, int cutsMax) {
    return new Limits(
        1 << 10,
        1 << 16,
        1 << 20,
        ringMutationsMax,
        1 << 20,
        heldBackMax,
        100,
        1_000,
        4_000,
        chunkBytes,
        cutsMax,
        2,
        100,
        1_024);
  }

  /** Limits of a node that remembers few of those that are gone. */
  static Limits forgetful(int silentOriginsMax) {
    return new Limits(
        1 << 10,
        1 << 16,
        1 << 20,
        20,
        1 << 20,
        1_000,
        100,
        1_000,
        4_000,
        1_000,
        2,
        2,
        100,
        silentOriginsMax);
  }

  Member add() {
    return add(limits(1_000, 1_000, 1_000, 2));
  }

  Member add(Limits limits) {
    return add(NodeSettings.replicated(limits, HEARTBEAT_MILLIS));
  }

  Member add(NodeSettings settings) {
    Member member = new Member(newNode(settings));
    member.settings = settings;
    members.add(member);
    member.node.takeEffects().forEach(effect -> carryOut(member, effect));
    return member;
  }

  private Node newNode(NodeSettings settings) {
    return new Node(settings, newOrigin(), random.split(), new Time(WALL_MILLIS + tick, tick));
  }

  private void startOver(Member member) {
    member.startedOver++;
    member.node = newNode(member.settings);
    member.answersReplays = false;
    member.node.connected(member.now());
  }

  OriginId newOrigin() {
    return OriginId.of(WALL_MILLIS + tick, random.nextInt(1 << 16), ++births);
  }

  /** Adds members that are all live and know each other. */
  List<Member> live(int count, Limits limits) {
    for (int i = 0; i < count; i++) {
      Member member = add(limits);
      member.connect();
      if (i == 0) member.tellAlone();
      advance(200);
    }
    advance(3 * HEARTBEAT_MILLIS);
    for (Member member : members) {
      assertEquals(ReplicaStatus.State.LIVE, member.node.state());
      assertEquals(count - 1, member.status().peers().size());
      member.sent.clear();
      member.events.clear();
    }
    return List.copyOf(members);
  }

  /** Lets time pass, millisecond by millisecond. */
  void advance(long millis) {
    for (long end = tick + millis; tick < end; ) {
      tick++;
      for (Member member : members) {
        if (member.node.nextTick() <= tick) member.node.tick(member.now());
      }
      settle();
    }
  }

  /** Carries out and delivers until nothing is left to do at this moment. */
  private void settle() {
    do {
      for (Member member : members) {
        member.node.takeEffects().forEach(effect -> carryOut(member, effect));
      }
      while (!underWay.isEmpty()) underWay.poll().run();
    } while (members.stream().anyMatch(member -> member.node.hasEffects()));
  }

  private void carryOut(Member member, Effect effect) {
    switch (effect) {
      case Effect.Publish(var channel, var target, var bytes) -> {
        Sent sent = new Sent(tick, member, channel, target, decode(bytes), bytes);
        member.sent.add(sent);
        if (!member.connected) return;
        if (bytes.length <= member.payloadMax) send(sent);
        else member.node.unsendable(bytes.length, member.now());
      }
      case Effect.Announced(var frame) -> member.announced.add(frame.length);
      case Effect.Changed changed -> {}
      case Effect.ListenAs(var origin) -> member.listensAs = origin;
      case Effect.AnswerReplays(var answers) -> member.answersReplays = answers;
      case Effect.Event event -> member.events.add(event);
      case Effect.Forgot(var marks) -> member.forgotten += marks.size();
      case Effect.StartOver() -> startOver(member);
    }
  }

  private void send(Sent sent) {
    List<Member> receivers = new ArrayList<>(members);
    receivers.remove(sent.from);
    switch (sent.channel) {
      case MUTATIONS, HEARTBEATS, REPLAY_ALL -> {}
      case REPLAY_ANY -> {
        receivers.removeIf(member -> !member.answersReplays);
        if (receivers.size() > 1) receivers.subList(1, receivers.size()).clear();
      }
      case DIRECT, OBSERVER -> receivers.removeIf(member -> !sent.target.equals(member.listensAs));
    }
    for (Member to : receivers) underWay.add(() -> deliver(sent, to));
  }

  private void deliver(Sent sent, Member to) {
    if (!to.connected || lost.test(sent, to)) return;
    try {
      to.node.receive(sent.channel, tamper.apply(sent.bytes), to.now());
    } catch (MalformedFrameException malformed) {
      if (strict) throw new AssertionError("a frame of ours is malformed", malformed);
    }
  }

  Frame decode(byte[] bytes) {
    try {
      return Frames.decode(observer, bytes);
    } catch (MalformedFrameException malformed) {
      throw new AssertionError("a frame of ours is malformed", malformed);
    }
  }

  /**
   * The bytes of a frame, as some outsider would send it; its vectors are in {@link #origins()}.
   */
  byte[] encode(Frame frame) {
    return Frames.encode(observer, frame);
  }

  Origins origins() {
    return origins;
  }

  void assertAgreed() {
    Node first = members.getFirst().node;
    for (Member member : members) {
      Node node = member.node;
      assertEquals(first.applied().hash(), node.applied().hash());
      assertEquals(first.keyspace().digest(), node.keyspace().digest());
      assertEquals(node.keyspace().recomputedDigest(), node.keyspace().digest());
      assertEquals(null, node.alarm());
    }
  }

  static NodeSettings standalone() {
    return new NodeSettings(
        limits(1_000, 1_000, 1_000, 2),
        false,
        HEARTBEAT_MILLIS,
        NodeSettings.OFFER_WAIT_MILLIS,
        ClockLimits.DEFAULTS,
        FrameKeys.NONE,
        Defect.NONE);
  }
}
