package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** Answers that nobody asked for, by one who may publish where answers go. */
class UnaskedAnswersTest {
  private static final long NONCE = 0x1234_5678_9abcL;

  private final Group group = new Group(1);
  private final Origins origins = new Origins();
  private final FrameCodec codec = new FrameCodec(origins);
  private Group.Member victim;
  private OriginId peer;

  @BeforeEach
  void startGroup() {
    List<Group.Member> pair = group.live(2, Group.limits(100, 100, 1_000, 2));
    victim = pair.getFirst();
    peer = pair.getLast().node.id();
    pair.getLast().set("k", "v");
    group.advance(2 * Group.HEARTBEAT_MILLIS);
  }

  /** A vector that claims what nobody has. */
  private VersionVector far() {
    VersionVector vector = new VersionVector(origins);
    vector.raise(origins.slot(peer), 1_000);
    return vector;
  }

  /** All answers there are, with numbers that nobody asked with. */
  private List<Frame> answers() throws Exception {
    Op delete = new Op.Delete(Key.of("k"), Observed.NOTHING, false);
    long dot = Dot.of(origins.slot(peer), 2);
    Mutation mutation = new Mutation(dot, 9, new int[0], new long[0], null, 0, delete);
    byte[] replayed = codec.encodeReplayed(new Frame.Mutations(peer, List.of(mutation)));
    Bytes piece = new Bytes(replayed);
    return List.of(
        new Frame.Offer(peer, NONCE, 1, far(), 7),
        new Frame.Replayed(peer, NONCE, 0, 0, replayed.length, piece),
        new Frame.ReplayEnd(peer, NONCE, Frame.ReplayEnd.Outcome.SNAPSHOT_NEEDED, far()),
        new Frame.SnapshotChunk(peer, NONCE, 1, 0, 0, true, List.of(new Frame.Piece(true, piece))),
        new Frame.SnapshotRefused(peer, NONCE, 1, false),
        new Frame.Vector(peer, NONCE, far()),
        new Frame.DigestResponse(
            peer, NONCE, true, true, Long.MAX_VALUE, far(), 1, 1, List.of(), List.of()));
  }

  @Test
  void changeNothingAndAreCounted() throws Exception {
    long before = victim.node.unasked();
    long hash = victim.node.applied().hash();
    victim.sent.clear();
    int count = 0;
    for (Frame answer : answers()) {
      victim.receive(Frames.encode(codec, answer));
      assertEquals(before + ++count, victim.node.unasked(), answer::toString);
    }
    group.advance(100); // time to ask for what was claimed
    assertEquals("v", victim.get("k"));
    assertEquals(hash, victim.node.applied().hash());
    assertEquals(List.of(), victim.sent);
    assertNull(victim.status().alarm());
  }

  @Test
  void answersOfAGroupAtWorkAreNotCounted() {
    Group.Member late = group.add();
    late.connect();
    group.advance(3 * Group.HEARTBEAT_MILLIS);
    assertEquals("v", late.get("k"));
    for (Group.Member member : group.members) assertEquals(0, member.node.unasked());
  }
}
