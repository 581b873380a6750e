package org.natskvcache.replication.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.replication.wire.MalformedFrameException.Kind;
import org.natskvcache.store.Mutation;

class FrameCodecTest {
  private static final int CRC_BYTES = 4;

  static IntStream kinds() {
    return IntStream.range(0, RandomFrames.KINDS);
  }

  static LongStream seeds() {
    Long one = Long.getLong("seed");
    return one == null ? LongStream.range(0, 300) : LongStream.of(one);
  }

  /** Some frame of this kind, with something in every field that may be empty. */
  private static byte[] sample(int kind) {
    Origins origins = new Origins();
    RandomFrames frames = new RandomFrames(new SplittableRandom(kind + 11), origins);
    FrameCodec codec = new FrameCodec(origins);
    byte[] largest = Frames.encode(codec, frames.frame(kind));
    for (int i = 0; i < 10; i++) {
      byte[] other = Frames.encode(codec, frames.frame(kind));
      if (other.length > largest.length && other.length < 1_000) largest = other;
    }
    return largest;
  }

  private static Frame decode(byte[] bytes) throws MalformedFrameException {
    return Frames.decode(new FrameCodec(new Origins()), bytes);
  }

  private static MalformedFrameException assertRefused(byte[] bytes) {
    return assertThrows(MalformedFrameException.class, () -> decode(bytes));
  }

