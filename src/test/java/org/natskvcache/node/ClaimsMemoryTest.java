package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * Frames of strangers that only claim: to be instances, or to know of origins. What they cost has a
 * bound, and the instance goes on with those who write.
 */
class ClaimsMemoryTest {
  private static final long WALL_MILLIS = 1_000_000;
  private static final long HEARTBEAT_MILLIS = 1_000;

  /** Names beyond those of peers: the instance itself, and a few honest ones. */
  private static final int FEW = 8;

  private static final OriginId STRANGER = new OriginId(9, 9);
  private static final int VECTOR_NAMES = Origins.FRAME_NAMES_LATER_MAX;

  private static final int MANY = 2_000;

  /** 20 MiB of them, 17 bytes for each mark. */
  private static final int VECTORS = (20 << 20) / (17 * VECTOR_NAMES);

  private final Node node =
      new Node(
          NodeSettings.replicated(Group.limits(1_000, 100_000, 1_000, 2), HEARTBEAT_MILLIS),
          new OriginId(1, 1),
          new SplittableRandom(1),
          new Time(WALL_MILLIS, 0));
  private long tick;
  private int refused;
  private long honest = 1_000;
  private int written;

  /** The nonces of what this instance asked for last. */
  private long vectorNonce;

  private long offerNonce;

  @BeforeEach
  void joinAlone() {
    node.connected(now());
    noteNonces();
  }

  private Time now() {
    return new Time(WALL_MILLIS + tick, tick);
  }

  private void live() {
    node.nobodyListens(now());
    assertEquals(ReplicaStatus.State.LIVE, node.state());
    assertApplied(); // so it has something
  }

  private void advance(long millis) {
    for (long end = tick + millis; tick < end; ) {
      tick += 100;
      node.tick(now());
      noteNonces();
    }
  }

  private void noteNonces() {
    for (Effect effect : node.takeEffects()) {
      if (!(effect instanceof Effect.Publish publish)) continue;
      try {
        Frame frame = Frames.decode(new FrameCodec(new Origins()), publish.frame());
        if (frame instanceof Frame.VectorRequest request) vectorNonce = request.nonce();
        if (frame instanceof Frame.OfferRequest request) offerNonce = request.nonce();
      } catch (MalformedFrameException malformed) {
        throw new AssertionError(malformed);
      }
    }
  }

  /** Counts what is refused for the origins it names; anything else must be read. */
  private void receive(Origins origins, Frame frame) {
    receive(Frames.encode(new FrameCodec(origins), frame));
  }

  private void receive(byte[] bytes) {
    try {
      node.receive(Frames.channel(bytes), bytes, now());
    } catch (MalformedFrameException malformed) {
      assertEquals(MalformedFrameException.Kind.TOO_MANY_NAMES, malformed.kind());
      refused++;
    }
    noteNonces();
  }

  private void beacon(OriginId from) {
    receive(new Origins(), new Frame.Beacon(from, 1, WALL_MILLIS + tick));
  }

  private interface Claim {
    Frame frame(OriginId from, VersionVector vector);
  }

  /** Sends 20 MiB of frames whose vectors name ever new origins, until not one more fits. */
  private void claim(IntFunction<OriginId> from, Claim claim) {
    for (int i = 0; i < VECTORS; i++) claim(from.apply(i), i, VECTOR_NAMES, claim);
    for (int names = VECTOR_NAMES / 2, i = VECTORS; names > 0; names /= 2, i++) {
      claim(from.apply(i), i, names, claim);
    }
  }

  private void claim(OriginId from, int series, int names, Claim claim) {
    Origins origins = new Origins();
    VersionVector vector = new VersionVector(origins);
    for (int n = 0; n < names; n++) vector.raise(origins.slot(new OriginId(50 + series, n)), 1);
    receive(origins, claim.frame(from, vector));
  }

  private static Frame heartbeat(OriginId from, VersionVector active) {
    return new Frame.Heartbeat(
        from, true, false, false, 0, WALL_MILLIS, 1, active, 1, 77, 0, 0, List.of(), 0);
  }

  private static Mutation put(long dot, int[] slots, long[] deltas) {
    Op op = new Op.Put(Key.of("k" + dot), new Bytes(new byte[1]), 0, Observed.NOTHING);
    return new Mutation(dot, 1, slots, deltas, null, 0, op);
  }

  private OriginId write() {
    Origins origins = new Origins();
    OriginId author = new OriginId(2, honest++);
    Mutation first = put(Dot.of(origins.slot(author), 1), new int[0], new long[0]);
    receive(origins, new Frame.Mutations(author, List.of(first)));
    return author;
  }

  /** An origin that nobody heard of writes, and that is applied. */
  private OriginId assertApplied() {
    int before = refused;
    OriginId author = write();
    assertEquals(before, refused);
    assertEquals(++written, node.applied().marks());
    return author;
  }

