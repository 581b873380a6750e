package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.natskvcache.store.Bytes;

/**
 * Our codec against msgpack-core: the same bytes for the same values, and read back to the same
 * values.
 */
class MessagePackPropertyTest {
  private static final int VALUES = 2_000;

  static LongStream seeds() {
    String only = System.getProperty("seed");
    return only == null ? LongStream.range(0, 8) : LongStream.of(Long.parseLong(only));
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void writesWhatTheLibraryWrites(long seed) throws Exception {
    var random = new Random(seed);
    var ours = new MessagePackWriter(0);
    MessageBufferPacker theirs = MessagePack.newDefaultBufferPacker();
    for (int i = 0; i < VALUES; i++) {
      writeBoth(random, ours, theirs);
    }
    assertArrayEquals(theirs.toByteArray(), ours.toByteArray());
  }

  private static void writeBoth(Random random, MessagePackWriter ours, MessageBufferPacker theirs)
      throws Exception {
    switch (random.nextInt(7)) {
      case 0 -> {
        boolean value = random.nextBoolean();
        ours.flag(value);
        theirs.packBoolean(value);
      }
      case 1 -> {
        long value = anInteger(random);
        ours.integer(value);
        theirs.packLong(value);
      }
      case 2 -> {
        String value = aText(random);
        ours.text(value);
        theirs.packString(value);
      }
      case 3 -> {
        byte[] value = new byte[aSize(random)];
        random.nextBytes(value);
        ours.blob(value);
        theirs.packBinaryHeader(value.length).writePayload(value);
      }
      case 4 -> {
        int count = aSize(random);
        ours.arrayHeader(count);
        theirs.packArrayHeader(count);
      }
      case 5 -> {
        int count = aSize(random);
        ours.mapHeader(count);
        theirs.packMapHeader(count);
      }
      default -> {
        ours.nil();
        theirs.packNil();
      }
    }
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void readsAndSkipsWhatTheLibraryWrites(long seed) throws Exception {
    var random = new Random(seed);
    MessageBufferPacker theirs = MessagePack.newDefaultBufferPacker();
    long[] markers = new long[200];
    for (int i = 0; i < markers.length; i++) {
      aTree(random, theirs, 0);
      markers[i] = anInteger(random);
      theirs.packLong(markers[i]);
    }
    var in = new MessagePackReader(theirs.toByteArray());
    for (long marker : markers) {
      in.skip();
      assertEquals(marker, in.integer(Long.MIN_VALUE, Long.MAX_VALUE));
    }
    assertTrue(in.atEnd());
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void anyBytesEndInAValueOrATypedException(long seed) {
    var random = new Random(seed);
    byte[][] samples =
        Vectors.startingWith("").stream()
            .filter(v -> v.hasNonNull("hex"))
            .map(Vectors::bytes)
            .toArray(byte[][]::new);
    for (int i = 0; i < VALUES; i++) {
      byte[] bytes = samples[random.nextInt(samples.length)].clone();
      for (int changes = random.nextInt(4); changes >= 0 && bytes.length > 0; changes--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      decodeEverything(bytes);
    }
  }

  private static void decodeEverything(byte[] bytes) {
    attempt(() -> Invocation.decode(bytes).hash());
    attempt(() -> LinkDefinitionCodec.decode(bytes));
    attempt(() -> HealthResponse.decode(bytes));
    attempt(() -> new MessagePackReader(bytes).skip());
    for (Operation operation : Operation.values()) {
      KeyValueCodec.decode(operation.wireName(), new Bytes(bytes));
    }
    ShutdownRequest.isFor("N", false, bytes);
  }

  private interface Decoding {
    void run() throws MessagePackException;
  }

  private static void attempt(Decoding decoding) {
    try {
      decoding.run();
    } catch (MessagePackException typed) {
      assertTrue(typed.getMessage() != null);
    }
  }

  private static void aTree(Random random, MessageBufferPacker out, int depth) throws Exception {
    switch (depth > 5 ? random.nextInt(6) : random.nextInt(8)) {
      case 0 -> out.packNil();
      case 1 -> out.packDouble(random.nextDouble());
      case 2 -> out.packFloat(random.nextFloat());
      case 3 -> out.packLong(anInteger(random));
      case 4 -> out.packString(aText(random));
      case 5 -> {
        byte[] data = new byte[random.nextInt(20)];
        out.packExtensionTypeHeader((byte) random.nextInt(), data.length).writePayload(data);
      }
      case 6 -> {
        int size = random.nextInt(6);
        out.packArrayHeader(size);
        for (int i = 0; i < size; i++) aTree(random, out, depth + 1);
      }
      default -> {
        int size = random.nextInt(6);
        out.packMapHeader(size);
        for (int i = 0; i < 2 * size; i++) aTree(random, out, depth + 1);
      }
    }
  }

  /** Integers of every width equally often, with their borders. */
  private static long anInteger(Random random) {
    long power = 1L << random.nextInt(64);
    return switch (random.nextInt(4)) {
      case 0 -> power;
      case 1 -> power - 1;
      case 2 -> -power;
      default -> random.nextLong() >> random.nextInt(64);
    };
  }

  private static int aSize(Random random) {
    int[] borders = {0, 15, 16, 31, 32, 255, 256, 65_535, 65_536};
    return random.nextInt(20) == 0 ? borders[random.nextInt(borders.length)] : random.nextInt(40);
  }

  private static String aText(Random random) {
    String[] letters = {"a", "é", "✓", "🌮", "\0"};
    var text = new StringBuilder();
    for (int left = aSize(random) % 300; left > 0; left--) {
      text.append(letters[random.nextInt(letters.length)]);
    }
    return text.toString();
  }
}
