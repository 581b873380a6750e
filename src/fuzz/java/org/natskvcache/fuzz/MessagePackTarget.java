package org.natskvcache.fuzz;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePackException;
import org.msgpack.core.MessageUnpacker;
import org.natskvcache.rpc.wasmbus.MessagePackReader;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Bytes;

/**
 * Values of MessagePack. The first byte says how each is asked for: skipped, with msgpack-core to
 * the same end, or read and written again.
 */
public final class MessagePackTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 16;
  private static final int SKIP = 6;

  @Override
  public void run(byte[] input) throws Exception {
    byte[] bytes = Input.rest(input);
    switch (Input.choice(input, SKIP + 1)) {
      case 0 -> {
        Long value = read(bytes, () -> reader(bytes).integer(Long.MIN_VALUE, Long.MAX_VALUE));
        if (value == null) return;
        byte[] written = new MessagePackWriter(9).integer(value).toByteArray();
        Check.that(written.length <= bytes.length, "shortest form");
        Check.same(value, reader(written).integer(value, value), "integer");
      }
      case 1 -> {
        Bytes value = read(bytes, () -> reader(bytes).text());
        if (value == null) return;
        byte[] written = new MessagePackWriter(9).text(value).toByteArray();
        Check.same(value, reader(written).text(), "text");
        Check.same(value.utf8(), reader(bytes).string(), "text as string");
      }
      case 2 -> {
        Bytes value = read(bytes, () -> reader(bytes).blob());
        if (value == null) return;
        byte[] written = new MessagePackWriter(9).blob(value.array()).toByteArray();
        Check.same(value, reader(written).blob(), "blob");
      }
      case 3 -> {
        Integer count = read(bytes, () -> reader(bytes).arrayHeader());
        if (count == null) return;
        Check.that(count < bytes.length, "count of an array");
      }
      case 4 -> {
        Integer count = read(bytes, () -> reader(bytes).mapHeader());
        if (count == null) return;
        Check.that(2 * count < bytes.length, "count of a map");
      }
      case 5 -> {
        Boolean value = read(bytes, () -> reader(bytes).flag());
        Check.that(value == null || value == (bytes[0] == (byte) 0xc3), "flag");
      }
      default -> skip(bytes);
    }
  }

  private static MessagePackReader reader(byte[] bytes) {
    return new MessagePackReader(bytes);
  }

  /** What was read; null when it was refused. */
  private static <T> T read(byte[] bytes, Callable<T> reading) throws Exception {
    try {
      return Bounds.allocating(bytes.length, BYTES_PER_BYTE, reading);
    } catch (org.natskvcache.rpc.wasmbus.MessagePackException refused) {
      return null;
    }
  }

  private static void skip(byte[] bytes) throws Exception {
    int length = lengthByOracle(bytes);
    String refusal =
        Bounds.allocating(
            bytes.length,
            BYTES_PER_BYTE,
            () -> {
              try {
                reader(bytes).skip();
                return "";
              } catch (org.natskvcache.rpc.wasmbus.MessagePackException refused) {
                return refused.getMessage();
              }
            });
    if (!refusal.isEmpty()) return; // msgpack-core takes lengths that overflow it for small ones
    Check.that(length > 0, "msgpack-core skips what we skip");
    var exactly = reader(Arrays.copyOf(bytes, length));
    exactly.skip();
    Check.that(exactly.atEnd(), "ends where msgpack-core does");
  }

  /** How long the first value is; 0 when it is none. */
  private static int lengthByOracle(byte[] bytes) {
    try (MessageUnpacker oracle = MessagePack.newDefaultUnpacker(bytes)) {
      oracle.skipValue();
      return oracle.getTotalReadBytes() > bytes.length ? 0 : (int) oracle.getTotalReadBytes();
    } catch (IOException | MessagePackException refused) {
      return 0;
    }
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    Vectors.entries("vectors")
        .filter(vector -> vector.get("id").textValue().startsWith("kv."))
        .forEach(vector -> seeds.add(Input.of(SKIP, Vectors.bytes(vector))));
    List<String> values =
        List.of("7f", "d3ffffffff00000000", "d90161", "c40100", "93010203", "8101c3", "c2", "c7");
    for (int i = 0; i < values.size(); i++) {
      byte[] value = HexFormat.of().parseHex(values.get(i));
      for (int choice = 0; choice <= SKIP; choice++) seeds.add(Input.of(choice, value));
    }
    return seeds;
  }
}
