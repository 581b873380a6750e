package org.natskvcache.rpc.wrpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;

/** The golden vectors of hosts 1.x, {@code wrpc-vectors.json}. */
public final class WrpcVectors {
  private static final JsonNode ROOT = load();

  private WrpcVectors() {}

  /** A section of the file. */
  public static JsonNode of(String section) {
    return Objects.requireNonNull(ROOT.get(section), section);
  }

  /** The encoded value of a call vector, such as {@code store.get/params/basic}. */
  public static byte[] call(String id) {
    for (JsonNode vector : of("call_vectors")) {
      if (vector.get("id").textValue().equals(id)) return bytes(vector);
    }
    throw new IllegalArgumentException(id);
  }

  /** The encoded value of a vector; a long one is given in parts and by its hash. */
  public static byte[] bytes(JsonNode vector) {
    if (vector.has("hex")) return HexFormat.of().parseHex(vector.get("hex").textValue());
    var bytes = new ByteArrayOutputStream();
    bytes.writeBytes(HexFormat.of().parseHex(vector.get("hex_prefix").textValue()));
    for (int i = 0; i < vector.get("then_bytes").get("length").intValue(); i++)
      bytes.write(i % 251);
    bytes.writeBytes(HexFormat.of().parseHex(vector.get("hex_suffix").textValue()));
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
      if (!HexFormat.of()
          .formatHex(hash)
          .equals(vector.get("sha256_of_full_encoding").textValue())) {
        throw new IllegalStateException(vector.get("id").textValue());
      }
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    return bytes.toByteArray();
  }

  private static JsonNode load() {
    try (InputStream in = WrpcVectors.class.getResourceAsStream("/wrpc-vectors.json")) {
      return spelledOut(new ObjectMapper().readTree(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The file writes long texts and lists of keys in short: here they are what they stand for. */
  private static JsonNode spelledOut(JsonNode node) {
    switch (node) {
      case ObjectNode object ->
          object.properties().forEach(m -> m.setValue(spelledOut(m.getValue())));
      case ArrayNode array -> {
        for (int i = 0; i < array.size(); i++) array.set(i, spelledOut(array.get(i)));
      }
      case TextNode text -> {
        var repeated = Pattern.compile("'(.)' repeated (\\d+) times").matcher(text.textValue());
        if (repeated.matches()) {
          return new TextNode(repeated.group(1).repeat(Integer.parseInt(repeated.group(2))));
        }
        var range = Pattern.compile("k000\\.\\.k(\\d+)").matcher(text.textValue());
        if (!range.matches()) return node;
        ArrayNode keys = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i <= Integer.parseInt(range.group(1)); i++) keys.add("k%03d".formatted(i));
        return keys;
      }
      default -> {}
    }
    return node;
  }
}
