package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

/** What the reference decoder was seen to accept and to reject. */
class ToleranceTest {
  /** Where we are more tolerant: links without values, which the reference drops. */
  private static final List<String> ACCEPTED_BY_US =
      List.of("tolerance.linkdef.nil-values", "tolerance.linkdef.no-values");

  static Stream<Arguments> entries() {
    return Vectors.entries("tolerance").map(v -> Arguments.of(v.get("id").textValue(), v));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("entries")
  void decodesLikeTheReference(String id, JsonNode entry) throws Exception {
    byte[] bytes = Vectors.bytes(entry);
    boolean accepted = entry.get("reference_accepts").booleanValue() || ACCEPTED_BY_US.contains(id);
    switch (entry.get("type").textValue()) {
      case "Invocation" -> {
        String expected = id.endsWith("msg-as-str") ? "616263" : "010203";
        assertEquals(expected, HexFormat.of().formatHex(Invocation.decode(bytes).msg().array()));
      }
      case "LinkDefinition" -> {
        if (accepted) {
          assertEquals(Map.of(), LinkDefinitionCodec.decode(bytes).values());
        } else {
          assertThrows(MessagePackException.class, () -> LinkDefinitionCodec.decode(bytes));
        }
      }
      default -> checkArgument(entry, bytes, accepted);
    }
  }

  private static void checkArgument(JsonNode entry, byte[] bytes, boolean accepted) {
    Operation operation =
        switch (entry.get("type").textValue()) {
          case "IncrementRequest" -> Operation.INCREMENT;
          case "String" -> Operation.GET;
          case "SetRequest" -> Operation.SET;
          case "ListAddRequest" -> Operation.LIST_ADD;
          case "StringList" -> Operation.SET_UNION;
          default -> fail("an entry of a new type");
        };
    KeyValueCodec.Request request = KeyValueCodec.decode(operation.wireName(), new Bytes(bytes));
    if (accepted) {
      var call = assertInstanceOf(KeyValueCodec.Request.Call.class, request);
      assertEquals(expected(operation, entry.get("value")), call.command());
    } else {
      var refused = assertInstanceOf(KeyValueCodec.Request.Refused.class, request);
      String prefix = "deserialization: '" + entry.get("type").textValue() + "': ";
      assertEquals(prefix, refused.error().substring(0, prefix.length()));
    }
  }

  private static Command expected(Operation operation, JsonNode value) {
    return switch (operation) {
      case INCREMENT ->
          new Command.Increment(
              Key.of(value.get("key").textValue()),
              value.get("value").longValue(),
              Integer.MIN_VALUE,
              Integer.MAX_VALUE);
      case GET -> new Command.Get(Key.of(value.textValue()));
      case LIST_ADD ->
          new Command.ListAdd(
              Key.of(value.get("listName").textValue()),
              Bytes.utf8(value.get("value").textValue()));
      default -> fail("no accepted entry of this type was known");
    };
  }
}
