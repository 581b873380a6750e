package org.natskvcache.replication.wire;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Origins;

class MutationSizePropertyTest {
  @Test
  void noFrameIsLargerThanItsMutationsMayBe() {
    for (int seed = 0; seed < 2_000; seed++) {
      Origins origins = new Origins();
      Frame frame = new RandomFrames(new SplittableRandom(seed), origins).frame(0);
      int most = MutationSize.FRAME_MAX;
      for (var mutation : ((Frame.Mutations) frame).mutations()) {
        most += MutationSize.bytesMax(mutation);
      }
      int bytes = Frames.encode(new FrameCodec(origins), frame).length;
      assertTrue(bytes <= most, bytes + " bytes, at most " + most + ": " + frame);
    }
  }
}