  private void assertBounded() {
    assertTrue(node.claimedBytes() <= Peers.KNOWN_BYTES_MAX, () -> "bytes " + node.claimedBytes());
    int names = node.origins().slots();
    int most = Origins.CLAIMED_NAMES_MAX + Peers.INSTANCES_MAX + FEW;
    assertTrue(names <= most, () -> "names " + names);
  }

  /** Once those that claim have fallen silent, all they named is gone. */
  private void assertForgotten() {
    advance(10 * HEARTBEAT_MILLIS);
    assertTrue(node.origins().size() <= Peers.INSTANCES_MAX + FEW);
    assertTrue(node.claimedBytes() <= 1 << 20, () -> "bytes " + node.claimedBytes());
    assertApplied();
  }

  // ---------------------------------------------------------------- instances

  @Test
  void beaconsOfManyUnknownOriginsCostLittle() {
    live();
    for (int i = 0; i < 100_000; i++) beacon(new OriginId(3, i));
    assertEquals(Peers.INSTANCES_MAX, node.status(now()).peers().size());
    assertTrue(node.origins().slots() <= Peers.INSTANCES_MAX + FEW);
    assertTrue(node.claimedBytes() <= 1 << 20, () -> "bytes " + node.claimedBytes());
    assertEquals(100_000 - Peers.INSTANCES_MAX, node.refusedPeers());
    assertApplied();
  }

  /** So many names came before it that a vector by slot would be long, and so for each peer. */
  @Test
  void instancesInHighSlotsCostNoMore() {
    live();
    claim(i -> STRANGER, ClaimsMemoryTest::heartbeat);
    long before = node.claimedBytes();
    for (int i = 0; i < Peers.INSTANCES_MAX - 1; i++) beacon(new OriginId(3, i));
    assertTrue(node.claimedBytes() - before <= 200 << 10, () -> "bytes " + node.claimedBytes());
  }

  @Test
  void whoHasWrittenTakesThePlaceOfOneWhoOnlyClaims() {
    live();
    OriginId author = assertApplied();
    beacon(new OriginId(3, 0));
    tick++;
    for (int i = 1; i < Peers.INSTANCES_MAX; i++) beacon(new OriginId(3, i));
    beacon(new OriginId(4, 0));
    assertFalse(isPeer(new OriginId(4, 0)));
    assertTrue(isPeer(new OriginId(3, 0)));
    beacon(author);
    assertTrue(isPeer(author));
    assertFalse(isPeer(new OriginId(3, 0)));
    beacon(new OriginId(4, 0));
    assertTrue(isPeer(author));
    assertEquals(3, node.refusedPeers());
  }

  private boolean isPeer(OriginId id) {
    return node.status(now()).peers().stream().anyMatch(peer -> peer.origin().equals(id));
  }

  @Test
  void whoFallsSilentMakesRoom() {
    live();
    for (int i = 0; i < Peers.INSTANCES_MAX; i++) beacon(new OriginId(3, i));
    beacon(STRANGER);
    assertFalse(isPeer(STRANGER));
    advance(5 * HEARTBEAT_MILLIS);
    beacon(STRANGER);
    assertTrue(isPeer(STRANGER));
  }

  /** Who joins hears an offer though all places are taken by those who claim to be there. */
  @Test
  void offerIsHeardAmongThoseWhoOnlyClaim() {
    for (int i = 0; i < Peers.INSTANCES_MAX; i++) beacon(new OriginId(3, i));
    Origins origins = new Origins();
    VersionVector vector = new VersionVector(origins);
    receive(origins, new Frame.Offer(STRANGER, offerNonce, WALL_MILLIS, vector, 0));
    assertTrue(isPeer(STRANGER));
  }

  // ---------------------------------------------------------------- vectors

  @Test
  void heartbeatsOfOneStrangerThatNameNewOriginsAreBounded() {
    live();
    claim(i -> STRANGER, ClaimsMemoryTest::heartbeat);
    assertTrue(refused > 0);
    assertBounded();
    assertApplied();
    assertForgotten();
    int before = refused;
    claim(i -> STRANGER, ClaimsMemoryTest::heartbeat);
    assertTrue(refused - before < VECTORS, "new names are refused for ever");
  }

  @Test
  void heartbeatsOfManyStrangersThatNameNewOriginsAreBounded() {
    live();
    claim(i -> new OriginId(3, i), ClaimsMemoryTest::heartbeat);
    assertBounded();
    assertApplied();
    assertForgotten();
  }

  @Test
  void vectorsThatNameNewOriginsAreBounded() {
    live();
    receive(new Origins(), heartbeat(STRANGER, new VersionVector(new Origins())));
    assertTrue(vectorNonce != 0);
    claim(i -> STRANGER, (from, vector) -> new Frame.Vector(from, vectorNonce, vector));
    assertTrue(refused > 0);
    assertBounded();
    assertApplied();
    assertForgotten();
  }