  private static byte[] withChecksum(byte[] frame) {
    byte[] whole = frame.clone();
    CRC32C crc = new CRC32C();
    crc.update(whole, 0, whole.length - CRC_BYTES);
    for (int i = 0; i < CRC_BYTES; i++) {
      whole[whole.length - 1 - i] = (byte) (crc.getValue() >>> (8 * i));
    }
    return whole;
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void everyFrameReadsBackAsWrittenProperty(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Origins mine = new Origins();
    RandomFrames frames = new RandomFrames(random, mine);
    Origins theirs = new Origins();
    for (int slot = 5; slot >= 0; slot -= 2) theirs.slot(mine.id(slot)); // another order there
    FrameCodec here = new FrameCodec(mine);
    FrameCodec there = new FrameCodec(theirs);
    for (int kind = 0; kind < RandomFrames.KINDS; kind++) {
      Frame frame = frames.frame(kind);
      byte[] bytes = Frames.encode(here, frame);
      Frame read = Frames.decode(there, bytes);
      assertEquals(new FrameJson(mine).toJson(frame), new FrameJson(theirs).toJson(read));
      Frame again = Frames.decode(here, Frames.encode(there, read));
      assertEquals(new FrameJson(mine).toJson(frame), new FrameJson(mine).toJson(again));
    }
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void everyRecordReadsBackAsWrittenProperty(long seed) {
    Origins mine = new Origins();
    Frame frame = new RandomFrames(new SplittableRandom(seed), mine).frame(0);
    Frame.Mutations written = (Frame.Mutations) frame;
    List<Mutation> read = new ArrayList<>();
    for (Mutation mutation : written.mutations()) {
      ByteWriter out = new ByteWriter(1);
      MutationRecord.write(mutation, out);
      read.add(MutationRecord.read(mutation.dot(), out.toBytes()));
    }
    FrameJson json = new FrameJson(mine);
    assertEquals(json.toJson(frame), json.toJson(new Frame.Mutations(written.from(), read)));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyTruncationIsRefused(int kind) {
    byte[] frame = sample(kind);
    for (int length = 0; length < frame.length; length++) {
      assertRefused(Arrays.copyOf(frame, length));
    }
    assertRefused(Arrays.copyOf(frame, frame.length + 1));
    assertRefused(Arrays.copyOfRange(frame, 1, frame.length));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyFlippedBitIsRefused(int kind) {
    byte[] frame = sample(kind);
    for (int bit = 0; bit < frame.length * 8; bit++) {
      byte[] flipped = frame.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      MalformedFrameException refused = assertRefused(flipped);
      assertEquals(bit < 16 ? Kind.FOREIGN : Kind.DAMAGED, refused.kind());
    }
  }

  /**
   * A wrong frame with a right checksum was made so: it reads as some frame or is refused, nothing
   * else.
   */
  @ParameterizedTest
  @MethodSource("kinds")
  void wronglyMadeFramesAreReadOrRefused(int kind) {
    byte[] frame = sample(kind);
    for (int bit = 0; bit < (frame.length - CRC_BYTES) * 8; bit++) {
      byte[] flipped = frame.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      readOrRefuse(withChecksum(flipped));
    }
    for (int length = CRC_BYTES; length < frame.length + 8; length++) {
      readOrRefuse(withChecksum(Arrays.copyOf(frame, length)));
    }
    SplittableRandom random = new SplittableRandom(kind);
    for (int i = 0; i < 3_000; i++) {
      byte[] garbage = frame.clone();
      int from = 6 + random.nextInt(frame.length - 6 - CRC_BYTES);
      for (int at = from; at < Math.min(frame.length, from + 1 + random.nextInt(12)); at++) {
        garbage[at] = random.nextInt(3) == 0 ? (byte) 0xff : (byte) random.nextInt();
      }
      readOrRefuse(withChecksum(garbage));
    }
  }

  private static void readOrRefuse(byte[] bytes) {
    Origins origins = new Origins();
    try {
      new FrameJson(origins)
          .toJson(Frames.decode(new FrameCodec(origins), bytes)); // what reads is whole
    } catch (MalformedFrameException refused) {
      assertTrue(refused.getMessage().length() < 100);
      assertEquals(0, origins.size()); // its names are forgotten
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "x", "+PING", "\u0094\u0001", "hello world, this is longer than a header!"})
  void otherProgramsMessagesAreForeign(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    MalformedFrameException refused = assertRefused(bytes);
    assertEquals(Kind.FOREIGN, refused.kind());
    assertNull(refused.from());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 255})
  void unknownVersionNamesItsSender(int version) {
    Origins origins = new Origins();
    OriginId sender = new OriginId(77, 88);
    byte[] frame = Frames.encode(new FrameCodec(origins), new Frame.OfferRequest(sender, 1, 1));
    frame[2] = (byte) version;
    MalformedFrameException refused = assertRefused(withChecksum(frame));
    assertEquals(Kind.UNKNOWN_VERSION, refused.kind());
    assertEquals(sender, refused.from());
  }

  @Test
  void unknownTypeAndShardAreRefused() {
    byte[] frame = sample(4);
    for (int type : new int[] {0, 16, 21, 255}) {
      byte[] other = frame.clone();
      other[3] = (byte) type;
      assertEquals(Kind.UNKNOWN_TYPE, assertRefused(withChecksum(other)).kind());
    }
    byte[] sharded = frame.clone();
    sharded[5] = 1;
    assertEquals(Kind.DAMAGED, assertRefused(withChecksum(sharded)).kind());
  }

  @Test
  void refusalCostsNoStackTrace() {
    assertEquals(0, assertRefused(new byte[40]).getStackTrace().length);
  }

  // ------------------------------------------------------------------- hostile frames

  /** A frame of {@code type} with a body of one's own, correctly enclosed. */
  private static byte[] made(int type, Consumer<ByteWriter> body) {
    ByteWriter out = new ByteWriter(64);
    out.u16(FrameCodec.MAGIC);
    out.u8(FrameCodec.VERSION);
    out.u8(type);
    out.u16(0);
    out.origin(new OriginId(5, 5));
    body.accept(out);
    out.u32(0);
    return withChecksum(out.toBytes());
  }

  private static void mutationHead(ByteWriter out, long first, long count, long hlc, int table) {
    out.varint(first);
    out.varint(count);
    out.u64(0);
    out.u64(hlc);
    out.varint(table);
    for (int i = 0; i < table; i++) out.origin(new OriginId(9, i));
  }

  /** A record up to its arguments: context, operation, flags, clock difference, key. */
  private static void record(ByteWriter out, int op, int flags, long clock, long... context) {
    out.varint(context.length / 2);
    for (long part : context) out.varint(part);
    out.u8(op);
    out.u8(flags);
    out.zigzag(clock);
    out.bytes(new byte[] {'k'});
  }

  static List<byte[]> hostileFrames() {
    List<byte[]> frames = new ArrayList<>();
    for (long count : new long[] {1 << 20, Integer.MAX_VALUE, 1L << 32, Long.MAX_VALUE, -1}) {
      frames.add(made(1, out -> mutationHead(out, 1, count, 0, 0)));
      frames.add(
          made(
              1,
              out -> {
                mutationHead(out, 1, 1, 0, 0);
                out.varint(count); // contexts
                out.u64(0);
              }));
      frames.add(
          made(
              1,
              out -> {
                mutationHead(out, 1, 1, 0, 0);
                record(out, 2, 0, 0);
                out.varint(count); // observed chains
                out.u64(0);
              }));
      frames.add(
          made(
              1,
              out -> {
                mutationHead(out, 1, 1, 0, 0);
                record(out, 5, 0, 0);
                out.varint(count); // a member's length
                out.u64(0);
              }));
      for (int before : new int[] {0, 1}) { // history hashes, samples
        frames.add(
            made(
                3,
                out -> {
                  out.varint(1);
                  out.u64(1);
                  out.u64(1);
                  out.varint(0); // the vector
                  out.varint(0);
                  out.u64(0);
                  out.u64(0);
                  out.varint(0);
                  for (int i = 0; i < before; i++) out.varint(0);
                  out.varint(count);
                }));
      }
      for (int type : new int[] {6, 7, 13}) frames.add(made(type, out -> out.varint(count)));
      frames.add(
          made(
              10,
              out -> {
                for (int i = 0; i < 3; i++) out.varint(1);
                out.varint(count); // pieces
              }));
      frames.add(
          made(
              9,
              out -> {
                out.u64(1);
                for (int i = 0; i < 5; i++) out.varint(count);
              }));
    }
    return frames;
  }

  @ParameterizedTest
  @MethodSource("hostileFrames")
  void countsAreNotBelieved(byte[] frame) {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    assertRefused(frame); // once for the classes it needs
    long before = threads.getCurrentThreadAllocatedBytes();
    assertRefused(frame);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < 50_000, allocated + " bytes for a frame of " + frame.length);
  }

  @Test
  void plainlyMadeMutationIsRead() throws Exception {
    byte[] frame =
        made(
            1,
            out -> {
              mutationHead(out, 1, 1, 5, 1);
              record(out, 5, 0, 0, 0, 3);
              out.bytes(new byte[] {'m'});
              out.u64(0);
            });
    assertTrue(decode(frame) instanceof Frame.Mutations);
  }

  static List<byte[]> impossibleMutations() {
    List<byte[]> frames = new ArrayList<>();
    long end = (1L << 44) - 1;
    for (long[] sequences : new long[][] {{0, 1}, {1, 0}, {end, 1}, {end + 1, 1}, {-1, 1}}) {
      frames.add(removal(sequences[0], sequences[1], 5, 5, 0));
    }
    frames.add(removal(1, 1, 0, 5, -1)); // a clock below zero
    frames.add(removal(1, 1, 1L << 62, 5, 1)); // and one too far ahead
    frames.add(removal(1, 1, 5, 5, 0, 0, 0)); // a context that rose by nothing
    frames.add(removal(1, 1, 5, 5, 0, 1, 1)); // of an origin not in the table
    frames.add(
        made(
            1,
            out -> { // of the author itself, whose mark is implied
              out.varint(1);
              out.varint(1);
              out.u64(0);
              out.u64(5);
              out.varint(1);
              out.origin(new OriginId(5, 5));
              record(out, 5, 0, 0, 0, 1);
              out.bytes(new byte[] {'m'});
              out.u64(0);
            }));
    return frames;
  }

  private static byte[] removal(
      long first, long count, long hlc, int op, long clock, long... context) {
    return made(
        1,
        out -> {
          mutationHead(out, first, count, hlc, 1);
          record(out, op, 0, clock, context);
          out.bytes(new byte[] {'m'});
          out.u64(0);
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 9, 10, 12, 255})
  void unknownOperationNamesItsSender(int op) {
    MalformedFrameException refused = assertRefused(removal(1, 1, 5, op, 0));
    assertEquals(Kind.UNKNOWN_OPERATION, refused.kind());
    assertEquals(new OriginId(5, 5), refused.from());
  }

  @Test
  void frameCountsOnItsOwnChannelsOnly() {
    for (int kind = 0; kind < RandomFrames.KINDS; kind++) {
      byte[] frame = sample(kind);
      for (Channel channel : Channel.values()) {
        if (FrameType.on(channel, frame[3])) continue;
        var refused =
            assertThrows(
                MalformedFrameException.class,
                () -> new FrameCodec(new Origins()).decode(frame, channel, Frames.ANYBODY));
        assertEquals(Kind.WRONG_CHANNEL, refused.kind());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("impossibleMutations")
  void mutationsThatCannotBeAreRefused(byte[] frame) {
    assertEquals(Kind.DAMAGED, assertRefused(frame).kind());
  }

  /** An instance that knows so many origins, and has applied something. */
  private static Origins knowing(int names) {
    Origins origins = new Origins();
    for (int i = 0; i < names; i++) origins.slot(new OriginId(i, 1));
    origins.populated();
    return origins;
  }

  private static byte[] vectorOfNew(int marks) {
    Origins elsewhere = new Origins();
    VersionVector vector = new VersionVector(elsewhere);
    for (int i = 0; i < marks; i++) vector.raise(elsewhere.slot(new OriginId(i, 2)), 1);
    Frame frame = new Frame.Vector(new OriginId(1, 2), 1, vector);
    return Frames.encode(new FrameCodec(elsewhere), frame);
  }

  private static void assertTooManyNames(Origins origins, byte[] frame) {
    int before = origins.size();
    MalformedFrameException refused =
        assertThrows(
            MalformedFrameException.class, () -> Frames.decode(new FrameCodec(origins), frame));
    assertEquals(Kind.TOO_MANY_NAMES, refused.kind());
    assertEquals(before, origins.size());
  }

  @Test
  void claimsMayNameOriginsUpToHalfOfTheBound() throws Exception {
    Origins origins = knowing(Origins.CLAIMED_NAMES_MAX - 4);
    assertTooManyNames(origins, vectorOfNew(5));
    Frames.decode(new FrameCodec(origins), vectorOfNew(4));
    Frames.decode(new FrameCodec(origins), vectorOfNew(4)); // names that are known take no room
    assertTooManyNames(origins, vectorOfNew(5));
  }

  @Test
  void mutationsMayNameOriginsUpToTheBound() throws Exception {
    byte[] frame = sample(0);
    Origins needs = new Origins();
    Frames.decode(new FrameCodec(needs), frame);
    Frames.decode(new FrameCodec(knowing(Origins.NAMES_MAX - needs.size())), frame);
    assertTooManyNames(knowing(Origins.NAMES_MAX - needs.size() + 1), frame);
  }

  @Test
  void oneFrameNamesFewNewOriginsButToAnInstanceThatHasNothing() throws Exception {
    byte[] frame = vectorOfNew(Origins.FRAME_NAMES_LATER_MAX + 1);
    assertTooManyNames(knowing(1), frame);
    Frames.decode(new FrameCodec(new Origins()), frame);
    Frames.decode(new FrameCodec(knowing(1)), vectorOfNew(Origins.FRAME_NAMES_LATER_MAX));
    assertTooManyNames(new Origins(), vectorOfNew(Origins.FRAME_NAMES_MAX + 1));
  }

  /** Names that are given back are given to others; what was known before stays. */
  @Test
  void namesOfAFrameThatLeftNothingCanBeGivenBack() throws Exception {
    Origins origins = knowing(10);
    FrameCodec codec = new FrameCodec(origins);
    for (int i = 0; i < 100; i++) {
      Frames.decode(codec, vectorOfNew(1_000));
      assertEquals(1_010, origins.size());
      origins.rollback();
      assertEquals(10, origins.size());
      assertEquals(1_010, origins.slots());
      for (int slot = 0; slot < 10; slot++) assertEquals(new OriginId(slot, 1), origins.id(slot));
    }
    Frames.decode(codec, vectorOfNew(1_000));
    Frames.decode(codec, vectorOfNew(1_001));
    origins.rollback();
    assertEquals(1_010, origins.size());
    origins.rollback(); // nothing came since
    assertEquals(1_010, origins.size());
  }
}
