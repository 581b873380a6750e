package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.ReplicatedState.Installed;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** What happens to a snapshot while other things happen to the state it is for. */
class ReplicatedStateTest {
  private static final OriginId PEER = new OriginId(7, 7);

  private final ReplicatedState peer = state(PEER);
  private final ReplicatedState state = state(new OriginId(9, 9));
  private final Cut cut;
  private final Staging staging = state.newStaging();

  /** The header of the snapshot is here, and nothing else. */
  ReplicatedStateTest() {
    put(peer, "a");
    put(peer, "b");
    cut = peer.newCut();
    List<Frame.Piece> pieces = cut.part(0, 0, Integer.MAX_VALUE).pieces();
    add(0, pieces.subList(0, 1), false);
  }

  private static ReplicatedState state(OriginId id) {
    return new ReplicatedState(
        NodeSettings.replicated(Group.limits(100, 100, 1_000, 2), 1_000),
        id,
        new ReplicatedState.Listener() {
          @Override
          public void beforeChange(int bucket) {}

          @Override
          public void settled(int slot) {}

          @Override
          public void forgot(SortedMap<OriginId, Long> gone) {}

          @Override
          public void contradiction(String text) {
            throw new AssertionError(text);
          }
        });
  }

  private static void put(ReplicatedState state, String key) {
    Bytes value = Bytes.utf8("v");
    state.author(new Op.Put(Key.of(key), value, 0, Observed.NOTHING), state.stamp(1_000));
  }

  private void add(int section, List<Frame.Piece> pieces, boolean last) {
    assertTrue(staging.add(new Frame.SnapshotChunk(PEER, 1, 1, section, 0, last, pieces)));
  }

  private Installed installRest() {
    add(1, cut.part(1, 0, Integer.MAX_VALUE).pieces(), true);
    return state.install(staging, Long.MAX_VALUE);
  }

  @Test
  void originsOfAnOpenSnapshotKeepTheirSlots() {
    int slot = state.origins().find(PEER);
    assertFalse(state.sweep(new BitSet(), 0).get(slot));
    state.origins().slot(new OriginId(8, 8));
    assertEquals(slot, state.origins().find(PEER));
    put(state, "a");
    assertEquals(Installed.DONE, installRest());
    assertEquals(2, state.keyspace().size());
    assertEquals(2, state.applied().mark(slot));
    assertEquals(state.keyspace().recomputedDigest(), state.keyspace().digest());
    assertEquals(state.keyspace().recomputedFootprint(), state.keyspace().footprint());
  }

  @Test
  void originsOfASnapshotGivenUpLoseTheirSlots() {
    int slot = state.origins().find(PEER);
    state.abandonStaging();
    assertTrue(state.sweep(new BitSet(), 0).get(slot));
  }

  @Test
  void forgettingMeanwhileChangesNothingElse() {
    state.forget(new OriginId(6, 6), origin -> false);
    assertEquals(Installed.ABANDONED, installRest());
    assertEquals(0, state.keyspace().size());
    assertTrue(state.applied().toMap().isEmpty());
  }

  /** A sweep looks at everything held, so names in use do not bring one about again and again. */
  @Test
  void manyNamesAreLookedThroughButNotWithoutRest() {
    assertFalse(state.wantsSweep(0));
    BitSet used = new BitSet();
    for (int i = state.origins().size(); i < Origins.CLAIMED_NAMES_MAX; i++) {
      used.set(state.origins().slot(new OriginId(5, i)));
    }
    assertTrue(state.wantsSweep(0));
    state.sweep(used, 0);
    assertTrue(state.origins().crowded());
    assertFalse(state.wantsSweep(4_999));
    assertTrue(state.wantsSweep(5_000));
    state.sweep(new BitSet(), 5_000);
    assertFalse(state.wantsSweep(10_000));
  }
}