  @Test
  void offersThatNameNewOriginsAreBounded() {
    claim(
        i -> STRANGER, (from, vector) -> new Frame.Offer(from, offerNonce, WALL_MILLIS, vector, 1));
    assertTrue(refused > 0);
    assertBounded();
    assertApplied();
  }

  @Test
  void vectorsNobodyAskedForLeaveNoNames() {
    live();
    int before = node.origins().size();
    claim(i -> STRANGER, (from, vector) -> new Frame.Vector(from, 5, vector));
    claim(i -> STRANGER, (from, vector) -> new Frame.Offer(from, 5, WALL_MILLIS, vector, 1));
    assertEquals(0, refused);
    assertEquals(before, node.origins().size());
  }

  /** The same marks, claimed by every instance there can be: no new names, but many vectors. */
  @Test
  void whatAllInstancesTogetherClaimIsBounded() {
    live();
    int names = 6_000;
    Origins origins = new Origins();
    VersionVector vector = new VersionVector(origins);
    for (int n = 0; n < names; n++) vector.raise(origins.slot(new OriginId(50, n)), 1);
    for (int i = 0; i < 1_000; i++) receive(origins, heartbeat(new OriginId(3, i), vector));
    assertEquals(0, refused);
    assertTrue(node.claimedBytes() <= Peers.KNOWN_BYTES_MAX + 8 * 4 * names);
    assertTrue(node.refusedPeers() > 0);
  }

  // ---------------------------------------------------------------- mutations

  /** Mutations that wait for others hold the names in their contexts, but not for ever. */
  @Test
  void namesOfHeldBackMutationsAreBoundedAndComeBack() {
    live();
    for (int i = 0; i < 20; i++) {
      Origins origins = new Origins();
      OriginId author = new OriginId(7, i);
      int slot = origins.slot(author);
      int[] slots = new int[VECTOR_NAMES - 1];
      long[] deltas = new long[slots.length];
      for (int n = 0; n < slots.length; n++) {
        slots[n] = origins.slot(new OriginId(60 + i, n));
        deltas[n] = 1;
      }
      receive(origins, new Frame.Mutations(author, List.of(put(Dot.of(slot, 2), slots, deltas))));
    }
    assertTrue(refused > 0);
    assertTrue(node.origins().slots() <= Origins.NAMES_MAX);
    advance(10 * HEARTBEAT_MILLIS);
    assertApplied();
    assertTrue(node.origins().size() < Origins.CLAIMED_NAMES_MAX);
  }

  /** Each writes one mutation and is never heard of again, as scripts that start anew do. */
  @Test
  void tooManyWritersAreToldOfUntilThereIsRoomAgain() {
    live();
    for (int i = 0; i < Origins.NAMES_MAX; i++) wrote(i);
    assertTrue(refused > 0);
    assertEquals(List.of(Node.NAMES_FULL), node.status(now()).problems());
    advance(10 * HEARTBEAT_MILLIS); // most are forgotten, but what they wrote is held
    for (int i = 0; i < Origins.NAMES_MAX / 2; i++) {
      node.call(new Command.Delete(Key.of("w" + i)), now());
    }
    advance(10 * HEARTBEAT_MILLIS);
    assertEquals(List.of(), node.status(now()).problems());
    refused = 0;
    wrote(Origins.NAMES_MAX);
    assertEquals(0, refused);
    Command get = new Command.Get(Key.of("w" + Origins.NAMES_MAX));
    assertEquals(new Reply.Value(new Bytes(new byte[1])), node.call(get, now()));
  }

  private void wrote(int number) {
    wrote(number, new Op.Put(Key.of("w" + number), new Bytes(new byte[1]), 0, Observed.NOTHING));
  }

  private void wrote(int number, Op op) {
    receive(Frames.only(OriginId.of(WALL_MILLIS, 9, number), op));
  }

  /** Scripts that start anew may all write one key. */
  @Test
  void versionsAndChainsOfManyWritersUnderOneKeyCanBeOverwritten() {
    live();
    Key text = Key.of("text");
    Key count = Key.of("count");
    for (int i = 0; i < MANY; i++) {
      wrote(2 * i, new Op.Put(text, Bytes.utf8("v"), 0, Observed.NOTHING));
      wrote(2 * i + 1, new Op.Increment(count, 1, 1, true, null));
    }
    assertEquals(new Reply.Amount(MANY + 1), node.call(new Command.Increment(count, 1), now()));
    Keyspace held = node.keyspace();
    assertEquals(held.recomputedDigest(), held.digest());
    for (Key key : List.of(text, count)) node.call(new Command.Delete(key), now());
    assertEquals(held.recomputedDigest(), held.digest());
    for (Key key : List.of(text, count)) {
      assertEquals(new Reply.Absent(), node.call(new Command.Get(key), now()));
    }
  }
}
