package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** Resets of a counter that say what is not true: the order of arrival must not matter. */
class CounterLiesTest {
  private static final Limits ROOMY = Group.limits(1_000, 1_000, 1_000, 2);
  private static final Key COUNT = Key.of("count");

  private final Origins origins = new Origins();
  private final int owner = origins.slot(new OriginId(2, 1));
  private final int liar = origins.slot(new OriginId(2, 2));
  private final Mutation first = increment(1, 5, 5, true);

  private static Mutation mutation(int slot, long sequence, int[] seen, long[] marks, Op op) {
    return new Mutation(Dot.of(slot, sequence), 1, seen, marks, null, 0, op);
  }

  private Mutation increment(long sequence, long delta, long sum, boolean fresh) {
    Op op = new Op.Increment(COUNT, delta, sum, fresh, null);
    return mutation(owner, sequence, new int[0], new long[0], op);
  }

  private Op reset(long last, long sum) {
    return new Op.Delete(
        COUNT, new Observed(new int[] {owner}, new long[] {last}, new long[] {sum}), false);
  }

  /** By one who has seen so much of the owner. */
  private Mutation lie(long seen, long last, long sum) {
    return mutation(liar, 1, new int[] {owner}, new long[] {seen}, reset(last, sum));
  }

  private long digest(Mutation... inOrder) throws MalformedFrameException {
    Member member = new Group(1).live(1, ROOMY).getFirst();
    FrameCodec codec = new FrameCodec(origins);
    for (Mutation each : inOrder) {
      OriginId author = origins.id(Dot.slot(each.dot()));
      member.receive(Frames.encode(codec, new Frame.Mutations(author, List.of(each))));
    }
    assertEquals(0, member.status().heldBack());
    assertNull(member.status().alarm());
    return member.node.keyspace().digest();
  }

  @Test
  void resetBeyondTheLastIncrement() throws MalformedFrameException {
    Mutation other =
        mutation(
            owner, 2, new int[0], new long[0], new Op.Increment(Key.of("other"), 1, 1, true, null));
    Mutation more = increment(3, 3, 8, false);
    long expected = digest(first, other, more, lie(2, 2, 4));
    assertEquals(expected, digest(first, other, lie(2, 2, 4), more));
  }

  @Test
  void resetWithAnotherSumThanTheOwners() throws MalformedFrameException {
    Mutation own = mutation(owner, 2, new int[0], new long[0], reset(1, 5));
    Mutation fresh = increment(3, 3, 3, true);
    for (long sum : new long[] {4, 5, 6, 99}) {
      long expected = digest(first, own, fresh, lie(1, 1, sum));
      assertEquals(expected, digest(first, own, lie(1, 1, sum), fresh));
      assertEquals(expected, digest(first, lie(1, 1, sum), own, fresh));
    }
  }

  @Test
  void twoSumsForOneIncrement() throws MalformedFrameException {
    int another = origins.slot(new OriginId(2, 3));
    Mutation other = mutation(another, 1, new int[] {owner}, new long[] {1}, reset(1, 2));
    Mutation more = increment(2, 3, 8, false);
    long expected = digest(first, lie(1, 1, 4), other, more);
    assertEquals(expected, digest(first, other, lie(1, 1, 4), more));
    assertEquals(expected, digest(first, more, other, lie(1, 1, 4)));
  }
}
