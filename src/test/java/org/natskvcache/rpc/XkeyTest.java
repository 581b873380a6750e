package org.natskvcache.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.store.Bytes;

class XkeyTest {
  private static final JsonNode KEYS = WrpcVectors.of("xkey").get("keys");
  private static final Xkey OURS = Xkey.ofSeed(KEYS.get(0).get("seed").textValue()).orElseThrow();
  private static final Nkey HOST = Nkey.parse(KEYS.get(1).get("public").textValue()).orElseThrow();

  static Stream<JsonNode> messages() {
    return StreamSupport.stream(WrpcVectors.of("xkey").get("messages").spliterator(), false);
  }

  static Stream<JsonNode> mustFail() {
    return StreamSupport.stream(WrpcVectors.of("xkey").get("must_fail").spliterator(), false);
  }

  private static Bytes sealed(JsonNode message) {
    return new Bytes(HexFormat.of().parseHex(message.get("sealed_hex").textValue()));
  }

  @Test
  void publicKeyIsDerived() {
    for (JsonNode key : KEYS) {
      Xkey xkey = Xkey.ofSeed(key.get("seed").textValue()).orElseThrow();
      assertEquals(key.get("public").textValue(), xkey.publicKey().text());
      assertFalse(xkey.toString().contains(key.get("seed").textValue()));
    }
  }

  @ParameterizedTest
  @MethodSource("messages")
  void sealedMessagesOpen(JsonNode message) {
    assertEquals(
        Optional.of(Bytes.utf8(message.get("plaintext_utf8").textValue())),
        OURS.open(HOST, sealed(message)));
  }

  @ParameterizedTest
  @MethodSource("mustFail")
  void changedMessagesDoNotOpen(JsonNode message) {
    assertEquals(Optional.empty(), OURS.open(HOST, sealed(message)));
  }

  @Test
  void noByteMayChangeAndNoneMayBeMissing() {
    byte[] message = sealed(messages().findFirst().orElseThrow()).array();
    for (int i = 0; i < message.length; i++) {
      byte[] changed = message.clone();
      changed[i] ^= 1;
      assertEquals(Optional.empty(), OURS.open(HOST, new Bytes(changed)));
      Bytes shorter = new Bytes(Arrays.copyOf(message, i));
      assertEquals(Optional.empty(), OURS.open(HOST, shorter));
    }
  }

  @Test
  void onlyTheSendersKeyAndOursFit() {
    Bytes message = sealed(messages().findFirst().orElseThrow());
    assertEquals(Optional.empty(), OURS.open(OURS.publicKey(), message));
    Xkey other = Xkey.ofSeed(KEYS.get(1).get("seed").textValue()).orElseThrow();
    assertEquals(Optional.empty(), other.open(HOST, message));
  }

  @Test
  void onlyCurveSeedsAreTaken() {
    assertTrue(Xkey.ofSeed("SUANQDPB2RUOE4ETUA26CNX7FUKE5ZZKFCQIIW63OX225F2CO7UEXTM7ZY").isEmpty());
    assertTrue(Xkey.ofSeed("").isEmpty());
    assertTrue(Xkey.ofSeed(HOST.text()).isEmpty());
  }
}
