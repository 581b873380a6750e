package org.natskvcache.replication.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.crdt.OriginId;

/**
 * The frozen bytes of {@code frame-key-vectors.json}, which other implementations are tested with
 * too; and the same bytes once more from nothing but HMAC.
 */
class FrameKeyVectorsTest {
  private static final JsonNode VECTORS = read();

  private static JsonNode read() {
    try (InputStream in =
        FrameKeyVectorsTest.class.getResourceAsStream("/frame-key-vectors.json")) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<JsonNode> all(String section) {
    assertFalse(VECTORS.get(section).isEmpty());
    return StreamSupport.stream(VECTORS.get(section).spliterator(), false);
  }

  private static Stream<JsonNode> keys() {
    return all("keys");
  }

  private static Stream<JsonNode> frames() {
    return all("frames");
  }

  private static byte[] bytes(JsonNode hex) {
    return bytes(hex.asText());
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static @Nullable OriginId receiver(JsonNode vector) {
    return vector.has("receiver") ? FrameJson.origin(vector.get("receiver").asText()) : null;
  }

  private static byte[] bytes(@Nullable OriginId receiver) {
    if (receiver == null) return new byte[0];
    return ByteBuffer.allocate(16).putLong(receiver.high()).putLong(receiver.low()).array();
  }

  private static byte[] hmac(byte[] key, byte[]... parts) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      for (byte[] part : parts) mac.update(part);
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** RFC 5869 in two lines, for at most 32 bytes. */
  private static byte[] hkdf(byte[] key, String info, int bytes) {
    byte[] extracted = hmac(new byte[32], key);
    byte[] expanded = hmac(extracted, info.getBytes(US_ASCII), new byte[] {1});
    return Arrays.copyOf(expanded, bytes);
  }

  @ParameterizedTest
  @MethodSource("keys")
  void secretsAndIdsAreDerived(JsonNode vector) {
    String text = vector.get("key").asText();
    byte[] key = Base64.getUrlDecoder().decode(text);
    for (String use : new String[] {"write", "inspect"}) {
      JsonNode expected = vector.get(use);
      byte[] secret = hkdf(key, "nats-kvcache " + use, 32);
      assertEquals(expected.get("secret").asText(), hex(secret));
      assertEquals(expected.get("id").asText(), hex(hkdf(secret, "nats-kvcache id", 4)));
      FrameKey ours =
          use.equals("write")
              ? ReplicationKey.parse(text).write()
              : ReplicationKey.parse(text).inspect();
      assertEquals(new FrameKey(secret), ours);
      assertEquals(expected.get("id").asText(), ours.toString());
    }
    FrameKeys keys = FrameKeys.replication(text);
    String inspection = vector.get("inspectionKey").asText();
    assertEquals(inspection, keys.inspectionSetting());
    assertEquals(keys.toInspect(), FrameKeys.inspection(inspection));
  }

  private static Seal seal(JsonNode vector) {
    return vector.has("key")
        ? new Seal(
            FrameKeys.Use.valueOf(vector.get("use").asText().toUpperCase(Locale.ROOT)),
            vector.get("key").asInt())
        : Seal.UNKEYED;
  }

  private static FrameSealer sealer(JsonNode vector) {
    String both = String.join(",", keys().map(key -> key.get("key").asText()).toList());
    return FrameKeys.replication(vector.has("key") ? both : "").sealer();
  }

  @ParameterizedTest
  @MethodSource("frames")
  void framesAreSealedAndAccepted(JsonNode vector) {
    Seal seal = seal(vector);
    FrameSealer sealer = sealer(vector);
    byte[] plain = bytes(vector.get("frame"));
    byte[] frame = Arrays.copyOf(plain, plain.length + seal.trailerBytes());
    Channel channel = Channel.valueOf(vector.get("channel").asText());
    assertEquals(vector.get("code").asInt(), channel.code());
    sealer.seal(frame, seal, channel, receiver(vector));
    assertEquals(vector.get("sealed").asText(), hex(frame));
    assertEquals(
        new FrameSealer.Verdict.Accepted(seal),
        sealer.check(frame, frame.length, channel, receiver(vector)));
  }

  @ParameterizedTest
  @MethodSource("frames")
  void sealsAreWhatHmacSays(JsonNode vector) {
    if (!vector.has("key")) return;
    JsonNode key = VECTORS.get("keys").get(vector.get("key").asInt());
    JsonNode derived = key.get(vector.get("use").asText());
    var frame = new ByteArrayOutputStream();
    frame.writeBytes(bytes(vector.get("frame")));
    frame.writeBytes(bytes(derived.get("id")));
    byte[] signed = frame.toByteArray();
    signed[4] |= (byte) 128;
    byte[] channel = {(byte) vector.get("code").asInt()};
    byte[] mac = hmac(bytes(derived.get("secret")), signed, channel, bytes(receiver(vector)));
    assertEquals(vector.get("sealed").asText(), hex(signed) + hex(Arrays.copyOf(mac, 16)));
  }

  @Test
  void everyChannelAndUseHasAVector() {
    var channels = EnumSet.noneOf(Channel.class);
    var uses = new TreeSet<String>();
    frames()
        .forEach(vector -> {
          channels.add(Channel.valueOf(vector.get("channel").asText()));
          uses.add(vector.path("use").asText("unkeyed"));
        });
    assertEquals(EnumSet.allOf(Channel.class), channels);
    assertEquals("[inspect, unkeyed, write]", uses.toString());
  }

  /** RFC 5869, appendix A, test case 1: what we ask the JDK for is what the RFC means. */
  @Test
  void hkdfIsThatOfTheRfc() throws GeneralSecurityException {
    byte[] derived =
        KDF.getInstance("HKDF-SHA256")
            .deriveData(
                HKDFParameterSpec.ofExtract()
                    .addIKM(bytes("0b".repeat(22)))
                    .addSalt(bytes("000102030405060708090a0b0c"))
                    .thenExpand(bytes("f0f1f2f3f4f5f6f7f8f9"), 42));
    assertEquals(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        hex(derived));
  }

  /** RFC 5869, appendix A, test case 3: neither salt nor info. */
  @Test
  void withoutASaltToo() {
    assertEquals(
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        hex(FrameKey.derived(bytes("0b".repeat(22)), "", 42)));
  }
}
