package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/** Mutations that are larger than a message, and what cannot be sent. */
class LargeMutationTest {
  private static final int PAYLOAD = Limits.PAYLOAD_LEAST;

  private final Group group = new Group(1);

  private static Limits limits() {
    return Limits.DEFAULTS.withLogsFor(1 << 30);
  }

  private static void connect(Member member, int payload) {
    member.payloadMax = payload;
    member.node.payloadMax(payload);
  }

  private List<Member> live(int count, int payload) {
    List<Member> members = group.live(count, limits());
    for (Member member : members) connect(member, payload);
    return members;
  }

  private static String trouble(Member member) {
    List<String> problems = member.status().problems();
    return problems.isEmpty() ? null : String.join(", ", problems);
  }

  private static String text(int bytes) {
    return "v".repeat(bytes);
  }

  /** A value as large as the limit allows, and the context of so many origins. */
  @Test
  void valueAtTheLimitWithTheContextOfAThousandOriginsArrives() {
    int payload = Limits.DEFAULT_PAYLOAD_MAX;
    List<Member> members = live(2, payload);
    Member author = members.getFirst();
    for (int i = 0; i < 1_000; i++) {
      Member script = group.add(limits());
      script.node.payloadMax(payload);
      script.payloadMax = payload;
      script.connected = true;
      script.set("k" + i, "x");
      group.members.remove(script);
    }
    group.advance(2_000);
    assertEquals(1_000, author.status().versionVector().size());
    assertEquals(
        new Reply.Done(), author.set("big", text(limits().within(payload).entryBytesMax() - 3)));
    assertEquals(1, author.announced.size());
    assertTrue(author.announced.getFirst() > payload);
    author.set("after", "small");
    group.advance(1_000);
    assertEquals("small", members.get(1).get("after"));
    group.assertAgreed();
    assertNull(trouble(author));
  }

  @Test
  void beaconTellsAtOnceOfWhatIsNotPublished() {
    List<Member> members = live(2, PAYLOAD);
    Member author = members.getFirst();
    // accepted before the limit fell
    author.node.payloadMax(4 * PAYLOAD);
    author.node.call(set("big", 2 * PAYLOAD), author.now());
    author.node.payloadMax(PAYLOAD);
    author.node.flush();
    author.sent.clear();
    group.advance(20);
    assertEquals(1, author.announced.size());
    assertTrue(author.sent(Frame.Mutations.class).isEmpty());
    assertEquals(1, author.sent(Frame.Beacon.class).size());
    group.advance(100);
    assertEquals(text(2 * PAYLOAD), members.get(1).get("big"));
    for (Group.Sent sent : author.sent) assertTrue(sent.bytes().length <= PAYLOAD);
    assertTrue(author.sent(Frame.Replayed.class).size() > 2);
  }

  private static Command set(String key, int bytes) {
    return new Command.Set(Key.of(key), Bytes.utf8(text(bytes)), 0);
  }

  @Test
  void whatIsHeldIsServedWhenTheLimitFallsBelowIt() {
    List<Member> members = group.live(2, limits());
    members.getFirst().set("big", text(500_000));
    group.advance(1_000);
    for (Member member : members) member.reconnect(PAYLOAD);
    Reply refused = members.getFirst().set("other", text(PAYLOAD));
    assertEquals(
        new Reply.Rejected(
            Reply.Reason.TOO_LARGE, "key and value have 65541 bytes, the limit is 49152"),
        refused);
    for (String way : List.of("replay", "snapshot")) {
      if (way.equals("snapshot")) {
        for (int i = 0; i < 200; i++) members.getFirst().set("filler", text(48_000));
      }
      Member joiner = group.add(limits());
      connect(joiner, PAYLOAD);
      joiner.connect();
      group.advance(3_000);
      assertEquals(ReplicaStatus.State.LIVE, joiner.node.state(), way);
      assertEquals(500_000, joiner.get("big").length(), way);
    }
    for (Member member : group.members) assertNull(trouble(member));
  }

  @Test
  void mutationLargerThanTheRingComesAsASnapshot() {
    Member author = live(2, PAYLOAD).getFirst();
    Member large = group.add(limits().withLogsFor(1 << 16));
    large.payloadMax = PAYLOAD;
    large.node.call(set("big", 100_000), large.now());
    large.node.payloadMax(PAYLOAD);
    large.connect();
    group.advance(3_000);
    assertEquals(100_000, author.get("big").length());
    assertEquals(1, author.count(Effect.Event.Kind.SNAPSHOT_INSTALLED));
  }

