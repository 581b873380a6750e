package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessagePackReaderTest {
  private static MessagePackReader reader(String hex) {
    return new MessagePackReader(HexFormat.of().parseHex(hex));
  }

  @ParameterizedTest
  @CsvSource({
    "00, 0",
    "7f, 127",
    "ff, -1",
    "e0, -32",
    "cc00, 0",
    "ccff, 255",
    "cdffff, 65535",
    "ceffffffff, 4294967295",
    "cf0000000000000001, 1",
    "cf7fffffffffffffff, 9223372036854775807",
    "d080, -128",
    "d07f, 127",
    "d18000, -32768",
    "d200000019, 25",
    "d280000000, -2147483648",
    "d38000000000000000, -9223372036854775808"
  })
  void integersOfEveryWidth(String hex, long value) throws Exception {
    assertEquals(value, reader(hex).integer(Long.MIN_VALUE, Long.MAX_VALUE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "cc",
        "cd00",
        "ce000000",
        "cf00000000000000",
        "d0",
        "d100",
        "d2000000",
        "d300",
        "c0",
        "c2",
        "ca3f800000",
        "cb4039000000000000",
        "a0",
        "90",
        "80",
        "c400",
        "c1",
        "d40000",
        "cfffffffffffffffff"
      })
  void nothingElseIsAnInteger(String hex) {
    assertThrows(
        MessagePackException.class, () -> reader(hex).integer(Long.MIN_VALUE, Long.MAX_VALUE));
  }

  @ParameterizedTest
  @CsvSource({"80000000, false", "7fffffff, true"})
  void rangeIsChecked(String hex, boolean fits) throws Exception {
    MessagePackReader in = reader("ce" + hex);
    if (fits) {
      assertEquals(Integer.MAX_VALUE, in.integer(Integer.MIN_VALUE, Integer.MAX_VALUE));
    } else {
      assertThrows(
          MessagePackException.class, () -> in.integer(Integer.MIN_VALUE, Integer.MAX_VALUE));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a3616263",
        "d903616263",
        "da0003616263",
        "db00000003616263",
        "c403616263",
        "c50003616263",
        "c600000003616263"
      })
  void textAndBytesOfEveryWidth(String hex) throws Exception {
    assertEquals("abc", reader(hex).string());
    assertEquals("abc", reader(hex).text().utf8());
    assertEquals("abc", reader(hex).blob().utf8());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a3",
        "a36162",
        "d9",
        "d903",
        "da0001",
        "db7fffffff",
        "dbffffffff",
        "c6ffffffff",
        "c4ff00",
        "c0",
        "01",
        "80",
        "90",
        "c1",
        "cb4039000000000000"
      })
  void nothingElseIsText(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).string());
    assertThrows(MessagePackException.class, () -> reader(hex).text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a1ff", "a2c080", "a3eda080", "a4f8888080", "c401c3", "a2c3"})
  void textMustBeUtf8(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).string());
    assertThrows(MessagePackException.class, () -> reader(hex).text());
  }

  @Test
  void bytesMayBeAnArrayOfSmallIntegers() throws Exception {
    assertArrayEquals(new byte[] {1, (byte) 200, 3}, reader("9301ccc803").blob().array());
    assertArrayEquals(new byte[0], reader("90").blob().array());
    assertArrayEquals(new byte[] {7}, reader("dc000107").blob().array());
  }

  @ParameterizedTest
  @ValueSource(strings = {"91cd0100", "91ff", "91c0", "9201", "ddffffffff", "dcffff00", "80", "01"})
  void nothingElseIsBytes(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).blob());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ddffffffff", "dd7fffffff00", "dcffff", "91", "9f00", "80", "c0", ""})
  void arraysMustFitIntoWhatIsLeft(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).arrayHeader());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dfffffffff",
        "df7fffffff00",
        "df80000000",
        "deffff",
        "81",
        "8101",
        "90",
        "c0",
        ""
      })
  void mapsMustFitIntoWhatIsLeft(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).mapHeader());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "c0",
        "c2",
        "c3",
        "00",
        "ff",
        "cc00",
        "cd0000",
        "ce00000000",
        "cf0000000000000000",
        "d000",
        "d10000",
        "d200000000",
        "d30000000000000000",
        "ca00000000",
        "cb0000000000000000",
        "a161",
        "d90161",
        "da000161",
        "db0000000161",
        "c40161",
        "c5000161",
        "c60000000161",
        "93010203",
        "dc00020102",
        "dd000000020102",
        "81a16101",
        "de000101c0",
        "df0000000101c0",
        "d40100",
        "d5010000",
        "d60100000000",
        "d7010000000000000000",
        "d80100000000000000000000000000000000",
        "c7020100ff",
        "c80001010a",
        "c900000001010a",
        "81a16193019102c0"
      })
  void everyValueIsSkippedWhole(String hex) throws Exception {
    MessagePackReader in = reader(hex + "2a");
    in.skip();
    assertEquals(42, in.integer(0, 127));
    assertTrue(in.atEnd());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "c1",
        "91",
        "92c0",
        "81a161",
        "a261",
        "d401",
        "c705",
        "c9ffffffff00",
        "ddffffffffc0",
        "cb00"
      })
  void brokenValuesAreNotSkipped(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).skip());
  }

  @Test
  void depthIsBounded() throws Exception {
    reader("91".repeat(MessagePackReader.DEPTH_MAX) + "c0").skip();
    assertThrows(
        MessagePackException.class,
        () -> reader("91".repeat(MessagePackReader.DEPTH_MAX + 1) + "c0").skip());
    assertThrows(MessagePackException.class, () -> reader("91".repeat(1_000_000)).skip());
    assertThrows(MessagePackException.class, () -> reader("81c0".repeat(500_000)).skip());
  }

  @Test
  void nilIsTakenOnlyWhenItIsThere() throws Exception {
    MessagePackReader in = reader("c0c3");
    assertTrue(in.takeNil());
    assertFalse(in.takeNil());
    assertTrue(in.flag());
    assertFalse(in.takeNil());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "c0", "00", "01", "a474727565", "c1"})
  void nothingElseIsABoolean(String hex) {
    assertThrows(MessagePackException.class, () -> reader(hex).flag());
  }

  @Test
  void structsByPositionMayBeShorterOrLonger() throws Exception {
    Fields fields = Fields.of("a", "b");
    Struct shorter = reader("9101").struct(fields);
    assertEquals(0, shorter.next());
    MessagePackReader in = reader("940102930405062a2a");
    Struct longer = in.struct(fields);
    assertEquals(0, longer.next());
    in.skip();
    assertEquals(1, longer.next());
    in.skip();
    assertEquals(Struct.END, longer.next());
    assertEquals(42, in.integer(0, 127));
  }

  @Test
  void namesThatAreNoTextAreUnknownFields() throws Exception {
    MessagePackReader in = reader("8305c0c093010203a16107");
    Struct struct = in.struct(Fields.of("a"));
    assertEquals(0, struct.next());
    assertEquals(7, in.integer(0, 127));
    assertEquals(Struct.END, struct.next());
  }

  @Test
  void messagesHoldNoPartOfTheBytes() {
    var e = assertThrows(MessagePackException.class, () -> reader("a6736563726574").integer(0, 1));
    assertEquals("invalid type: text, expected an integer", e.getMessage());
  }
}
