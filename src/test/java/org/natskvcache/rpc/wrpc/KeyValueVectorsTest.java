package org.natskvcache.rpc.wrpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Namespace;
import org.natskvcache.store.Reply;
import org.natskvcache.wrpc.ValueException;
import org.natskvcache.wrpc.ValueReader;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcLimits;

/** The functions of the contract, with the bytes of the golden vectors. */
class KeyValueVectorsTest {
  static Stream<JsonNode> params() {
    return served().filter(v -> v.get("direction").textValue().equals("params"));
  }

  static Stream<JsonNode> results() {
    return served().filter(v -> v.get("direction").textValue().equals("result"));
  }

  private static Stream<JsonNode> served() {
    return StreamSupport.stream(WrpcVectors.of("call_vectors").spliterator(), false)
        .filter(v -> !v.get("interface").textValue().contains("watcher"));
  }

  private static KeyValueFunction function(JsonNode vector) {
    return Arrays.stream(KeyValueFunction.values())
        .filter(f -> f.instance().equals(vector.get("interface").textValue()))
        .filter(f -> f.function().equals(vector.get("function").textValue()))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void everyFunctionHasItsSubject() {
    List<String> served = new ArrayList<>();
    for (KeyValueFunction f : KeyValueFunction.values()) {
      served.add("default.kv-cache.wrpc.0.0.1." + f.instance() + "." + f.function());
    }
    List<String> expected = new ArrayList<>();
    WrpcVectors.of("subjects").get("served").forEach(s -> expected.add(s.textValue()));
    assertEquals(expected, served);
  }

  @ParameterizedTest
  @MethodSource("params")
  void paramsAreReadAsTheVectorSays(JsonNode vector) throws Exception {
    KeyValueFunction function = function(vector);
    KeyValueRequest request = decode(function, WrpcVectors.bytes(vector));
    JsonNode value = vector.get("value");
    assertEquals(value.get(0).textValue(), request.bucket().utf8());
    JsonNode second = value.get(1);
    switch (function) {
      case GET, DELETE, EXISTS, SET, INCREMENT ->
          assertEquals(
              List.of(second.textValue()), request.keys().stream().map(Bytes::utf8).toList());
      case LIST_KEYS ->
          assertEquals(
              second.isNull() ? "0" : second.get("some").asText(),
              Long.toUnsignedString(request.number()));
      case GET_MANY, DELETE_MANY ->
          assertEquals(texts(second), request.keys().stream().map(Bytes::utf8).toList());
      case SET_MANY -> {
        for (int i = 0; i < second.size(); i++) {
          assertEquals(second.get(i).get(0).textValue(), request.keys().get(i).utf8());
          assertEquals(bytes(second.get(i).get(1)), request.values().get(i));
        }
        assertEquals(second.size(), request.keys().size());
      }
    }
    if (function == KeyValueFunction.SET) {
      assertEquals(List.of(bytes(value.get(2))), request.values());
    }
    if (function == KeyValueFunction.INCREMENT) {
      assertEquals(value.get(2).asText(), Long.toUnsignedString(request.number()));
      assertEquals(Long.parseUnsignedLong(value.get(2).asText()) < 0, request.refusal() != null);
    } else {
      assertNull(request.refusal());
    }
  }

  @ParameterizedTest
  @MethodSource("results")
  void resultsAreWrittenAsTheVectorSays(JsonNode vector) {
    JsonNode value = vector.get("value");
    byte[] expected = WrpcVectors.bytes(vector);
    if (value.has("err")) {
      assertErrorIsWritten(value.get("err"), expected);
      return;
    }
    KeyValueFunction function = function(vector);
    JsonNode ok = value.get("ok");
    List<Bytes> keys = new ArrayList<>(List.of(Bytes.EMPTY));
    Reply reply =
        switch (function) {
          case GET -> ok.isNull() ? new Reply.Absent() : new Reply.Value(bytes(ok.get("some")));
          case SET -> new Reply.Done();
          case DELETE -> new Reply.Flag(true);
          case EXISTS -> new Reply.Flag(ok.asBoolean());
          case LIST_KEYS -> {
            JsonNode cursor = ok.get("cursor");
            yield new Reply.Page(
                texts(ok.get("keys")).stream().map(Bytes::utf8).toList(),
                cursor.isNull(),
                cursor.isNull() ? 0 : Long.parseUnsignedLong(cursor.get("some").asText()));
          }
          case INCREMENT -> new Reply.Amount(Long.parseUnsignedLong(ok.asText()));
          case SET_MANY -> new Reply.Batch(List.of(new Reply.Done(), new Reply.Done()));
          case DELETE_MANY -> new Reply.Batch(List.of(new Reply.Flag(true), new Reply.Flag(false)));
          case GET_MANY -> {
            keys.clear();
            List<Reply> replies = new ArrayList<>();
            for (JsonNode slot : ok) {
              keys.add(slot.isNull() ? Bytes.EMPTY : Bytes.utf8(slot.get("some").get(0).asText()));
              replies.add(
                  slot.isNull()
                      ? new Reply.Absent()
                      : new Reply.Value(bytes(slot.get("some").get(1))));
            }
            yield new Reply.Batch(replies);
          }
        };
    var request = new KeyValueRequest(function, Bytes.EMPTY, keys, List.of(), 0);
    assertArrayEquals(expected, KeyValueResult.encode(request, reply));
  }

  /** Of the three errors we answer two; the third is an error of stores that can be missing. */
  private static void assertErrorIsWritten(JsonNode error, byte[] expected) {
    if (!error.isTextual()) {
      byte[] written =
          new ValueWriter(0)
              .variant(1)
              .variant(2)
              .string(error.get("other").textValue())
              .toByteArray();
      assertArrayEquals(expected, written);
    } else if (error.textValue().equals("access-denied")) {
      assertArrayEquals(expected, KeyValueResult.accessDenied());
    } else {
      assertArrayEquals(expected, new ValueWriter(0).variant(1).variant(0).toByteArray());
    }
  }

  @Test
  void refusalsAreTheThirdErrorWithTheirReason() {
    var rejected = new Reply.Rejected(Reply.Reason.WRONG_TYPE, "a list");
    String expected =
        "010212" + HexFormat.of().formatHex("wrong type: a list".getBytes(StandardCharsets.UTF_8));
    for (KeyValueFunction function : KeyValueFunction.values()) {
      var request =
          new KeyValueRequest(
              function, Bytes.EMPTY, List.of(Bytes.EMPTY, Bytes.EMPTY), List.of(), 0);
      assertEquals(expected, HexFormat.of().formatHex(KeyValueResult.encode(request, rejected)));
      if (!function.instance().contains("batch")) continue;
      var half = new Reply.Batch(List.of(new Reply.Absent(), rejected));
      assertEquals(
          function == KeyValueFunction.GET_MANY ? "00020000" : expected,
          HexFormat.of().formatHex(KeyValueResult.encode(request, half)));
    }
  }

  @Test
  void batchOfNothingIsFine() {
    var nothing = new Reply.Batch(List.of());
    for (KeyValueFunction function :
        List.of(
            KeyValueFunction.SET_MANY, KeyValueFunction.DELETE_MANY, KeyValueFunction.GET_MANY)) {
      var request = new KeyValueRequest(function, Bytes.EMPTY, List.of(), List.of(), 0);
      assertEquals(0, KeyValueResult.encode(request, nothing)[0]);
      assertEquals(new Command.Batch(List.of()), request.command("default"));
    }
  }

  @Test
  void keysThatAreNoTextAreLeftOutOfAPage() {
    var page = new Reply.Page(List.of(Bytes.utf8("a"), new Bytes(new byte[] {-1})), true, 0);
    var request =
        new KeyValueRequest(KeyValueFunction.LIST_KEYS, Bytes.EMPTY, List.of(), List.of(), 0);
    assertEquals("0001016100", HexFormat.of().formatHex(KeyValueResult.encode(request, page)));
  }

  @Test
  void valuesThatAreTooLongTogetherAreAnError() {
    var value = new Reply.Value(new Bytes(new byte[1 << 20]));
    var request =
        new KeyValueRequest(
            KeyValueFunction.GET_MANY,
            Bytes.EMPTY,
            Collections.nCopies(40, Bytes.EMPTY),
            List.of(),
            0);
    byte[] result = KeyValueResult.encode(request, new Reply.Batch(Collections.nCopies(40, value)));
    assertEquals(1, result[0]);
    assertTrue(new String(result, StandardCharsets.UTF_8).contains("too large"));
  }

  @Test
  void bucketChoosesTheNamespace() throws Exception {
    Bytes key = Bytes.utf8("k");
    for (String shared : List.of("", "default", "mine")) {
      assertEquals(new Command.Get(Key.of(key)), get(shared).command("mine"));
    }
    for (String own : List.of("other", "Default", " ")) {
      assertEquals(
          new Command.Get(Namespace.named(Bytes.utf8(own)).key(key)), get(own).command("mine"));
    }
    assertEquals(
        new Command.Get(Namespace.named(Bytes.utf8("mine")).key(key)),
        get("mine").command("default"));
  }

  private static KeyValueRequest get(String bucket) throws Exception {
    return decode(
        KeyValueFunction.GET, new ValueWriter(0).string(bucket).string("k").toByteArray());
  }

  @Test
  void deltaAndResultStayInTheRangeOfSigned() throws Exception {
    byte[] params = new ValueWriter(0).string("").string("n").u64(Long.MAX_VALUE).toByteArray();
    KeyValueRequest request = decode(KeyValueFunction.INCREMENT, params);
    assertNull(request.refusal());
    assertEquals(
        new Command.Increment(Key.of("n"), Long.MAX_VALUE, 0, Long.MAX_VALUE),
        request.command("default"));
    params = new ValueWriter(0).string("").string("n").u64(Long.MIN_VALUE).toByteArray();
    assertInstanceOf(Reply.Rejected.class, decode(KeyValueFunction.INCREMENT, params).refusal());
  }

  @Test
  void bucketsAndKeysAreText() {
    byte[] params = {1, (byte) 0xff, 1, 'k'};
    assertThrows(ValueException.Malformed.class, () -> decode(KeyValueFunction.GET, params));
    byte[] surrogate = HexFormat.of().parseHex("00" + "03eda080");
    assertThrows(ValueException.Malformed.class, () -> decode(KeyValueFunction.EXISTS, surrogate));
  }

  private static KeyValueRequest decode(KeyValueFunction function, byte[] params)
      throws ValueException {
    return function.decode(new ValueReader(params, WrpcLimits.DEFAULTS));
  }

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(each -> texts.add(each.textValue()));
    return texts;
  }

  private static Bytes bytes(JsonNode value) {
    if (value.has("hex")) return new Bytes(HexFormat.of().parseHex(value.get("hex").textValue()));
    if (value.has("utf8")) return Bytes.utf8(value.get("utf8").textValue());
    byte[] bytes = new byte[value.get("length").intValue()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] =
          (byte)
              (value.has("fill") ? Integer.parseInt(value.get("fill").textValue(), 16) : i % 251);
    }
    return new Bytes(bytes);
  }
}
