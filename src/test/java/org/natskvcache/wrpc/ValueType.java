package org.natskvcache.wrpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The types that vectors are written in, read from their text. Values are the vectors' JSON:
 * integers are texts, {@code null} is none, {@code {"some": x}} is some, {@code {"utf8": t}} and
 * {@code {"hex": h}} are {@code list<u8>}.
 */
sealed interface ValueType {
  ObjectMapper JSON = new ObjectMapper();

  record Plain(String name) implements ValueType {}

  record Bytes() implements ValueType {}

  record ListOf(ValueType element) implements ValueType {}

  record Option(ValueType value) implements ValueType {}

  record Tuple(List<ValueType> fields) implements ValueType {}

  record Record(List<String> names, List<ValueType> fields) implements ValueType {}

  record Result(ValueType ok, ValueType error) implements ValueType {}

  record Error() implements ValueType {}

  record Nothing() implements ValueType {}

  static ValueType parse(String text) {
    String t = text.strip();
    if (t.equals("_") || t.equals("(no result)")) return new Nothing();
    if (t.equals("result")) return new Result(new Nothing(), new Nothing());
    if (t.equals("error") || t.equals("variant error")) return new Error();
    if (t.equals("list<u8>")) return new Bytes();
    if (t.startsWith("list<")) return new ListOf(parse(inside(t, '<')));
    if (t.startsWith("option<")) return new Option(parse(inside(t, '<')));
    if (t.startsWith("result<")) {
      List<String> parts = split(inside(t, '<'));
      return new Result(parse(parts.get(0)), parse(parts.get(1)));
    }
    if (t.startsWith("tuple<")) {
      return new Tuple(split(inside(t, '<')).stream().map(ValueType::parse).toList());
    }
    if (t.startsWith("tuple(")) {
      // fields are written with a name behind their type
      return new Tuple(
          split(inside(t, '(')).stream()
              .map(field -> parse(field.strip().replaceFirst(" [a-z-]+$", "")))
              .toList());
    }
    if (t.contains("{")) {
      List<String> names = new ArrayList<>();
      List<ValueType> fields = new ArrayList<>();
      for (String field : split(inside(t, '{'))) {
        int colon = field.indexOf(':');
        names.add(field.substring(0, colon).strip());
        fields.add(parse(field.substring(colon + 1)));
      }
      return new Record(names, fields);
    }
    return new Plain(t);
  }

  private static String inside(String text, char open) {
    return text.substring(text.indexOf(open) + 1, text.length() - 1);
  }

