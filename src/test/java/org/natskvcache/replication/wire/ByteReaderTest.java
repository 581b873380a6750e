package org.natskvcache.replication.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteReaderTest {
  private static ByteReader reader(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    return new ByteReader(bytes, 0, bytes.length);
  }

  private static String hex(ByteWriter out) {
    return HexFormat.of().formatHex(out.toBytes());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 00",
    "1, 01",
    "127, 7f",
    "128, 8001",
    "300, ac02",
    "16383, ff7f",
    "16384, 808001",
    "9223372036854775807, ffffffffffffffff7f",
    "-1, ffffffffffffffffff01",
  })
  void varintsAreLeb128(long value, String bytes) throws Exception {
    ByteWriter out = new ByteWriter(1);
    out.varint(value);
    assertEquals(bytes, hex(out));
    assertEquals(value, reader(bytes).varint());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 00",
    "-1, 01",
    "1, 02",
    "-2, 03",
    "64, 8001",
    "9223372036854775807, feffffffffffffffff01",
    "-9223372036854775808, ffffffffffffffffff01",
  })
  void signedNumbersAreZigzag(long value, String bytes) throws Exception {
    ByteWriter out = new ByteWriter(1);
    out.zigzag(value);
    assertEquals(bytes, hex(out));
    assertEquals(value, reader(bytes).zigzag());
  }

  @Test
  void fixedNumbersAreBigEndian() throws Exception {
    ByteWriter out = new ByteWriter(1);
    out.u8(0xff);
    out.u16(0x0102);
    out.u32(0x80030405);
    out.u64(0x8007060504030201L);
    assertEquals("ff0102800304058007060504030201", hex(out));
    ByteReader in = reader(hex(out));
    assertEquals(0xff, in.u8());
    assertEquals(0x0102, in.u16());
    assertEquals(0x80030405, in.u32());
    assertEquals(0x8007060504030201L, in.u64());
    in.end();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "80", "ffffffffffffffffff", "80808080808080808080", "ffffffffffffffffffff01"})
  void varintCutOffOrTooLongIsRefused(String bytes) {
    assertThrows(MalformedFrameException.class, () -> reader(bytes).varint());
  }

  @Test
  void numberOverItsBoundIsRefused() throws Exception {
    assertEquals(5, reader("05").varint(5));
    assertThrows(MalformedFrameException.class, () -> reader("06").varint(5));
    assertThrows(
        MalformedFrameException.class, () -> reader("ffffffffffffffffff01").varint(Long.MAX_VALUE));
  }

  @Test
  void countIsBelievedOnlyAsFarAsBytesAreLeft() throws Exception {
    assertEquals(2, reader("0200000000").count(2));
    assertThrows(MalformedFrameException.class, () -> reader("0300000000").count(2));
    assertThrows(MalformedFrameException.class, () -> reader("ffffffff0f").count(1));
    assertThrows(MalformedFrameException.class, () -> reader("ffffffffffffffffff01").count(1));
  }

  @Test
  void byteStringsHaveTheirLengthFirst() throws Exception {
    ByteWriter out = new ByteWriter(1);
    out.bytes(new byte[] {1, 2, 3});
    out.bytes(new byte[0]);
    assertEquals("0301020300", hex(out));
    ByteReader in = reader(hex(out));
    assertArrayEquals(new byte[] {1, 2, 3}, in.bytes());
    assertArrayEquals(new byte[0], in.bytes());
    assertThrows(MalformedFrameException.class, () -> reader("04010203").bytes());
  }

  @Test
  void everyFixedNumberCutOffIsRefused() {
    assertThrows(MalformedFrameException.class, () -> reader("").u8());
    assertThrows(MalformedFrameException.class, () -> reader("01").u16());
    assertThrows(MalformedFrameException.class, () -> reader("010203").u32());
    assertThrows(MalformedFrameException.class, () -> reader("01020304050607").u64());
    assertThrows(MalformedFrameException.class, () -> reader("00".repeat(15)).origin());
  }

  @Test
  void bytesLeftOverAreRefused() {
    assertThrows(MalformedFrameException.class, () -> reader("00").end());
  }

  @Test
  void writerGrowsAndLeavesNothingBehind() {
    ByteWriter out = new ByteWriter(1);
    byte[] large = new byte[1_000];
    Arrays.fill(large, (byte) 7);
    out.bytes(large);
    assertEquals(1_002, out.size());
    assertEquals(1_002, out.toBytes().length);
  }
}
