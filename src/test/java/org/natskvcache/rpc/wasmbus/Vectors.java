package org.natskvcache.rpc.wasmbus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The golden vectors of the contract, {@code wasmbus-vectors.json}. */
public final class Vectors {
  private static final JsonNode ROOT = load();

  private Vectors() {}

  public static JsonNode section(String name) {
    return Objects.requireNonNull(ROOT.get(name), name);
  }

  /** A public key or seed of the fixture, such as {@code cluster_seed}. */
  public static String key(String name) {
    return section("keys").get(name).textValue();
  }

  /** Entries of {@code vectors} whose id starts with {@code prefix}; never none. */
  public static List<JsonNode> startingWith(String prefix) {
    List<JsonNode> found =
        entries("vectors").filter(v -> v.get("id").textValue().startsWith(prefix)).toList();
    if (found.isEmpty()) throw new IllegalArgumentException(prefix);
    return found;
  }

  /** The one entry of {@code vectors} with this id. */
  public static JsonNode vector(String id) {
    return entries("vectors")
        .filter(v -> v.get("id").textValue().equals(id))
        .findFirst()
        .orElseThrow();
  }

  public static Stream<JsonNode> entries(String section) {
    return StreamSupport.stream(section(section).spliterator(), false);
  }

  public static byte[] bytes(JsonNode vector) {
    return HexFormat.of().parseHex(vector.get("hex").textValue());
  }

  public static byte[] bytes(String id) {
    return bytes(vector(id));
  }

  private static JsonNode load() {
    try (InputStream in = Vectors.class.getResourceAsStream("/wasmbus-vectors.json")) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
