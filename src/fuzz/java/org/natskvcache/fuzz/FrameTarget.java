package org.natskvcache.fuzz;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameJson;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;

/** Frames of peers. The input is a frame without its checksum, which is put behind it. */
public final class FrameTarget implements FuzzTarget {
  private static final int CRC_BYTES = 4;
  private static final int BYTES_PER_BYTE = 64;

  @Override
  public void run(byte[] input) throws Exception {
    decode(new FrameCodec(new Origins()), input);
    Origins origins = new Origins();
    FrameCodec codec = new FrameCodec(origins);
    Frame frame = decode(codec, checksummed(input));
    if (frame == null) return;
    byte[] encoded = Frames.encode(codec, frame);
    FrameJson json = new FrameJson(origins);
    Frame again = Frames.decode(codec, encoded);
    Check.same(json.toJson(frame), json.toJson(again), "frame");
    Check.same(encoded, Frames.encode(codec, again), "encoded frame");
  }

  private static Frame decode(FrameCodec codec, byte[] bytes) throws Exception {
    try {
      return Bounds.allocating(bytes.length, BYTES_PER_BYTE, () -> Frames.decode(codec, bytes));
    } catch (MalformedFrameException refused) {
      return null;
    }
  }

  /** The frame with its CRC-32C behind it. */
  public static byte[] checksummed(byte[] frame) {
    CRC32C crc = new CRC32C();
    crc.update(frame);
    return ByteBuffer.allocate(frame.length + CRC_BYTES)
        .put(frame)
        .putInt((int) crc.getValue())
        .array();
  }

  /** The frame without its CRC-32C. */
  public static byte[] bare(byte[] frame) {
    return Arrays.copyOf(frame, Math.max(0, frame.length - CRC_BYTES));
  }

  /** The golden vectors of replication. */
  public static JsonNode vectors() {
    try (InputStream in = FrameTarget.class.getResourceAsStream("/replication-vectors.json")) {
      return new ObjectMapper().readTree(in);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (String section : List.of("frames", "refused")) {
      for (JsonNode vector : vectors().get(section)) {
        seeds.add(bare(HexFormat.of().parseHex(vector.get("hex").asText())));
      }
    }
    return seeds;
  }
}
