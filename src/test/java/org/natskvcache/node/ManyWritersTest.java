package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.Group.Member;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** A cache whose keys were each written by another instance, as by scripts that start anew. */
class ManyWritersTest {
  private static final Limits LIMITS =
      new Limits(
          1 << 10, 1 << 16, 1 << 20, 1_000, 1 << 20, 1_000, 100, 100_000, 100_000, 100_000, 2, 2,
          100, 1_024);

  private final Group group = new Group(1);

  private static void wrote(Member to, int number) throws Exception {
    OriginId author = OriginId.of(to.now().wallMillis(), 9, number);
    Op op = new Op.Put(Key.of("w" + number), Bytes.utf8("v"), 0, Observed.NOTHING);
    to.receive(Frames.only(author, op));
  }

  /** How many digests it tells in one answer. */
  private int bucketsTold(Member asked) throws Exception {
    OriginId asker = new OriginId(3, 3);
    int all = Frame.DigestRequest.ALL_BUCKETS;
    asked.receive(group.encode(new Frame.DigestRequest(asker, false, 1, all, 0)));
    group.advance(10);
    Frame answer = asked.sent(Frame.DigestResponse.class).getLast().frame();
    return ((Frame.DigestResponse) answer).buckets().size();
  }

  @Test
  void groupWithManyWritersIsJoined() throws Exception {
    Member one = group.live(1, LIMITS).getFirst();
    int writers = Origins.NAMES_MAX - 10;
    for (int i = 0; i < writers; i++) wrote(one, i);
    group.advance(20 * Group.HEARTBEAT_MILLIS);
    assertEquals(List.of(), one.status().problems());
    assertTrue(one.node.applied().marks() < 2_000);
    assertEquals(1 << LIMITS.digestBucketBits(), bucketsTold(one));
    Member joiner = group.add(LIMITS);
    joiner.connect();
    group.advance(20 * Group.HEARTBEAT_MILLIS);
    assertEquals(ReplicaStatus.State.LIVE, joiner.node.state());
    assertEquals(writers, joiner.node.keyspace().size());
    joiner.set("k", "v");
    group.advance(5 * Group.HEARTBEAT_MILLIS);
    group.assertAgreed();
  }
}
