package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.natskvcache.node.Group.Member;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Capacity;
import org.natskvcache.store.Capacity.Eviction;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/** Nodes at the limits of what they may hold. */
class RoomTest {
  private static final int MEMORY = 20_000;

  private final Group group = new Group(1);

  private static Limits limits(long bytesMax, long entriesMax, Eviction eviction) {
    return Group.limits(10_000, 1_000, 10_000, 2)
        .withCapacity(new Capacity(bytesMax, entriesMax, eviction));
  }

  private static Limits memory(Eviction eviction) {
    return limits(MEMORY, Capacity.NONE, eviction);
  }

  private static Command.Set set(String key, int valueBytes) {
    return new Command.Set(Key.of(key), new Bytes(new byte[valueBytes]), 0);
  }

  private static Reply.Reason reason(Reply reply) {
    return assertInstanceOf(Reply.Rejected.class, reply).reason();
  }

  /** Writes new keys until one is refused; how many were taken. */
  private static int fill(Member member, String prefix, int valueBytes) {
    for (int i = 0; ; i++) {
      Reply reply = member.call(set(prefix + i, valueBytes));
      if (reply instanceof Reply.Rejected(var reason, _)) {
        assertEquals(Reply.Reason.FULL, reason);
        return i;
      }
    }
  }

  private static boolean holds(Member member, String key) {
    return member.call(new Command.Contains(Key.of(key))).equals(new Reply.Flag(true));
  }

  private static long used(Member member) {
    long used = member.node.keyspace().footprint();
    assertEquals(member.node.keyspace().recomputedFootprint(), used);
    return used;
  }

  @Nested
  class Refusing {
    private final Member member = group.live(1, memory(Eviction.NONE)).getFirst();

    @Test
    void whatGrowsIsRefusedAndChangesNothing() {
      assertTrue(fill(member, "k", 64) > 50);
      fill(member, "z", 0);
      long written = member.node.applied().hash();
      List<Command> growing =
          List.of(
              set("other", 64),
              set("k0", 1_000),
              new Command.Increment(Key.of("n"), 1),
              new Command.ListAdd(Key.of("list"), Bytes.utf8("x")),
              new Command.SetAdd(Key.of("set"), Bytes.utf8("x")));
      for (Command command : growing) {
        assertEquals(Reply.Reason.FULL, reason(member.call(command)), command.toString());
      }
      assertEquals(written, member.node.applied().hash());
      assertTrue(used(member) <= MEMORY * 95 / 100);
      assertEquals(1, member.count(Effect.Event.Kind.FULL)); // told once
      assertEquals(7, member.node.refused());
    }

    @Test
    void whatFreesOrDoesNotGrowIsTaken() {
      member.increment("n", 1);
      member.call(new Command.SetAdd(Key.of("set"), Bytes.utf8("x")));
      member.call(new Command.ListAdd(Key.of("list"), Bytes.utf8("x")));
      fill(member, "k", 64);
      List<Command> taken =
          List.of(
              new Command.Get(Key.of("k0")),
              set("k1", 64),
              set("k1", 10),
              new Command.Increment(Key.of("n"), 1),
              set("n", 8),
              new Command.SetAdd(Key.of("set"), Bytes.utf8("x")),
              new Command.SetRemove(Key.of("set"), Bytes.utf8("x")),
              new Command.ListRemove(Key.of("list"), Bytes.utf8("x")),
              new Command.Delete(Key.of("k0")));
      for (Command command : taken) {
        Reply reply = member.call(command);
        assertTrue(!(reply instanceof Reply.Rejected), command + " " + reply);
      }
      assertEquals(new Reply.Done(), member.call(set("again", 64)));
    }

    @Test
    void whatExpiredMakesRoom() {
      fill(member, "k", 64);
      member.call(new Command.Delete(Key.of("k0")));
      member.call(new Command.Set(Key.of("short"), new Bytes(new byte[8]), 10));
      fill(member, "more", 1);
      group.tick += 20;
      assertEquals(new Reply.Done(), member.call(set("k0", 8)));
      assertEquals(0, member.node.evicted());
    }

