package org.natskvcache.fuzz;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameJson;
import org.natskvcache.replication.wire.MalformedFrameException;

/** Frames of mutations that came in pieces and were put together: author, flags, body. */
public final class ReplayedTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 64;

  @Override
  public void run(byte[] input) throws Exception {
    Origins origins = new Origins();
    FrameCodec codec = new FrameCodec(origins);
    Frame.Mutations frame;
    try {
      frame = Bounds.allocating(input.length, BYTES_PER_BYTE, () -> codec.decodeReplayed(input));
    } catch (MalformedFrameException refused) {
      return;
    }
    byte[] encoded = codec.encodeReplayed(frame);
    FrameJson json = new FrameJson(origins);
    Frame.Mutations again = codec.decodeReplayed(encoded);
    Check.same(json.toJson(frame), json.toJson(again), "frame");
    Check.same(encoded, codec.encodeReplayed(again), "encoded frame");
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (JsonNode vector : FrameTarget.vectors().get("frames")) {
      Origins origins = new Origins();
      FrameCodec codec = new FrameCodec(origins);
      Frame frame = new FrameJson(origins).toFrame(vector.get("frame"));
      if (frame instanceof Frame.Mutations mutations) seeds.add(codec.encodeReplayed(mutations));
    }
    return seeds;
  }
}
