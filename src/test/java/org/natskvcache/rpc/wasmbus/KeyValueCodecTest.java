package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.rpc.MutationReplies;
import org.natskvcache.rpc.wasmbus.KeyValueCodec.Answer;
import org.natskvcache.rpc.wasmbus.KeyValueCodec.Request;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Reply;

class KeyValueCodecTest {
  static Stream<Arguments> requests() {
    return operations()
        .filter(v -> v.get("id").textValue().contains(".request"))
        .map(KeyValueCodecTest::named);
  }

  static Stream<Arguments> responses() {
    return operations()
        .filter(v -> v.get("id").textValue().contains(".response"))
        .filter(v ->
            !v.get("id")
                .textValue()
                .equals("kv.Set.response.sdk-nil")) // accepted by hosts, not sent by us
        .map(KeyValueCodecTest::named);
  }

  private static Stream<JsonNode> operations() {
    return Vectors.startingWith("kv.").stream();
  }

  private static Arguments named(JsonNode vector) {
    return Arguments.of(vector.get("id").textValue(), vector);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("requests")
  void requestsDecodeToCommands(String id, JsonNode vector) {
    String operation = vector.get("operation").textValue();
    Request request = KeyValueCodec.decode(operation, new Bytes(Vectors.bytes(vector)));
    var call = assertInstanceOf(Request.Call.class, request);
    assertEquals(operation, call.operation().wireName());
    assertEquals(command(call.operation(), vector.get("value")), call.command());
  }

  private static Command command(Operation operation, JsonNode v) {
    return switch (operation) {
      case INCREMENT ->
          new Command.Increment(
              key(v, "key"), v.get("value").longValue(), Integer.MIN_VALUE, Integer.MAX_VALUE);
      case CONTAINS -> new Command.Contains(Key.of(v.textValue()));
      case DEL -> new Command.Delete(Key.of(v.textValue()));
      case GET -> new Command.Get(Key.of(v.textValue()));
      case LIST_ADD -> new Command.ListAdd(key(v, "listName"), value(v));
      case LIST_CLEAR -> new Command.ListClear(Key.of(v.textValue()));
      case LIST_DEL -> new Command.ListRemove(key(v, "listName"), value(v));
      case LIST_RANGE ->
          new Command.ListRange(
              key(v, "listName"), v.get("start").longValue(), v.get("stop").longValue());
      case SET -> new Command.Set(key(v, "key"), value(v), v.get("expires").longValue() * 1000);
      case SET_ADD -> new Command.SetAdd(key(v, "setName"), value(v));
      case SET_DEL -> new Command.SetRemove(key(v, "setName"), value(v));
      case SET_INTERSECTION -> new Command.SetIntersection(keys(v));
      case SET_QUERY -> new Command.SetMembers(Key.of(v.textValue()));
      case SET_UNION -> new Command.SetUnion(keys(v));
      case SET_CLEAR -> new Command.SetClear(Key.of(v.textValue()));
    };
  }

  private static Key key(JsonNode object, String member) {
    return Key.of(object.get(member).textValue());
  }

  private static Bytes value(JsonNode object) {
    return Bytes.utf8(object.get("value").textValue());
  }

  private static List<Key> keys(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .map(n -> Key.of(n.textValue()))
        .toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("responses")
  void repliesEncodeByteForByte(String id, JsonNode vector) {
    Operation operation = Operation.parse(vector.get("operation").textValue()).orElseThrow();
    Reply reply = reply(operation, vector.path("value"));
    var result =
        assertInstanceOf(
            Answer.Result.class, KeyValueCodec.encode(operation, reply, MutationReplies.ACTUAL));
    assertEquals(vector.get("hex").textValue(), HexFormat.of().formatHex(result.bytes().array()));
  }

  private static Reply reply(Operation operation, JsonNode v) {
    return switch (operation.result()) {
      case NOTHING -> new Reply.Done();
      case FLAG -> new Reply.Flag(v.booleanValue());
      case COUNT -> new Reply.Amount(v.longValue());
      case VALUE -> v.get("exists").booleanValue() ? new Reply.Value(value(v)) : new Reply.Absent();
      case TEXTS ->
          new Reply.Values(
              StreamSupport.stream(v.spliterator(), false)
                  .map(n -> Bytes.utf8(n.textValue()))
                  .toList());
    };
  }

  @ParameterizedTest
  @CsvSource({"KeyValue.Get", "Get", "wasmcloud:keyvalue/KeyValue.Get", "a/b/Get"})
  void namesAreAcceptedInTheseForms(String name) {
    Request request = KeyValueCodec.decode(name, new Bytes(SigningCaller.text("k")));
    assertEquals(new Request.Call(Operation.GET, new Command.Get(Key.of("k"))), request);
  }

  @ParameterizedTest
  @CsvSource({
    "Foo.Bar, method not handled Foo.Bar - unknown method",
    "KeyValue.Bar, method not handled KeyValue::Bar",
    "KeyValue., method not handled KeyValue::",
    "keyvalue.Get, method not handled keyvalue.Get - unknown method",
    "KeyValue.get, method not handled KeyValue::get",
    "KeyValue.KeyValue.Get, method not handled KeyValue::KeyValue.Get",
    "key-value.contains, method not handled key-value.contains - unknown method",
    "'', method not handled  - unknown method",
    "KeyValue.Get/, method not handled  - unknown method",
  })
  void otherNamesAreUnknown(String name, String text) {
    assertEquals(new Request.Refused(text), KeyValueCodec.decode(name, Bytes.EMPTY));
  }

  @Test
  void unknownNamesAreRepeatedShortAndPlain() {
    var unknown = (Request.Refused) KeyValueCodec.decode("x\n\0".repeat(100_000), Bytes.EMPTY);
    assertTrue(unknown.error().length() < 200);
    assertTrue(unknown.error().chars().noneMatch(c -> c < ' '));
  }

  @ParameterizedTest
  @EnumSource(Operation.class)
  void emptyAndForeignArgumentsAreErrorsThatNameTheType(Operation operation) {
    for (byte[] msg :
        new byte[][] {{}, {(byte) 0xc0}, {(byte) 0xc3}, {(byte) 0xc1}, {(byte) 0xd9, 9, 'a'}}) {
      var refused =
          assertInstanceOf(
              Request.Refused.class, KeyValueCodec.decode(operation.wireName(), new Bytes(msg)));
      assertTrue(
          refused.error().startsWith("deserialization: '" + operation.argument() + "': "),
          refused::error);
    }
  }

  @ParameterizedTest
  @CsvSource({"KeyValue.SetUnion", "KeyValue.SetIntersection"})
  void noSetNamesAtAllIsAnError(String name) {
    var refused =
        assertInstanceOf(
            Request.Refused.class, KeyValueCodec.decode(name, new Bytes(SigningCaller.texts())));
    assertTrue(refused.error().contains("wrong number of arguments"), refused::error);
  }

  @Test
  void argumentsThatAreNoTextAreErrors() {
    byte[] key = {(byte) 0xc4, 1, (byte) 0xff};
    assertInstanceOf(Request.Refused.class, KeyValueCodec.decode("KeyValue.Get", new Bytes(key)));
    byte[] value =
        new MessagePackWriter(9)
            .mapHeader(1)
            .text("value")
            .blob(new byte[] {(byte) 0xc3})
            .toByteArray();
    assertInstanceOf(Request.Refused.class, KeyValueCodec.decode("KeyValue.Set", new Bytes(value)));
  }

  @ParameterizedTest
  @CsvSource({"-1", "4294967296"})
  void expiryMustFitIntoThirtyTwoBits(long expires) {
    byte[] msg = SigningCaller.struct("key", "k", "value", "v", "expires", expires);
    assertInstanceOf(Request.Refused.class, KeyValueCodec.decode("KeyValue.Set", new Bytes(msg)));
  }

  @Test
  void keysMayHoldAnyCharacter() {
    for (String key : List.of("", "\0", "\0\0a", "a.b", " ", "🌮", "*", ">")) {
      var call =
          (Request.Call) KeyValueCodec.decode("KeyValue.Get", new Bytes(SigningCaller.text(key)));
      assertEquals(key, ((Command.Get) call.command()).key().raw().utf8());
    }
  }

  @Test
  void storedBytesThatAreNoTextAreAnError() {
    Bytes binary = new Bytes(new byte[] {'a', (byte) 0xff});
    assertFailure(
        KeyValueCodec.encode(Operation.GET, new Reply.Value(binary), MutationReplies.ACTUAL),
        "UTF-8");
    var values = new Reply.Values(List.of(Bytes.utf8("fine"), binary));
    for (Operation operation :
        List.of(Operation.SET_QUERY, Operation.LIST_RANGE, Operation.SET_UNION)) {
      assertFailure(KeyValueCodec.encode(operation, values, MutationReplies.ACTUAL), "UTF-8");
    }
  }

  @Test
  void tooManyValuesAreAnErrorThatNamesTheLimit() {
    var value = new Bytes("x".repeat(1 << 20).getBytes());
    var fitting = new Reply.Values(Collections.nCopies(16, value));
    assertInstanceOf(
        Answer.Result.class,
        KeyValueCodec.encode(Operation.LIST_RANGE, fitting, MutationReplies.ACTUAL));
    var larger = new ArrayList<>(fitting.values());
    larger.add(Bytes.utf8("y"));
    assertFailure(
        KeyValueCodec.encode(
            Operation.LIST_RANGE, new Reply.Values(larger), MutationReplies.ACTUAL),
        "16777216");
  }

  @ParameterizedTest
  @EnumSource(Operation.class)
  void rejectionsAreErrorsWhateverTheRepliesSetting(Operation operation) {
    var rejected = new Reply.Rejected(Reply.Reason.WRONG_TYPE, "the key holds a list");
    for (MutationReplies setting : MutationReplies.values()) {
      assertFailure(
          KeyValueCodec.encode(operation, rejected, setting), "wrong type: the key holds a list");
    }
  }

  @ParameterizedTest
  @EnumSource(Operation.class)
  void defaultRepliesHideWhatAMutationDidAndNothingElse(Operation operation) {
    Reply actual =
        switch (operation.result()) {
          case NOTHING -> new Reply.Done();
          case FLAG -> new Reply.Flag(true);
          case COUNT -> new Reply.Amount(7);
          case VALUE -> new Reply.Value(Bytes.utf8("v"));
          case TEXTS -> new Reply.Values(List.of(Bytes.utf8("v")));
        };
    String expected =
        switch (operation) {
          case INCREMENT, LIST_ADD, SET_ADD, SET_DEL -> "00";
          case DEL, LIST_CLEAR, LIST_DEL, SET_CLEAR -> "c2";
          case SET -> "";
          case CONTAINS -> "c3";
          case GET -> "82a576616c7565a176a6657869737473c3";
          case LIST_RANGE, SET_INTERSECTION, SET_QUERY, SET_UNION -> "91a176";
        };
    var result = (Answer.Result) KeyValueCodec.encode(operation, actual, MutationReplies.DEFAULT);
    assertEquals(expected, HexFormat.of().formatHex(result.bytes().array()));
  }

  @Test
  void replyOfAnotherOperationIsOurBug() {
    assertThrows(
        IllegalStateException.class,
        () -> KeyValueCodec.encode(Operation.GET, new Reply.Done(), MutationReplies.ACTUAL));
  }

  private static void assertFailure(Answer answer, String part) {
    var failure = assertInstanceOf(Answer.Failure.class, answer);
    assertTrue(failure.error().contains(part), failure::error);
  }
}
