package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.LogLines;
import org.natskvcache.Waiting;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.metrics.Counter;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Reply;

/** Real threads and a real clock; what a node does is tested in {@link NodeTest}. */
class LockedReplicaTest {
  private static final NodeSettings SETTINGS = NodeSettings.replicated(Limits.DEFAULTS, 200);

  /** Does not think that it is alone because the machine was busy. */
  private static final NodeSettings PATIENT =
      new NodeSettings(
          SETTINGS.limits(),
          true,
          SETTINGS.heartbeatMillis(),
          60_000,
          SETTINGS.clocks(),
          SETTINGS.keys(),
          SETTINGS.defect());

  /** One end of a wire to another replica; a thread of its own carries the frames over in order. */
  private final class Wire implements Transport {
    private final ExecutorService carrier = Executors.newSingleThreadExecutor();
    final List<byte[]> mutations = new ArrayList<>();
    final List<String> calls = new ArrayList<>();
    volatile LockedReplica far;
    volatile LockedReplica near;
    volatile OriginId name;
    private Thread inside;

    @Override
    public void publish(Channel channel, OriginId target, byte[] frame) {
      enter();
      if (channel == Channel.MUTATIONS) mutations.add(frame);
      calls.add(channel.name());
      LockedReplica to = far;
      if (to != null) carrier.execute(() -> to.receive(channel, frame));
      leave();
    }

    @Override
    public int maxPayload() {
      return Limits.DEFAULT_PAYLOAD_MAX;
    }

    @Override
    public void listenAs(OriginId origin) {
      enter();
      name = origin;
      leave();
    }

    @Override
    public void answerReplays(boolean member) {
      enter();
      calls.add("answerReplays " + member);
      leave();
    }

    /** One thread at a time, and never under the replica's lock: another thread can enter it. */
    private synchronized void enter() {
      assertNull(inside, "two threads publish at once");
      inside = Thread.currentThread();
      LockedReplica replica = near;
      if (replica == null || !calls.isEmpty() && calls.size() % 50 != 0) return;
      try {
        CompletableFuture.supplyAsync(replica::status).get(10, TimeUnit.SECONDS);
      } catch (Exception blocked) {
        faults.add("the lock is held while publishing: " + blocked);
      }
    }

    private synchronized void leave() {
      inside = null;
    }

    /** All mutations published, decoded. */
    List<Mutation> published() {
      FrameCodec codec = new FrameCodec(new Origins());
      List<Mutation> published = new ArrayList<>();
      for (byte[] frame : mutations) {
        try {
          published.addAll(((Frame.Mutations) Frames.decode(codec, frame)).mutations());
        } catch (MalformedFrameException malformed) {
          throw new AssertionError(malformed);
        }
      }
      return published;
    }
  }

  private final ConcurrentLinkedQueue<String> faults = new ConcurrentLinkedQueue<>();
  private final List<LockedReplica> replicas = new ArrayList<>();
  private final List<Wire> wires = new ArrayList<>();

  @AfterEach
  void close() throws InterruptedException {
    replicas.forEach(LockedReplica::close);
    for (Wire wire : wires) {
      wire.carrier.shutdown();
      assertTrue(wire.carrier.awaitTermination(10, TimeUnit.SECONDS));
    }
    assertEquals(List.of(), List.copyOf(faults));
  }

  private Wire wire() {
    Wire wire = new Wire();
    wires.add(wire);
    return wire;
  }

  private LockedReplica replica(NodeSettings settings, Wire wire) {
    return started(new LockedReplica("test", settings, wire), wire);
  }

  private LockedReplica started(LockedReplica replica, Wire wire) {
    if (wire != null) wire.near = replica;
    replicas.add(replica);
    return replica;
  }

  /** Two replicas that are live and joined by wires. */
  private void pair() {
    Wire there = wire();
    Wire back = wire();
    LockedReplica a = replica(SETTINGS, there);
    LockedReplica b = replica(SETTINGS, back);
    there.far = b;
    back.far = a;
    a.connected();
    b.connected();
    Waiting.until(() -> "both live: " + a.status() + " " + b.status(), () -> live(a) && live(b));
  }

  private static boolean live(Replica replica) {
    return replica.status().state() == ReplicaStatus.State.LIVE;
  }

