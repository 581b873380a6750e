package org.natskvcache.node;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.fuzz.Check;
import org.natskvcache.fuzz.FrameTarget;
import org.natskvcache.fuzz.FuzzTarget;
import org.natskvcache.fuzz.Input;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * A whole node that hears nothing but what the input says. The input is frames without their
 * checksums, each behind its length; where an answer has the nonce 0, that of the node's last
 * request is put there. Whatever they say, the node goes on, what it sends can be read, and its
 * digest is that of what it holds.
 */
public final class PeerTarget implements FuzzTarget {
  private static final long WALL_MILLIS = 1_750_000_000_000L;
  private static final long STEP_MILLIS = 40;
  private static final int BUCKET_BITS = 3;

  private static final int TYPE_AT = 3;
  private static final int NONCE_AT = 22;

  /** Types of answers, and of the requests they answer. */
  private static final Map<Integer, Integer> REQUESTS =
      Map.of(6, 5, 8, 7, 10, 9, 11, 9, 13, 12, 20, 7);

  /** Small, so that a short input reaches each of them. */
  static final Limits LIMITS =
      new Limits(64, 256, 4_096, 8, 2_048, 8, 8, 256, 512, 64, 1, BUCKET_BITS, 8, 8);

  @Override
  public void run(byte[] input) {
    Time start = new Time(WALL_MILLIS, 0);
    Node node =
        new Node(
            NodeSettings.replicated(LIMITS, 1_000),
            new OriginId(-1, -1),
            new SplittableRandom(1),
            start);
    node.connected(start);
    node.call(new Command.Set(Key.of("k"), Bytes.utf8("v"), 0), start);
    node.call(new Command.Increment(Key.of("n"), 2), start);
    node.call(new Command.ListAdd(Key.of("l"), Bytes.utf8("v")), start);
    node.call(new Command.SetAdd(Key.of("s"), Bytes.utf8("v")), start);
    long tick = 0;
    Map<Integer, Long> nonces = new HashMap<>();
    checkSent(node, nonces);
    for (byte[] frame : Input.parts(input)) {
      tick += STEP_MILLIS;
      Time now = new Time(WALL_MILLIS + tick, tick);
      try {
        byte[] whole = FrameTarget.checksummed(answering(frame, nonces));
        node.receive(Frames.channel(whole), whole, now);
      } catch (MalformedFrameException dropped) {
        // counted and logged by whoever owns the node
      }
      node.tick(now);
      checkSent(node, nonces);
    }
    node.call(new Command.Increment(Key.of("n"), 1), new Time(WALL_MILLIS + tick, tick));
    node.call(
        new Command.ListAdd(Key.of("l"), Bytes.utf8("w")), new Time(WALL_MILLIS + tick, tick));
    checkSent(node, nonces);
    Check.same(node.keyspace().recomputedDigest(), node.keyspace().digest(), "digest");
    node.status(new Time(WALL_MILLIS + tick, tick));
  }

  /** The frame, if its nonce is 0 with that of the node's last request of the kind it answers. */
  private static byte[] answering(byte[] frame, Map<Integer, Long> nonces) {
    if (frame.length < NONCE_AT + Long.BYTES) return frame;
    Integer request = REQUESTS.get((int) frame[TYPE_AT]);
    Long nonce = request == null ? null : nonces.get(request);
    ByteBuffer answer = ByteBuffer.wrap(frame.clone());
    if (nonce == null || answer.getLong(NONCE_AT) != 0) return frame;
    return answer.putLong(NONCE_AT, nonce).array();
  }

  /** Whatever the node says, others can read. */
  private static void checkSent(Node node, Map<Integer, Long> nonces) {
    node.flush();
    for (Effect effect : node.takeEffects()) {
      if (!(effect instanceof Effect.Publish publish)) continue;
      byte[] frame = publish.frame();
      if (REQUESTS.containsValue((int) frame[TYPE_AT])) {
        nonces.put((int) frame[TYPE_AT], ByteBuffer.wrap(frame).getLong(NONCE_AT));
      }
      try {
        new FrameCodec(new Origins()).decode(frame, publish.channel(), Frames.ANYBODY);
      } catch (MalformedFrameException unreadable) {
        throw new AssertionError(unreadable);
      }
    }
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    JsonNode vectors = FrameTarget.vectors();
    List<byte[]> all = new ArrayList<>();
    for (JsonNode vector : vectors.get("frames")) {
      byte[] frame = frame(vector.get("hex"));
      all.add(frame);
      seeds.add(Input.ofParts(List.of(frame)));
    }
    seeds.add(Input.ofParts(all));
    for (JsonNode history : vectors.get("histories")) {
      List<byte[]> frames = new ArrayList<>();
      for (JsonNode step : history.get("steps")) frames.add(frame(step.get("frame")));
      seeds.add(Input.ofParts(frames));
      seeds.add(Input.ofParts(frames.reversed()));
    }
    return seeds;
  }

  /** Of an answer, without its nonce. */
  private static byte[] frame(JsonNode hex) {
    byte[] frame = FrameTarget.bare(HexFormat.of().parseHex(hex.asText()));
    if (REQUESTS.containsKey((int) frame[TYPE_AT])) {
      ByteBuffer.wrap(frame).putLong(NONCE_AT, 0);
    }
    return frame;
  }
}
