package org.natskvcache.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.fuzz.Bounds;
import org.natskvcache.fuzz.Check;
import org.natskvcache.fuzz.FrameTarget;
import org.natskvcache.fuzz.FuzzTarget;
import org.natskvcache.fuzz.Input;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Entry;

/**
 * The sections of a snapshot: read, written again, and joined into a replica. The input is the
 * sections, each behind its length; those that are missing are empty.
 */
public final class SnapshotTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 128;
  private static final int BUCKETS = 1 << PeerTarget.LIMITS.digestBucketBits();

  @Override
  public void run(byte[] input) throws Exception {
    List<byte[]> sections = new ArrayList<>(Input.parts(input));
    while (sections.size() <= BUCKETS) sections.add(new byte[1]);
    sections = sections.subList(0, 1 + BUCKETS);
    List<byte[]> written = rewritten(sections);
    join(sections, written != null);
    if (written == null) return;
    List<byte[]> again = rewritten(written);
    Check.that(again != null, "what we write is readable");
    List<byte[]> twice = rewritten(again); // versions of a register change places each time
    for (int i = 0; i <= BUCKETS; i++) Check.same(written.get(i), twice.get(i), "section " + i);
  }

  /** The sections decoded and encoded; null when they are refused. */
  private static List<byte[]> rewritten(List<byte[]> sections) throws Exception {
    Origins origins = new Origins();
    SnapshotCodec codec = new SnapshotCodec(origins);
    List<byte[]> written = new ArrayList<>();
    try {
      byte[] header = sections.getFirst();
      SnapshotCodec.Read read =
          Bounds.allocating(
              header.length, BYTES_PER_BYTE, () -> codec.decodeHeader(header, BUCKETS));
      List<List<Entry>> buckets = new ArrayList<>();
      for (byte[] section : sections.subList(1, sections.size())) {
        buckets.add(
            Bounds.allocating(
                section.length, BYTES_PER_BYTE, () -> codec.decodeBucket(section, read.table())));
      }
      SnapshotCodec.Table table = new SnapshotCodec.Table(read.header().vector(), origins);
      written.add(codec.encode(read.header(), table));
      for (List<Entry> bucket : buckets) written.add(codec.encode(bucket, table));
    } catch (MalformedFrameException refused) {
      return null;
    }
    return written;
  }

  private static void join(List<byte[]> sections, boolean readable) {
    ReplicatedState state = state(-1);
    ReplicatedState peer = state(-2);
    boolean installed =
        state.install(staged(state, sections)) != ReplicatedState.Installed.UNREADABLE;
    Check.that(readable || !installed, "what is installed was read");
    Check.same(state.keyspace().recomputedDigest(), state.keyspace().digest(), "digest");
    Cut cut = state.newCut();
    Cut.Part part = cut.part(0, 0, Integer.MAX_VALUE);
    Staging staging = peer.newStaging();
    Check.that(
        staging.add(new Frame.SnapshotChunk(state.id(), 1, 0, 0, part.last(), part.pieces())),
        "own cut is whole");
    Check.same(ReplicatedState.Installed.DONE, peer.install(staging), "own cut is installed");
    Check.same(state.applied().toMap(), peer.applied().toMap(), "vector of the joiner");
    Check.same(state.keyspace().digest(), peer.keyspace().digest(), "digest of the joiner");
  }

  private static Staging staged(ReplicatedState state, List<byte[]> sections) {
    Staging staging = state.newStaging();
    List<Frame.Piece> pieces = new ArrayList<>();
    for (byte[] section : sections) {
      pieces.add(new Frame.Piece(true, new org.natskvcache.store.Bytes(section)));
    }
    staging.add(new Frame.SnapshotChunk(state.id(), 1, 0, 0, true, pieces));
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
          public void beforeInstall() {}

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