  @Test
  void whatTheTransportCouldNotSendIsAskedForAndTold() {
    List<Member> members = group.live(2, limits());
    Member author = members.getFirst();
    author.payloadMax = PAYLOAD; // its node does not know
    author.set("big", text(100_000));
    String trouble = trouble(author);
    assertNotNull(trouble);
    assertTrue(
        trouble.matches("a frame of 100\\d\\d\\d bytes is more than the server takes"), trouble);
    author.node.payloadMax(PAYLOAD); // as LockedReplica does
    group.advance(200);
    assertEquals(100_000, members.get(1).get("big").length());
    assertNull(trouble(author));
  }

  @Test
  void vectorThatDoesNotFitIsTroubleUntilItDoes() {
    List<Member> members = live(2, PAYLOAD);
    Member one = members.getFirst();
    one.node.payloadMax(60); // less than its heartbeats have
    group.advance(3 * Group.HEARTBEAT_MILLIS);
    assertTrue(trouble(one).endsWith("bytes is more than the server takes"));
    assertEquals(
        1, one.count(Effect.Event.Kind.UNSENDABLE)); // though there were several heartbeats
    one.node.payloadMax(PAYLOAD);
    assertNull(trouble(one));
  }

  @Test
  void gapThatDoesNotCloseIsTroubleUntilItDoes() {
    List<Member> members = live(2, PAYLOAD);
    Member author = members.getFirst();
    Member receiver = members.get(1);
    group.lost =
        (sent, to) ->
            sent.channel() == Channel.MUTATIONS
                || sent.channel() == Channel.DIRECT && sent.from() == author;
    author.set("k", "v");
    group.advance(9_000);
    assertNull(trouble(receiver));
    group.advance(3_000);
    assertEquals(
        "has been missing changes of " + author.node.id() + " for 11 s", trouble(receiver));
    assertNull(trouble(author));
    group.lost = (sent, to) -> false;
    group.advance(6_000);
    assertEquals("v", receiver.get("k"));
    assertNull(trouble(receiver));
  }

  @Test
  void whatDiedWithItsAuthorIsNoGap() {
    List<Member> members = live(3, PAYLOAD);
    Member author = members.getFirst();
    group.lost = (sent, to) -> sent.is(Frame.Mutations.class);
    author.set("k", "1");
    group.lost = (sent, to) -> false;
    author.set("k", "2");
    author.connected = false;
    group.members.remove(author);
    group.advance(20_000);
    for (Member left : group.members) {
      assertEquals(1, left.status().heldBack());
      assertNull(trouble(left));
    }
  }

  /** Permissions of the server may let through heartbeats and no answers. */
  @Test
  void joinerWhoseAnswersAreRefusedWaitsForAWhileAndIsUnhealthyThen() {
    Member live = live(1, PAYLOAD).getFirst();
    live.set("k", "v");
    Member joiner = group.add(limits());
    group.lost = (sent, to) -> sent.channel() == Channel.DIRECT;
    joiner.connect();
    group.advance(29_500);
    assertEquals(ReplicaStatus.State.JOINING, joiner.node.state());
    group.advance(700);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    String missing = "has been missing changes of " + live.node.id() + " for ";
    assertTrue(String.valueOf(trouble(joiner)).startsWith(missing), trouble(joiner));
    group.lost = (sent, to) -> false;
    group.advance(6_000);
    assertEquals("v", joiner.get("k"));
    assertNull(trouble(joiner));
  }

  @Test
  void joinerThatHearsNobodyIsLiveAfterASecondAsBefore() {
    Member joiner = group.add(limits());
    joiner.connect();
    group.advance(1_001);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertNull(trouble(joiner));
  }

  @Test
  void piecesOfEachFrameAreKeptApartInAnyOrderAndLateOnesGo() {
    var pieces = new ReplayedPieces(org.natskvcache.crdt.Defect.NONE);
    var one = new OriginId(1, 1);
    var two = new OriginId(1, 2);
    assertNull(pieces.add(piece(one, 1, 0, 2, "cd")));
    assertNull(pieces.add(piece(two, 1, 0, 0, "xy")));
    assertNull(pieces.add(piece(one, 2, 0, 0, "xy")));
    assertNull(pieces.add(piece(one, 1, 1, 0, "xy")));
    assertNull(pieces.add(piece(one, 1, 0, 2, "cd"))); // twice
    assertNull(pieces.add(piece(one, 1, 0, 1, "bc"))); // overlaps
    byte[] whole = pieces.add(piece(one, 1, 0, 0, "ab"));
    assertNotNull(whole);
    assertEquals("abcd", new String(whole, java.nio.charset.StandardCharsets.UTF_8));
    pieces.retain((from, nonce) -> nonce == 2);
    assertEquals(102, pieces.kept());
    pieces.clear();
    assertEquals(0, pieces.kept());
  }

  private static Frame.Replayed piece(
      OriginId from, long nonce, int number, int offset, String bytes) {
    return new Frame.Replayed(from, nonce, number, offset, 4, Bytes.utf8(bytes));
  }
}