    @Test
    void aBatchIsTakenWholeOrNotAtAll() {
      fill(member, "k", 64);
      for (int i = 0; i < 3; i++) member.call(new Command.Delete(Key.of("k" + i)));
      long written = member.node.applied().hash();
      Reply reply =
          member.call(
              new Command.Batch(
                  List.of(set("a", 64), set("b", 64), set("c", 64), set("d", 64), set("e", 64))));
      List<Reply> replies = assertInstanceOf(Reply.Batch.class, reply).replies();
      assertEquals(5, replies.size());
      for (Reply each : replies) assertEquals(Reply.Reason.FULL, reason(each));
      assertEquals(written, member.node.applied().hash());
      reply = member.call(new Command.Batch(List.of(set("a", 64), set("b", 64), set("k9", 64))));
      assertEquals(
          List.of(new Reply.Done(), new Reply.Done(), new Reply.Done()),
          assertInstanceOf(Reply.Batch.class, reply).replies());
    }

    @Test
    void keysAreCountedToo() {
      Member few = group.add(limits(Capacity.NONE, 3, Eviction.NONE));
      assertEquals(3, fill(few, "k", 1));
      assertEquals(new Reply.Done(), few.call(set("k1", 100)));
      few.call(new Command.Delete(Key.of("k0")));
      few.increment("n", 1);
      assertEquals(Reply.Reason.FULL, reason(few.call(new Command.Increment(Key.of("m"), 1))));
    }
  }

  @Nested
  class Evicting {
    @Test
    void whatIsReadStaysAndWhatIsNotGoes() {
      Member member = group.live(1, limits(2_000_000, Capacity.NONE, Eviction.LRU)).getFirst();
      SplittableRandom random = new SplittableRandom(7);
      for (int i = 0; i < 2_000; i++) member.node.call(set("hot" + i, 64), member.now());
      for (int i = 0; i < 40_000; i++) {
        member.node.call(set("cold" + i, 64), member.now());
        for (int reads = 0; reads < 4; reads++) {
          member.node.call(new Command.Get(Key.of("hot" + random.nextInt(2_000))), member.now());
        }
        if (i % 1_000 == 0) member.set("flush", "");
      }
      int kept = 0;
      for (int i = 0; i < 2_000; i++) if (holds(member, "hot" + i)) kept++;
      System.out.println(
          "evicting: of 2000 hot keys "
              + kept
              + " stay, entries="
              + member.node.keyspace().size()
              + " evicted="
              + member.node.evicted());
      assertTrue(kept > 1_900, "kept " + kept);
      assertTrue(used(member) <= 1_900_000 && used(member) > 1_890_000, "used " + used(member));
      assertEquals(1, member.count(Effect.Event.Kind.EVICTING)); // told once
    }

    @Test
    void aBigCollectionGoesWhole() {
      Member member = group.live(1, memory(Eviction.LRU)).getFirst();
      for (int i = 0; i < 60; i++) {
        member.call(new Command.SetAdd(Key.of("big"), Bytes.utf8("member" + i)));
      }
      long big = used(member);
      long before = big;
      for (int i = 0; member.node.keyspace().footprint(Key.of("big")) > 0; i++) {
        assertTrue(i < 10_000, "it stays");
        before = used(member);
        member.call(set("k" + i, 64));
      }
      assertTrue(before - used(member) > big - 500, "from " + before + " to " + used(member));
    }

    @Test
    void theKeyBeingWrittenIsSpared() {
      Member member = group.live(1, memory(Eviction.LRU)).getFirst();
      Key list = Key.of("list");
      long length = 0;
      while (true) {
        Reply reply = member.call(new Command.ListAdd(list, new Bytes(new byte[500])));
        if (reply instanceof Reply.Rejected) break;
        assertEquals(new Reply.Amount(++length), reply);
        member.call(set("k", 100));
      }
      assertTrue(length > 20, "length " + length);
      assertEquals(Reply.Reason.FULL, reason(member.call(set("huge", MEMORY))));
      assertTrue(holds(member, "list"));
      assertTrue(holds(member, "k"), "deleted for an item that can never fit");
    }