  private static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ("<({".indexOf(c) >= 0) depth++;
      if (">)}".indexOf(c) >= 0) depth--;
      if (c == ',' && depth == 0) {
        parts.add(text.substring(from, i));
        from = i + 1;
      }
    }
    parts.add(text.substring(from));
    return parts;
  }

  default void write(ValueWriter out, JsonNode value) {
    switch (this) {
      case Nothing() -> {}
      case Bytes() -> out.bytes(bytes(value));
      case Plain(String name) -> {
        switch (name) {
          case "bool" -> out.bool(value.asBoolean());
          case "u8" -> out.u8(Integer.parseInt(value.asText()));
          case "u32" -> out.u32(Long.parseLong(value.asText()));
          case "u64" -> out.u64(Long.parseUnsignedLong(value.asText()));
          case "s64" -> out.s64(Long.parseLong(value.asText()));
          case "string" -> out.string(value.asText());
          default -> throw new IllegalArgumentException(name);
        }
      }
      case ListOf(ValueType element) -> {
        out.list(value.size());
        value.forEach(each -> element.write(out, each));
      }
      case Option(ValueType inner) -> {
        out.option(!value.isNull());
        if (!value.isNull()) inner.write(out, value.get("some"));
      }
      case Tuple(List<ValueType> fields) -> {
        for (int i = 0; i < fields.size(); i++) fields.get(i).write(out, value.get(i));
      }
      case Record(List<String> names, List<ValueType> fields) -> {
        for (int i = 0; i < fields.size(); i++) {
          fields.get(i).write(out, value.get(names.get(i)));
        }
      }
      case Result(ValueType ok, ValueType error) -> {
        boolean fine = value.has("ok");
        out.variant(fine ? 0 : 1);
        if (fine) ok.write(out, value.get("ok"));
        else error.write(out, value.get("err"));
      }
      case Error() -> {
        if (value.isTextual()) {
          out.variant(value.textValue().equals("no-such-store") ? 0 : 1);
        } else {
          out.variant(2).string(value.get("other").textValue());
        }
      }
    }
  }

  default JsonNode read(ValueReader in) throws ValueException {
    switch (this) {
      case Nothing() -> {
        return JSON.nullNode();
      }
      case Bytes() -> {
        return JSON.createObjectNode().put("hex", HexFormat.of().formatHex(in.bytes()));
      }
      case Plain(String name) -> {
        return switch (name) {
          case "bool" -> JSON.getNodeFactory().booleanNode(in.bool());
          case "u8" -> text(Integer.toString(in.u8()));
          case "u32" -> text(Long.toString(in.u32()));
          case "u64" -> text(Long.toUnsignedString(in.u64()));
          case "s64" -> text(Long.toString(in.s64()));
          case "string" -> text(in.string());
          default -> throw new IllegalArgumentException(name);
        };
      }
      case ListOf(ValueType element) -> {
        ArrayNode list = JSON.createArrayNode();
        for (int i = in.list(); i > 0; i--) list.add(element.read(in));
        return list;
      }
      case Option(ValueType inner) -> {
        if (!in.option()) return JSON.nullNode();
        ObjectNode some = JSON.createObjectNode();
        some.set("some", inner.read(in));
        return some;
      }
      case Tuple(List<ValueType> fields) -> {
        ArrayNode tuple = JSON.createArrayNode();
        for (ValueType field : fields) tuple.add(field.read(in));
        return tuple;
      }
      case Record(List<String> names, List<ValueType> fields) -> {
        ObjectNode record = JSON.createObjectNode();
        for (int i = 0; i < fields.size(); i++) record.set(names.get(i), fields.get(i).read(in));
        return record;
      }
      case Result(ValueType ok, ValueType error) -> {
        ObjectNode result = JSON.createObjectNode();
        if (in.variant(2) == 0) result.set("ok", ok.read(in));
        else result.set("err", error.read(in));
        return result;
      }
      case Error() -> {
        return switch (in.variant(3)) {
          case 0 -> text("no-such-store");
          case 1 -> text("access-denied");
          default -> JSON.createObjectNode().put("other", in.string());
        };
      }
    }
  }

  private static JsonNode text(String text) {
    return JSON.getNodeFactory().textNode(text);
  }

  private static byte[] bytes(JsonNode value) {
    if (value.has("hex")) return HexFormat.of().parseHex(value.get("hex").textValue());
    if (value.has("utf8")) return value.get("utf8").textValue().getBytes(StandardCharsets.UTF_8);
    byte[] pattern = new byte[value.get("length").intValue()];
    if (value.has("fill")) {
      Arrays.fill(pattern, (byte) Integer.parseInt(value.get("fill").textValue(), 16));
      return pattern;
    }
    for (int i = 0; i < pattern.length; i++) pattern[i] = (byte) (i % 251);
    return pattern;
  }

  /** The same value with one way to write bytes and integers, to compare by. */
  static JsonNode normal(JsonNode value) {
    if (value.isArray()) {
      ArrayNode array = JSON.createArrayNode();
      value.forEach(each -> array.add(normal(each)));
      return array;
    }
    if (value.isNumber()) return text(value.asText());
    if (!value.isObject()) return value;
    if (value.has("utf8") || value.has("length") || value.has("hex")) {
      return JSON.createObjectNode().put("hex", HexFormat.of().formatHex(bytes(value)));
    }
    ObjectNode object = JSON.createObjectNode();
    value.properties().forEach(member -> object.set(member.getKey(), normal(member.getValue())));
    return object;
  }
}