  private static Reply call(Replica replica, Command command) {
    CompletableFuture<Reply> answer = new CompletableFuture<>();
    replica.call(command, answer::complete);
    return answer.orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static String get(Replica replica, String key) {
    return switch (call(replica, new Command.Get(Key.of(key)))) {
      case Reply.Value(var bytes) -> bytes.utf8();
      default -> null;
    };
  }

  private static Command set(String key, String value) {
    return new Command.Set(Key.of(key), Bytes.utf8(value), 0);
  }

  private void agree() {
    ReplicaStatus[] seen = new ReplicaStatus[2];
    Waiting.until(
        () -> "agreement of " + seen[0] + " and " + seen[1],
        () -> {
          seen[0] = replicas.get(0).status();
          seen[1] = replicas.get(1).status();
          return seen[0].versionVector().equals(seen[1].versionVector())
              && seen[0].digest() == seen[1].digest();
        });
    for (ReplicaStatus status : seen) assertNull(status.alarm());
  }

  @Test
  void concurrentIncrementsAddUpOnBothSides() throws Exception {
    pair();
    int threads = 16;
    int each = 1_000;
    List<Set<Long>> answers = new ArrayList<>();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      LockedReplica replica = replicas.get(i % 2);
      Set<Long> own = new HashSet<>();
      answers.add(own);
      callers.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < each; n++) {
                  Reply reply = call(replica, new Command.Increment(Key.of("n"), 1));
                  own.add(((Reply.Amount) reply).value());
                }
              }));
    }
    for (Thread caller : callers) caller.join();
    agree();
    assertEquals("16000", get(replicas.get(0), "n"));
    assertEquals("16000", get(replicas.get(1), "n"));
    for (Set<Long> own : answers) assertEquals(each, own.size()); // every answer was a new value
    for (int i = 0; i < 2; i++) assertInSequence(wires.get(i).published(), threads / 2 * each);
  }

  private static void assertInSequence(List<Mutation> published, int count) {
    assertEquals(count, published.size());
    Map<Integer, Long> last = new HashMap<>();
    for (Mutation mutation : published) {
      long before = last.getOrDefault(Dot.slot(mutation.dot()), 0L);
      assertEquals(before + 1, Dot.sequence(mutation.dot()));
      last.put(Dot.slot(mutation.dot()), before + 1);
    }
    assertEquals(1, last.size());
  }

  @Test
  void callsAreHeldWhileJoiningAndThenAnsweredFromTheGroupsData() {
    Wire there = wire();
    LockedReplica first = replica(SETTINGS, there);
    first.connected();
    Waiting.until("the first one live", () -> live(first));
    call(first, set("k", "v"));
    Wire back = wire();
    LockedReplica second = started(new LockedReplica("test", PATIENT, back, 60_000), back);
    List<Reply> answers = new ArrayList<>();
    second.call(new Command.Get(Key.of("k")), answers::add);
    assertEquals(List.of(), answers);
    there.far = second;
    back.far = first;
    second.connected();
    Waiting.until("an answer", () -> live(second));
    agree();
    assertEquals(new Reply.Value(Bytes.utf8("v")), call(second, new Command.Get(Key.of("k"))));
    Waiting.until("the held answer", () -> answers.size() == 1);
    assertEquals(List.of(new Reply.Value(Bytes.utf8("v"))), answers);
  }

  @Test
  void changesCarryTheCauseOfTheCallThatMadeThem() {
    LockedReplica alone = replica(SETTINGS, wire());
    List<String> told = Collections.synchronizedList(new ArrayList<>());
    alone.watch(
        new Replica.KeyWatcher() {
          @Override
          public boolean wants(Key key) {
            return true;
          }

          @Override
          public void changed(Key key, Bytes value, Object cause) {
            told.add(value.utf8() + " by " + cause);
          }
        });
    alone.call(set("k", "held"), "first", reply -> {});
    alone.call(set("k", "held too"), reply -> {});
    alone.call(set("k", "also held"), "second", reply -> {});
    Waiting.until("held calls carried out", () -> told.size() == 3);
    alone.call(set("k", "at once"), "third", reply -> {});
    Waiting.until("the fourth told", () -> told.size() == 4);
    assertEquals(
        List.of("held by first", "held too by null", "also held by second", "at once by third"),
        told);
  }

  @Test
  void callsAreAnsweredAfterAWhileThoughNobodyIsThereToJoin() {
    LockedReplica alone = replica(SETTINGS, wire()); // its connection never comes up
    Waiting.until("its timer asleep", () -> asleep("cache-test"));
    assertEquals(new Reply.Done(), call(alone, set("k", "v")));
    assertEquals("v", get(alone, "k"));
    assertEquals(ReplicaStatus.State.JOINING, alone.status().state());
  }

  private static boolean asleep(String threadName) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(threadName))
        .allMatch(thread -> thread.getState() == Thread.State.TIMED_WAITING);
  }

  @Test
  void closingAnswersWhatIsHeld() {
    LockedReplica alone = replica(SETTINGS, wire());
    List<Reply> answers = new ArrayList<>();
    alone.call(set("k", "v"), answers::add);
    assertEquals(List.of(), answers);
    alone.close();
    assertEquals(List.of(new Reply.Done()), answers);
  }

  @Test
  void noMoreCallsAreHeldThanTheBound() {
    Limits two =
        new Limits(
            1 << 10, 1 << 12, 1 << 20, 100, 1 << 20, 100, 2, 1_000, 1_000, 1_000, 2, 2, 100, 1_024);
    LockedReplica joining = replica(NodeSettings.replicated(two, 200), wire());
    List<Reply> answers = new ArrayList<>();
    for (int i = 0; i < 3; i++) joining.call(set("k" + i, "v"), answers::add);
    joining.receive(Channel.MUTATIONS, new byte[0]); // any step: it must not let the held ones go
    assertEquals(1, answers.size());
    joining.close();
    assertEquals(3, answers.size());
  }

  @Test
  void standaloneAnswersAtOnceOnTheCallersThread() {
    LockedReplica alone = replica(NodeSettings.standalone(Limits.DEFAULTS), null);
    Thread[] answeredBy = new Thread[1];
    alone.call(set("k", "v"), reply -> answeredBy[0] = Thread.currentThread());
    assertEquals(Thread.currentThread(), answeredBy[0]);
    assertEquals("v", get(alone, "k"));
    assertEquals(ReplicaStatus.State.STANDALONE, alone.status().state());
  }

  @Test
  void droppedFramesAreCountedByTheirKind() throws Exception {
    pair();
    LockedReplica replica = replicas.getFirst();
    FrameCodec codec = new FrameCodec(new Origins());
    byte[] question = Frames.encode(codec, new Frame.VectorRequest(new OriginId(5, 5), 1));
    assertCounts(Counter.WRONG_CHANNEL_FRAMES, replica, Channel.REPLAY_ALL, question);
    byte[] answer =
        Frames.encode(codec, new Frame.SnapshotRefused(new OriginId(5, 5), 1, 1, false));
    assertCounts(Counter.UNASKED_FRAMES, replica, Channel.DIRECT, answer);
    for (JsonNode vector : malformed()) {
      byte[] frame = HexFormat.of().parseHex(vector.get("hex").textValue());
      Counter counter = Counter.valueOf(vector.get("kind").textValue() + "_FRAMES");
      assertCounts(counter, replica, Frames.channel(frame), frame);
    }
    assertNull(replica.status().alarm());
    call(replica, set("k", "v"));
    agree();
  }

  private static byte[] frame(int version, int type) {
    Frame beacon = new Frame.Beacon(new OriginId(9, 9), 1, 1);
    byte[] frame = Frames.encode(new FrameCodec(new Origins()), beacon);
    frame[2] = (byte) version;
    frame[3] = (byte) type;
    CRC32C crc = new CRC32C();
    crc.update(frame, 0, frame.length - 4);
    ByteBuffer.wrap(frame).putInt(frame.length - 4, (int) crc.getValue());
    return frame;
  }

  @Test
  void framesOfLaterReleasesAreCountedAndLoggedAsWhatTheyAre() {
    pair();
    LockedReplica replica = replicas.getFirst();
    long type = Counter.UNKNOWN_TYPE_FRAMES.value();
    long version = Counter.UNKNOWN_VERSION_FRAMES.value();
    long astray = Counter.WRONG_CHANNEL_FRAMES.value();
    try (LogLines log = LogLines.of(LockedReplica.class)) {
      for (int i = 0; i < 3; i++) {
        replica.receive(Channel.HEARTBEATS, frame(2, 21)); // a type of a later release
        replica.receive(Channel.HEARTBEATS, frame(1, 2)); // another version
        replica.receive(Channel.MUTATIONS, frame(2, 2)); // a channel where it does not count
      }
      List<String> warnings = log.at(Level.WARN);
      assertEquals(2, warnings.size(), warnings::toString);
      assertTrue(warnings.getFirst().startsWith("other version "), warnings::toString);
      assertTrue(warnings.getFirst().contains("speaks version 1 of the protocol"));
      assertTrue(warnings.getLast().contains("WRONG_CHANNEL"), warnings::toString);
    }
    assertEquals(type + 3, Counter.UNKNOWN_TYPE_FRAMES.value());
    assertEquals(version + 3, Counter.UNKNOWN_VERSION_FRAMES.value());
    assertEquals(astray + 3, Counter.WRONG_CHANNEL_FRAMES.value());
  }

  private static JsonNode malformed() throws Exception {
    try (var in = LockedReplicaTest.class.getResourceAsStream("/replication-vectors.json")) {
      return new ObjectMapper().readTree(in).get("refused");
    }
  }

  private static void assertCounts(
      Counter counter, LockedReplica replica, Channel channel, byte[] frame) {
    long before = counter.value();
    replica.receive(channel, frame);
    assertEquals(before + 1, counter.value(), counter::name);
  }

  @Test
  void callsThatFollowEachOtherShareFramesAndAreAnsweredAtOnce() {
    pair();
    LockedReplica writer = replicas.getFirst();
    int[] answered = new int[1];
    for (int i = 1; i <= 1_000; i++) {
      writer.callTogether(set("k", "v" + i), null, reply -> answered[0]++);
      assertEquals(i, answered[0]);
    }
    writer.flush();
    List<Mutation> published = wires.getFirst().published();
    assertInSequence(published, 1_000);
    assertTrue(wires.getFirst().mutations.size() < 500);
    Waiting.until("the peer has the last", () -> "v1000".equals(get(replicas.get(1), "k")));
  }

  @Test
  void whatNobodyFlushesIsPublishedAllTheSame() {
    pair();
    replicas.getFirst().callTogether(set("k", "v"), null, reply -> {});
    Waiting.until("the peer has it", () -> "v".equals(get(replicas.get(1), "k")));
  }

  @Test
  void closeSaysGoodbyeOnceAndEndsTheTimer() {
    pair();
    LockedReplica leaver = replicas.getFirst();
    call(leaver, set("k", "v"));
    leaver.close();
    assertEquals(ReplicaStatus.State.LEFT, leaver.status().state());
    assertEquals("answerReplays false", wires.getFirst().calls.getLast());
    int said = wires.getFirst().calls.size();
    leaver.close();
    assertEquals(said, wires.getFirst().calls.size());
    assertEquals("v", get(replicas.get(1), "k"));
    assertEquals("v", get(leaver, "k")); // the data stays
    Waiting.until("the peer let it go", () -> replicas.get(1).status().peers().isEmpty());
  }

  @Test
  void reopensUnderAnotherNameWithItsData() {
    pair();
    LockedReplica returning = replicas.getFirst();
    OriginId before = returning.status().origin();
    assertThrows(IllegalStateException.class, () -> returning.reopen(wires.getFirst()));
    call(returning, set("k", "v"));
    returning.close();
    call(replicas.get(1), set("meanwhile", "w"));
    Wire again = wire();
    again.far = replicas.get(1);
    again.near = returning;
    wires.get(1).far = returning;
    returning.reopen(again);
    returning.connected();
    Waiting.until("live again", () -> live(returning));
    assertNotEquals(before, returning.status().origin());
    Waiting.until("listening under its name", () -> returning.status().origin().equals(again.name));
    assertEquals("v", get(returning, "k"));
    call(returning, new Command.Increment(Key.of("n"), 1));
    agree();
    assertEquals("w", get(returning, "meanwhile"));
    assertEquals("1", get(replicas.get(1), "n"));
  }

  @Test
  void lateFramesOfTheLifeBeforeDoNotTakeWhatIsForTheNext() throws InterruptedException {
    pair();
    LockedReplica returning = replicas.getFirst();
    AtomicBoolean stop = new AtomicBoolean();
    Thread late =
        Thread.ofPlatform()
            .start(() -> {
              while (!stop.get()) returning.receive(Channel.MUTATIONS, new byte[] {0});
            });
    try {
      for (int life = 0; life < 200; life++) {
        returning.close();
        Wire again = wire();
        returning.reopen(again);
        Waiting.until(
            "listening under its name", () -> returning.status().origin().equals(again.name));
      }
    } finally {
      stop.set(true);
      late.join();
    }
  }

  @Test
  void refusedConnectionTellsWhyUntilItIsUp() {
    pair();
    LockedReplica refused = replicas.getFirst();
    refused.refused("the server refuses a subject");
    assertFalse(refused.status().connected());
    assertEquals("the server refuses a subject", refused.status().hindrance());
    refused.disconnected();
    assertNull(refused.status().hindrance());
    refused.refused("the server refuses a subject");
    refused.connected();
    assertTrue(refused.status().connected());
    assertNull(refused.status().hindrance());
  }

  @Test
  void disconnectedCallsReachThePeerAfterTheReconnect() {
    pair();
    LockedReplica cut = replicas.getFirst();
    wires.get(0).far = null;
    wires.get(1).far = null;
    cut.disconnected();
    assertFalse(cut.status().connected());
    call(cut, set("k", "v"));
    wires.get(0).far = replicas.get(1);
    wires.get(1).far = cut;
    cut.connected();
    agree();
    assertEquals("v", get(replicas.get(1), "k"));
  }
}
