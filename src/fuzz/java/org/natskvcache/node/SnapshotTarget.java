package org.natskvcache.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.fuzz.Bounds;
import org.natskvcache.fuzz.Check;
import org.natskvcache.fuzz.FrameTarget;
import org.natskvcache.fuzz.FuzzTarget;
import org.natskvcache.fuzz.Input;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Bytes;

/**
 * The sections of a snapshot: read, joined into a replica, written again and joined into another.
 * The input is the sections, each behind its length; those that are missing are empty.
 */
public final class SnapshotTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 128;
  private static final int BUCKETS = 1 << PeerTarget.LIMITS.digestBucketBits();

  @Override
  public void run(byte[] input) throws Exception {
    List<byte[]> sections = new ArrayList<>(Input.parts(input));
    while (sections.size() <= BUCKETS) sections.add(new byte[1]);
    List<Frame.Piece> pieces = new ArrayList<>();
    int bytes = 0;
    for (byte[] section : sections.subList(0, 1 + BUCKETS)) {
      pieces.add(new Frame.Piece(true, new Bytes(section)));
      bytes += section.length;
    }
    ReplicatedState state = state(-1);
    Staging staging = Bounds.allocating(bytes, BYTES_PER_BYTE, () -> staged(state, pieces));
    if (install(state, staging) == ReplicatedState.Installed.UNREADABLE) return;
    ReplicatedState peer = state(-2);
    Staging own = staged(peer, state.newCut().part(0, 0, Integer.MAX_VALUE).pieces());
    Check.same(ReplicatedState.Installed.DONE, install(peer, own), "own cut is installed");
    Check.same(state.applied().toMap(), peer.applied().toMap(), "vector of the joiner");
    Check.same(state.keyspace().digest(), peer.keyspace().digest(), "digest of the joiner");
    Check.same(
        state.keyspace().footprint(), peer.keyspace().footprint(), "footprint of the joiner");
  }

  private static ReplicatedState.Installed install(ReplicatedState state, Staging staging) {
    ReplicatedState.Installed installed = state.install(staging, Long.MAX_VALUE);
    Check.same(state.keyspace().recomputedDigest(), state.keyspace().digest(), "digest");
    Check.same(state.keyspace().recomputedFootprint(), state.keyspace().footprint(), "footprint");
    return installed;
  }

  private static Staging staged(ReplicatedState state, List<Frame.Piece> pieces) {
    Staging staging = state.newStaging();
    Check.that(
        staging.add(new Frame.SnapshotChunk(state.id(), 1, 1, 0, 0, true, pieces)), "it is whole");
    return staging;
  }

  private static ReplicatedState state(long id) {
    return new ReplicatedState(
        NodeSettings.replicated(PeerTarget.LIMITS, 1_000),
        new OriginId(id, id),
        new ReplicatedState.Listener() {
          @Override
          public void beforeChange(int bucket) {}

          @Override
          public void settled(int slot) {}

          @Override
          public void forgot(SortedMap<OriginId, Long> gone) {}

          @Override
          public void contradiction(String text) {}
        });
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (JsonNode history : FrameTarget.vectors().get("histories")) {
      if (!history.has("snapshot")) continue;
      List<byte[]> sections = new ArrayList<>();
      for (JsonNode section : history.get("snapshot")) {
        sections.add(HexFormat.of().parseHex(section.asText()));
      }
      seeds.add(Input.ofParts(sections));
    }
    return seeds;
  }
}
