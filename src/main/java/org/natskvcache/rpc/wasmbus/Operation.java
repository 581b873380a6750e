package org.natskvcache.rpc.wasmbus;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.natskvcache.rpc.Texts;

/**
 * The operations of {@code wasmcloud:keyvalue}, with the name of each one's argument type and what
 * it answers.
 */
public enum Operation {
  INCREMENT("Increment", "IncrementRequest", Result.COUNT, true),
  CONTAINS("Contains", "String", Result.FLAG, false),
  DEL("Del", "String", Result.FLAG, true),
  GET("Get", "String", Result.VALUE, false),
  LIST_ADD("ListAdd", "ListAddRequest", Result.COUNT, true),
  LIST_CLEAR("ListClear", "String", Result.FLAG, true),
  LIST_DEL("ListDel", "ListDelRequest", Result.FLAG, true),
  LIST_RANGE("ListRange", "ListRangeRequest", Result.TEXTS, false),
  SET("Set", "SetRequest", Result.NOTHING, true),
  SET_ADD("SetAdd", "SetAddRequest", Result.COUNT, true),
  SET_DEL("SetDel", "SetDelRequest", Result.COUNT, true),
  SET_INTERSECTION("SetIntersection", "StringList", Result.TEXTS, false),
  SET_QUERY("SetQuery", "String", Result.TEXTS, false),
  SET_UNION("SetUnion", "StringList", Result.TEXTS, false),
  SET_CLEAR("SetClear", "String", Result.FLAG, true);

  /** The shapes of results. */
  enum Result {
    /** Zero bytes. */
    NOTHING,
    /** A boolean. */
    FLAG,
    /** An integer of 32 bits. */
    COUNT,
    /** A map of value and whether it exists. */
    VALUE,
    /** An array of texts. */
    TEXTS
  }

  private static final String SERVICE = "KeyValue.";
  private static final Map<String, Operation> BY_NAME =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(o -> o.shortName, Function.identity()));

  private final String shortName;
  private final String argument;
  private final Result result;
  private final boolean mutates;

  Operation(String shortName, String argument, Result result, boolean mutates) {
    this.shortName = shortName;
    this.argument = argument;
    this.result = result;
    this.mutates = mutates;
  }

  /** Reads {@code KeyValue.Get}, {@code Get}, or either behind a contract's name and a slash. */
  static Optional<Operation> parse(String text) {
    String name = afterSlash(text);
    return Optional.ofNullable(
        BY_NAME.get(name.startsWith(SERVICE) ? name.substring(SERVICE.length()) : name));
  }

  /** The error text for a name that {@link #parse} does not know. */
  static String unknown(String text) {
    String name = Texts.shortened(afterSlash(text));
    return name.startsWith(SERVICE)
        ? "method not handled KeyValue::" + name.substring(SERVICE.length())
        : "method not handled " + name + " - unknown method";
  }

  /** The name on the wire. */
  public String wireName() {
    return SERVICE + shortName;
  }

  /** The contract's name for the argument's type. */
  String argument() {
    return argument;
  }

  Result result() {
    return result;
  }

  /** Whether it may change something. */
  public boolean mutates() {
    return mutates;
  }

  private static String afterSlash(String text) {
    return text.substring(text.lastIndexOf('/') + 1);
  }
}