    @Test
    void keysAreCountedToo() {
      Member few = group.add(limits(Capacity.NONE, 3, Eviction.LRU));
      for (int i = 0; i < 10; i++) assertEquals(new Reply.Done(), few.call(set("k" + i, 1)));
      assertEquals(3, few.node.keyspace().liveEntries());
      assertEquals(7, few.node.evicted());
      assertTrue(holds(few, "k9"));
    }

    @Test
    void watchersHearOfDeletes() {
      Member few = group.add(limits(Capacity.NONE, 2, Eviction.LRU));
      few.node.watch(key -> true);
      for (int i = 0; i < 3; i++) few.node.call(set("k" + i, 1), few.now());
      long gone =
          few.node.takeEffects().stream()
              .filter(e -> e instanceof Effect.Changed(_, var value, _) && value == null)
              .count();
      assertEquals(1, gone);
    }
  }

  @Nested
  class WithPeers {
    @Test
    void peersWritesAreTakenBeyondTheLimit() {
      Member small = group.live(1, memory(Eviction.NONE)).getFirst();
      Member large = group.add(Group.limits(10_000, 1_000, 10_000, 2));
      large.connect();
      group.advance(1_000);
      for (int i = 0; i < 300; i++) large.set("k" + i, "v".repeat(64));
      group.advance(1_000);
      group.assertAgreed();
      assertTrue(used(small) > MEMORY);
      assertEquals(used(large), used(small));
      assertEquals(1, small.count(Effect.Event.Kind.LIMIT_EXCEEDED));
      assertEquals(Reply.Reason.FULL, reason(small.call(set("mine", 1))));
      assertEquals(new Reply.Flag(true), small.call(new Command.Delete(Key.of("k0"))));
      group.advance(1_000);
      group.assertAgreed();
    }

    @Test
    void allWritingAtTheLimitDoNotEmptyTheCache() {
      List<Member> members = group.live(3, memory(Eviction.LRU));
      for (int i = 0; i < 500; i++) {
        for (Member member : members) member.set("k" + i + "of" + members.indexOf(member), "v");
        if (i % 10 == 0) group.advance(20);
      }
      group.advance(3_000);
      group.assertAgreed();
      for (Member member : members) {
        assertTrue(used(member) <= MEMORY * 95 / 100);
        assertTrue(used(member) > MEMORY * 85 / 100, "used " + used(member));
      }
    }

    /** Each side is full of its own keys: together twice too much, which goes once, not twice. */
    @Test
    void afterAPartitionEachRemovesItsShareOnly() {
      List<Member> members = group.live(2, memory(Eviction.LRU));
      group.lost = (sent, to) -> true;
      for (int i = 0; i < 300; i++) {
        members.get(0).set("a" + i, "v".repeat(64));
        members.get(1).set("b" + i, "v".repeat(64));
      }
      assertTrue(used(members.get(0)) > MEMORY * 9 / 10);
      assertTrue(used(members.get(1)) > MEMORY * 9 / 10);
      assertNotEquals(
          members.get(0).node.keyspace().digest(), members.get(1).node.keyspace().digest());
      group.lost = (sent, to) -> false;
      group.advance(10 * Group.HEARTBEAT_MILLIS);
      group.assertAgreed();
      for (Member member : members) {
        assertTrue(used(member) <= MEMORY * 95 / 100, "used " + used(member));
        assertTrue(used(member) > MEMORY * 80 / 100, "used " + used(member));
      }
    }

    @Test
    void aJoinerWithLessRoomTakesTheWholeSnapshot() {
      Member large = group.live(1, Group.limits(3, 1_000, 100, 2)).getFirst();
      for (int i = 0; i < 300; i++) large.set("k" + i, "v".repeat(64));
      Member small = group.add(memory(Eviction.NONE));
      small.connect();
      group.advance(2_000);
      assertEquals(1, small.count(Effect.Event.Kind.SNAPSHOT_INSTALLED));
      group.assertAgreed();
      assertEquals(used(large), used(small));
    }
  }
}
