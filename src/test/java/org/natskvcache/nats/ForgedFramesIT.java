package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import io.nats.client.Connection;
import io.nats.client.Nats;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.DocumentedGrants;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.ReplicaStatus;
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
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * Well-formed frames where they do not belong, on a server with the grants of {@code
 * docs/security.md}: they change nothing, and are counted.
 */
class ForgedFramesIT {
  private static final ReplicationSubjects SUBJECTS =
      new ReplicationSubjects("lattice.state.events", "lattice.state.replay");
  private static final Key KEY = Key.of("k");
  private static final long NONCE = 0x1234_5678_9abcL;

  private final NatsForTests nats = NatsForTests.start(DocumentedGrants.text(), Map.of());
  private final List<AutoCloseable> open = new ArrayList<>(List.of(nats));
  private final Origins origins = new Origins();
  private final FrameCodec codec = new FrameCodec(origins);
  private LockedReplica victim;
  private LockedReplica peer;
  private OriginId author;

  @BeforeEach
  void startPair() {
    victim = replica();
    peer = replica();
    until("live", () -> isLive(victim) && isLive(peer));
    peer.call(new Command.Set(KEY, Bytes.utf8("v"), 0), reply -> {});
    until("replicated", () -> holds(victim) && holds(peer));
    author = peer.status().origin();
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : open.reversed()) one.close();
  }

  private LockedReplica replica() {
    var settings = ConnectionSettings.of(DocumentedGrants.url(nats, "replica"));
    var transport = new ReplicationTransport(settings, SUBJECTS, "test");
    open.add(transport);
    var replica =
        new LockedReplica("test", NodeSettings.replicated(Limits.DEFAULTS, 1_000), transport);
    open.add(replica);
    transport.start(replica);
    return replica;
  }

  private static boolean isLive(LockedReplica replica) {
    ReplicaStatus status = replica.status();
    return status.state() == ReplicaStatus.State.LIVE && status.peers().size() == 1;
  }

  private static boolean holds(LockedReplica replica) {
    var answer = new CompletableFuture<Reply>();
    replica.call(new Command.Get(KEY), answer::complete);
    return answer.join() instanceof Reply.Value(var bytes) && bytes.utf8().equals("v");
  }

  private Connection attacker(String user) throws Exception {
    Connection connection = Nats.connect(DocumentedGrants.url(nats, user));
    open.add(connection);
    return connection;
  }

  /** What deletes the key, in the name of the one who wrote it. */
  private Frame deletion() {
    int slot = origins.slot(author);
    var seen = new Observed(new int[] {slot}, new long[] {1}, new long[] {1});
    Op delete = new Op.Delete(KEY, seen, false);
    long hlc = Long.MAX_VALUE >>> 2;
    var mutation = new Mutation(Dot.of(slot, 2), hlc, new int[0], new long[0], null, 0, delete);
    return new Frame.Mutations(author, List.of(mutation));
  }

  /** A vector that claims what nobody has. */
  private VersionVector far() {
    VersionVector vector = new VersionVector(origins);
    vector.raise(origins.slot(author), 1_000);
    return vector;
  }

  private List<Frame> questionsAndNotices() {
    OriginId stranger = new OriginId(7, 7);
    return List.of(
        deletion(),
        new Frame.Beacon(author, 1_000, 0),
        new Frame.Heartbeat(
            author, true, true, false, 1_000, 0, 0, far(), 0, 1, 1, 1, List.of(), 0),
        new Frame.Leave(author, 1, 0),
        new Frame.OfferRequest(stranger, NONCE, 1),
        new Frame.ReplayRequest(stranger, NONCE, far(), 1 << 20),
        new Frame.SnapshotRequest(stranger, NONCE, 0, 0, 0, 1 << 20),
        new Frame.VectorRequest(stranger, NONCE),
        new Frame.DigestRequest(stranger, true, NONCE, Frame.DigestRequest.ALL_BUCKETS, 0));
  }

  private List<Frame> answers() {
    byte[] replayed = codec.encodeReplayed((Frame.Mutations) deletion());
    var piece = new Bytes(replayed);
    return List.of(
        new Frame.Offer(author, NONCE, 1, far(), 7),
        new Frame.Replayed(author, NONCE, 0, 0, replayed.length, piece),
        new Frame.ReplayEnd(author, NONCE, Frame.ReplayEnd.Outcome.SNAPSHOT_NEEDED, far()),
        new Frame.SnapshotChunk(
            author, NONCE, 1, 0, 0, true, List.of(new Frame.Piece(true, piece))),
        new Frame.SnapshotRefused(author, NONCE, 1, false),
        new Frame.Vector(author, NONCE, far()),
        new Frame.DigestResponse(author, NONCE, true, true, 1, far(), 1, 1, List.of(), List.of()));
  }

  private boolean countsOn(Channel channel, byte[] frame) {
    try {
      codec.decode(frame, channel, victim.status().origin());
      return true;
    } catch (MalformedFrameException malformed) {
      assertEquals(MalformedFrameException.Kind.WRONG_CHANNEL, malformed.kind());
      return false;
    }
  }

  /** How many of the pair hear what is published there. */
  private static int listeners(Channel channel) {
    return switch (channel) {
      case MUTATIONS, HEARTBEATS, REPLAY_ALL -> 2;
      case REPLAY_ANY, DIRECT -> 1;
      case OBSERVER -> 0;
    };
  }

  /** Once so many were counted, all is as it was. */
  private void assertUnharmed(Counter counter, long expected) {
    until(
        () -> counter + "=" + counter.value() + ", not " + expected,
        () -> counter.value() >= expected);
    assertEquals(expected, counter.value(), counter::name);
    for (LockedReplica replica : List.of(victim, peer)) {
      assertTrue(holds(replica));
      ReplicaStatus status = replica.status();
      assertEquals(Map.of(author, 1L), status.versionVector());
      assertEquals(1, status.peers().size());
      assertEquals(0, status.heldBack());
      assertEquals(null, status.alarm());
    }
  }

  @Test
  void doctorsUserCannotWrite() throws Exception {
    Connection doctor = attacker("doctor");
    long before = Counter.WRONG_CHANNEL_FRAMES.value();
    doctor.publish("lattice.state.replay.all", Frames.encode(codec, deletion()));
    assertUnharmed(Counter.WRONG_CHANNEL_FRAMES, before + 2);
  }

  @Test
  void eachTypeOnEachWrongSubjectChangesNothing() throws Exception {
    Connection attacker = attacker("replica");
    OriginId origin = victim.status().origin();
    long expected = Counter.WRONG_CHANNEL_FRAMES.value();
    int forged = 0;
    for (Frame frame : Stream.concat(questionsAndNotices().stream(), answers().stream()).toList()) {
      byte[] bytes = Frames.encode(codec, frame);
      for (Channel channel : Channel.values()) {
        if (countsOn(channel, bytes)) continue;
        forged++;
        expected += listeners(channel);
        attacker.publish(SUBJECTS.of(channel, origin), bytes);
      }
    }
    assertEquals(16 * 6 - 20, forged); // four types count on two channels
    attacker.flush(Waiting.PATIENCE);
    assertUnharmed(Counter.WRONG_CHANNEL_FRAMES, expected);
  }

  @Test
  void answersThatNobodyAskedForChangeNothing() throws Exception {
    Connection attacker = attacker("replica");
    long before = Counter.UNASKED_FRAMES.value();
    for (Frame answer : answers()) {
      String subject = SUBJECTS.of(Channel.DIRECT, victim.status().origin());
      attacker.publish(subject, Frames.encode(codec, answer));
    }
    assertUnharmed(Counter.UNASKED_FRAMES, before + answers().size());
  }
}
