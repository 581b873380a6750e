package org.natskvcache.rpc.wasmbus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.store.Bytes;

/**
 * What the JWT of an invocation says, before anybody believed it. Its three parts are base64url
 * without padding; the header is exactly {@code {"typ":"jwt","alg":"Ed25519"}}. Source:
 * wasmCloud/wascap.
 *
 * @param issuer text form of the signer's public key
 * @param issuerKey the same, decoded
 * @param expiresSeconds since 1970; null when it never does
 * @param notBeforeSeconds since 1970; null when valid from the start
 * @param invocation what is signed about the call; null when the token is about something else
 * @param signed the bytes the signature covers
 * @param signature 64 bytes, if well made
 */
record Claims(
    String issuer,
    Nkey issuerKey,
    @Nullable Long expiresSeconds,
    @Nullable Long notBeforeSeconds,
    @Nullable OfInvocation invocation,
    Bytes signed,
    Bytes signature) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The member {@code wascap}. */
  record OfInvocation(String targetUrl, String originUrl, String hash) {}

  /** Reads a token; empty when it is not one. */
  static Optional<Claims> parse(String token) {
    int first = token.indexOf('.');
    int second = token.indexOf('.', first + 1);
    if (first < 0 || second < 0 || token.indexOf('.', second + 1) >= 0 || token.indexOf('=') >= 0) {
      return Optional.empty();
    }
    try {
      JsonNode header = json(token.substring(0, first));
      if (!"jwt".equals(header.path("typ").textValue())
          || !"Ed25519".equals(header.path("alg").textValue())) {
        return Optional.empty();
      }
      byte[] signed = token.substring(0, second).getBytes(StandardCharsets.UTF_8);
      byte[] signature = Base64.getUrlDecoder().decode(token.substring(second + 1));
      return of(json(token.substring(first + 1, second)), new Bytes(signed), new Bytes(signature));
    } catch (IOException | IllegalArgumentException malformed) {
      return Optional.empty(); // the answer, not a fault
    }
  }

  private static Optional<Claims> of(JsonNode payload, Bytes signed, Bytes signature) {
    String issuer = text(payload, "iss");
    Optional<Nkey> key = Nkey.parse(issuer);
    boolean timesMakeSense = isTime(payload.path("exp")) && isTime(payload.path("nbf"));
    if (key.isEmpty() || text(payload, "sub").isEmpty() || !timesMakeSense) {
      return Optional.empty();
    }
    JsonNode about = payload.path("wascap");
    OfInvocation invocation =
        about.isObject()
            ? new OfInvocation(
                text(about, "target_url"), text(about, "origin_url"), text(about, "hash"))
            : null;
    return Optional.of(
        new Claims(
            issuer,
            key.get(),
            time(payload.path("exp")),
            time(payload.path("nbf")),
            invocation,
            signed,
            signature));
  }

  private static JsonNode json(String part) throws JsonProcessingException, IOException {
    JsonNode node = JSON.readTree(Base64.getUrlDecoder().decode(part));
    return node == null ? JSON.missingNode() : node;
  }

  private static String text(JsonNode object, String member) {
    return object.path(member).asText("");
  }

  private static boolean isTime(JsonNode node) {
    return node.isMissingNode()
        || node.isNull()
        || node.isIntegralNumber() && node.canConvertToLong();
  }

  private static @Nullable Long time(JsonNode node) {
    return node.isIntegralNumber() ? node.longValue() : null;
  }
}
