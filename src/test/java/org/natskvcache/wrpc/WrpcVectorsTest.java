package org.natskvcache.wrpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.rpc.wrpc.WrpcVectors;

/** Every value of {@code wrpc-vectors.json}, written and read by its type. */
class WrpcVectorsTest {
  static Stream<Arguments> values() {
    return Stream.concat(
        entries("primitive_vectors")
            .map(
                v -> Arguments.of(v.get("type").textValue(), v.get("value"), WrpcVectors.bytes(v))),
        entries("call_vectors")
            .map(v ->
                Arguments.of(v.get("type").textValue(), v.get("value"), WrpcVectors.bytes(v))));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("values")
  void valueIsWrittenAndReadAsTheVectorSays(String type, JsonNode value, byte[] bytes)
      throws Exception {
    ValueType parsed = ValueType.parse(type);
    var out = new ValueWriter(0);
    parsed.write(out, value);
    assertArrayEquals(bytes, out.toByteArray());
    assertEquals(bytes.length, out.size());
    var in = new ValueReader(bytes, WrpcLimits.DEFAULTS);
    assertEquals(ValueType.normal(value), ValueType.normal(parsed.read(in)));
    assertEquals(bytes.length, in.position());
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("values")
  void everyPrefixOfAValueWantsMore(String type, JsonNode value, byte[] bytes) throws Exception {
    ValueType parsed = ValueType.parse(type);
    int step = Math.max(1, bytes.length / 300); // a value of 70,000 bytes not at each of them
    for (int length = 0; length < bytes.length; length += step) {
      byte[] prefix = Arrays.copyOf(bytes, length);
      var e =
          assertThrows(
              ValueException.Incomplete.class,
              () -> parsed.read(new ValueReader(prefix, WrpcLimits.DEFAULTS)));
      assertEquals(true, e.missing() >= 1 && e.missing() <= bytes.length - length);
    }
    byte[] more = Arrays.copyOf(bytes, bytes.length + 3);
    var in = new ValueReader(more, WrpcLimits.DEFAULTS);
    assertEquals(ValueType.normal(value), ValueType.normal(parsed.read(in)));
    assertEquals(bytes.length, in.position(), "what follows a value is not its business");
  }

  static Stream<Arguments> malformed() {
    return entries("malformed")
        .map(v ->
            Arguments.of(
                v.get("type").textValue(), v.get("why").textValue(), WrpcVectors.bytes(v)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("malformed")
  void malformedValueIsNotRead(String type, String why, byte[] bytes) {
    ValueType parsed = ValueType.parse(type);
    ValueException e =
        assertThrows(
            ValueException.class, () -> parsed.read(new ValueReader(bytes, WrpcLimits.DEFAULTS)));
    assertEquals(why.startsWith("truncated"), e instanceof ValueException.Incomplete);
  }

  @Test
  void noVectorIsPassedOver() {
    assertEquals(126, entries("call_vectors").count());
    assertEquals(58, entries("primitive_vectors").count());
    assertEquals(8, entries("malformed").count());
  }

  private static Stream<JsonNode> entries(String section) {
    return StreamSupport.stream(WrpcVectors.of(section).spliterator(), false);
  }

  @Test
  void stringsAreUtf8() throws Exception {
    byte[] bytes = new ValueWriter(0).string("é𐍈").toByteArray();
    assertArrayEquals("é𐍈".getBytes(StandardCharsets.UTF_8), Arrays.copyOfRange(bytes, 1, 7));
    assertEquals("é𐍈", new ValueReader(bytes, WrpcLimits.DEFAULTS).string());
  }
}
