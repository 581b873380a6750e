package org.natskvcache.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.rpc.wasmbus.Vectors;

class NkeyTest {
  private static final String SEED = Vectors.key("cluster_seed");

  static Stream<JsonNode> vectors() {
    return Vectors.entries("nkeys");
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void publicKeysDecodeAndEncode(JsonNode vector) {
    String text = vector.get("public_key").textValue();
    Nkey nkey = Nkey.parse(text).orElseThrow();
    assertEquals(
        vector.get("raw_ed25519_hex").textValue(), HexFormat.of().formatHex(nkey.key().array()));
    assertEquals(text, nkey.text());
    assertEquals(text.charAt(0), nkey.role().letter());
  }

  @Test
  void seedsDecodeToThirtyTwoBytesOfTheirRole() {
    Nkey.Seed seed = Nkey.parseSeed(SEED).orElseThrow();
    assertEquals(Nkey.Role.CLUSTER, seed.role());
    assertEquals(32, seed.seed().size());
    assertEquals(Nkey.Role.SERVER, Nkey.parseSeed(Vectors.key("host_seed")).orElseThrow().role());
  }

  @Test
  void seedsPrintWithoutTheirBytes() {
    assertEquals("seed of a CLUSTER", Nkey.parseSeed(SEED).orElseThrow().toString());
  }

  @Test
  void everySingleWrongLetterIsNoticed() {
    String text = Vectors.key("actor_public");
    for (int i = 0; i < text.length(); i++) {
      char other = text.charAt(i) == 'A' ? 'B' : 'A';
      assertTrue(
          Nkey.parse(text.substring(0, i) + other + text.substring(i + 1)).isEmpty(),
          "letter " + i);
    }
    for (int i = 0; i < SEED.length(); i++) {
      char other = SEED.charAt(i) == 'A' ? 'B' : 'A';
      assertTrue(
          Nkey.parseSeed(SEED.substring(0, i) + other + SEED.substring(i + 1)).isEmpty(),
          "letter " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "M",
        "not a key",
        "MDNX3CB6VBXG55GOJ6UYON7AMK6SLYPB6GLPRZGTEE6625EFLJDQKWW",
        "é"
      })
  void otherTextIsNoKey(String text) {
    assertTrue(Nkey.parse(text).isEmpty());
    assertTrue(Nkey.parseSeed(text).isEmpty());
  }

  @Test
  void lowerCaseAndSurroundingSpaceAreNoKey() {
    String text = Vectors.key("actor_public");
    assertTrue(Nkey.parse(text.toLowerCase(Locale.ROOT)).isEmpty());
    assertTrue(Nkey.parse(text + " ").isEmpty());
  }

  @Test
  void seedIsNoPublicKeyAndPublicKeyNoSeed() {
    assertFalse(Nkey.parse(SEED).isPresent());
    assertFalse(Nkey.parseSeed(Vectors.key("cluster_public")).isPresent());
  }
}
