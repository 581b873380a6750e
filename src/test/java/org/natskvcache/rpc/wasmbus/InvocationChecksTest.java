package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wasmbus.Refusal.Check;
import org.natskvcache.store.Bytes;

class InvocationChecksTest {
  private static final long NOW = 1_700_000_100;

  private final SigningCaller caller = SigningCaller.ofFixture();
  private final InvocationChecks checks =
      new InvocationChecks(Set.of(Vectors.key("cluster_public")), Vectors.key("provider_public"));

  static Stream<Arguments> vectors() {
    return Vectors.startingWith("invocation.").stream()
        .map(v -> Arguments.of(v.get("id").textValue(), v));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("vectors")
  void vectorsAreAcceptedOrFailAtTheExpectedCheck(String id, JsonNode vector) throws Exception {
    Refusal refusal = checks.refusal(Invocation.decode(Vectors.bytes(vector)), NOW, true);
    if (vector.has("expected_first_failure")) {
      assertEquals(expected(vector.get("expected_first_failure").textValue()), refusal.check());
    } else {
      assertNull(refusal);
    }
  }

  private static Check expected(String name) {
    return switch (name) {
      case "jwt-format" -> Check.CLAIMS_FORMAT;
      case "expired" -> Check.EXPIRED;
      case "signature" -> Check.SIGNATURE;
      case "not-before" -> Check.NOT_BEFORE;
      case "hash" -> Check.HASH;
      case "host_id" -> Check.HOST_ID;
      case "issuer" -> Check.ISSUER;
      case "target" -> Check.TARGET;
      default -> throw new IllegalArgumentException(name);
    };
  }

  @Test
  void goldenTokenVerifies() {
    String token = Vectors.section("nkey_signature_check").get("jwt").textValue();
    assertEquals(Vectors.key("cluster_public"), Claims.parse(token).orElseThrow().issuer());
  }

  @Test
  void callerSignsLikeAHost() throws Exception {
    assertEquals(Vectors.key("cluster_public"), caller.issuer());
    Invocation call = Invocation.decode(Vectors.bytes("invocation.otp-0.53+"));
    String payload =
        new String(
            Base64.getUrlDecoder().decode(call.encodedClaims().split("\\.")[1]),
            StandardCharsets.UTF_8);
    assertEquals(call.encodedClaims(), caller.token(payload));
  }

  @Test
  void signedCallIsAccepted() throws Exception {
    byte[] bytes = caller.invocation("KeyValue.Get", SigningCaller.text("k"));
    assertNull(checks.refusal(Invocation.decode(bytes), NOW, true));
  }

  @Test
  void unlinkedActorIsNamed() {
    Refusal refusal = checks.refusal(call(), NOW, false);
    assertEquals(new Refusal(Check.LINK, "unlinked actor: '" + caller.actor() + "'"), refusal);
  }

  @Test
  void noIssuersRefuseEverything() {
    var none = new InvocationChecks(Set.of(), Vectors.key("provider_public"));
    assertEquals(Check.ISSUER, none.refusal(call(), NOW, true).check());
  }

  @Test
  void expiryAndStartAreComparedWithTheGivenTime() {
    Invocation timed =
        caller.signed("KeyValue.Get", SigningCaller.text("k"), "\"exp\":2000,\"nbf\":1000,");
    assertNull(checks.refusal(timed, 2000, true));
    assertEquals(Check.EXPIRED, checks.refusal(timed, 2001, true).check());
    assertNull(checks.refusal(timed, 1000 - InvocationChecks.CLOCK_SKEW_SECONDS, true));
    assertEquals(
        Check.NOT_BEFORE,
        checks.refusal(timed, 999 - InvocationChecks.CLOCK_SKEW_SECONDS, true).check());
  }

  @Test
  void nullTimesAreNone() {
    assertNull(
        checks.refusal(
            caller.signed("KeyValue.Get", new byte[0], "\"exp\":null,\"nbf\":null,"), NOW, true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"exp\":\"soon\",",
        "\"exp\":1.5,",
        "\"nbf\":[],",
        "\"exp\":99999999999999999999,"
      })
  void timesThatMakeNoSenseAreNoClaims(String claim) {
    assertEquals(
        Check.CLAIMS_FORMAT,
        checks.refusal(caller.signed("KeyValue.Get", new byte[0], claim), NOW, true).check());
  }

  @Test
  void anotherTokenOfTheSameClusterCoversOnlyItsOwnCall() {
    Invocation other = caller.signed("KeyValue.Get", SigningCaller.text("other"));
    assertEquals(
        Check.HASH,
        checks.refusal(SigningCaller.withClaims(call(), other.encodedClaims()), NOW, true).check());
  }

  @Test
  void tokenWithoutHashIsRefused() {
    String payload = "{\"iss\":\"" + caller.issuer() + "\",\"sub\":\"id\"}";
    Refusal refusal =
        checks.refusal(SigningCaller.withClaims(call(), caller.token(payload)), NOW, true);
    assertEquals(Check.HASH, refusal.check());
  }

  @Test
  void urlsMustMatchEvenWhenTheHashDoes() {
    Invocation call = call();
    String other = Vectors.key("outside_cluster_public");
    for (String member : List.of("target_url", "origin_url")) {
      String payload =
          caller
              .payload(call, "")
              .replaceAll("\"" + member + "\":\"[^\"]*\"", "\"" + member + "\":\"" + other + "\"");
      Refusal refusal =
          checks.refusal(SigningCaller.withClaims(call, caller.token(payload)), NOW, true);
      assertEquals(
          member.equals("target_url") ? Check.TARGET_URL : Check.ORIGIN_URL, refusal.check());
    }
  }

  @Test
  void everyFlippedBitOfASignatureIsNoticed() {
    Invocation call = call();
    String token = call.encodedClaims();
    String signed = token.substring(0, token.lastIndexOf('.') + 1);
    byte[] signature = Base64.getUrlDecoder().decode(token.substring(signed.length()));
    for (int i = 0; i < signature.length; i++) {
      signature[i] ^= 4;
      String bent = signed + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
      assertNotNull(checks.refusal(SigningCaller.withClaims(call, bent), NOW, true), "byte " + i);
      signature[i] ^= 4;
    }
  }

  @Test
  void signaturesOfOtherLengthsAreInvalid() {
    Invocation call = call();
    String signed = call.encodedClaims().substring(0, call.encodedClaims().lastIndexOf('.') + 1);
    for (int length : new int[] {0, 1, 63, 65, 100}) {
      String bent =
          signed + Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[length]);
      assertEquals(
          Check.SIGNATURE, checks.refusal(SigningCaller.withClaims(call, bent), NOW, true).check());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "!.!.!", "=.=.="})
  void otherTextIsNoToken(String token) {
    assertEquals(
        Check.CLAIMS_FORMAT,
        checks.refusal(SigningCaller.withClaims(call(), token), NOW, true).check());
  }

  @Test
  void headerPaddingAndIssuerMustBeExact() {
    Invocation call = call();
    String[] parts = call.encodedClaims().split("\\.");
    String nats = encoded("{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}");
    for (String token :
        List.of(
            nats + "." + parts[1] + "." + parts[2],
            parts[0] + "." + parts[1] + "." + parts[2] + "=",
            parts[0] + "." + encoded("[]") + "." + parts[2],
            parts[0] + "." + encoded("") + "." + parts[2],
            parts[0] + "." + encoded("[".repeat(5000)) + "." + parts[2],
            caller.token("{\"iss\":\"nobody\",\"sub\":\"id\"}"),
            caller.token("{\"iss\":\"" + caller.issuer() + "\"}"),
            caller.token("{\"sub\":\"id\"}"))) {
      assertEquals(
          Check.CLAIMS_FORMAT,
          checks.refusal(SigningCaller.withClaims(call, token), NOW, true).check(),
          token);
    }
  }

  @Test
  void issuerKeyThatIsNoPointOfTheCurveIsAnInvalidSignature() {
    byte[] raw = new byte[32];
    Arrays.fill(raw, (byte) 0xff);
    String issuer = new Nkey(Nkey.Role.CLUSTER, new Bytes(raw)).text();
    String token = caller.token("{\"iss\":\"" + issuer + "\",\"sub\":\"id\"}");
    assertEquals(
        Check.SIGNATURE,
        checks.refusal(SigningCaller.withClaims(call(), token), NOW, true).check());
  }

  /** What a caller must prove before its body is fetched, and what it must prove then. */
  @Test
  void hashOfABodyElsewhereIsCheckedWhenItIsThere() throws Exception {
    Invocation chunked = Invocation.decode(Vectors.bytes("invocation.chunked"));
    assertEquals(Check.LINK, checks.refusal(chunked, NOW, false).check());
    assertNull(checks.refusal(chunked, NOW, true));
    byte[] body = SigningCaller.struct("key", "big", "value", "x".repeat(1_000_000), "expires", 0);
    assertEquals(chunked.contentLength(), body.length);
    assertNull(checks.refusal(chunked.withBody(new Bytes(body)), NOW, true));
    body[20]++;
    assertEquals(Check.HASH, checks.refusal(chunked.withBody(new Bytes(body)), NOW, true).check());
  }

  @Test
  void hostIdNeedsOnlyTheShapeOfAKey() {
    for (String host : List.of("N", "NXXX", "C".repeat(56), "x".repeat(56))) {
      assertNull(checks.refusal(withHost(call(), host), NOW, true), host);
    }
    for (String host : List.of("", "C", "x".repeat(55), "x".repeat(57))) {
      assertEquals(Check.HOST_ID, checks.refusal(withHost(call(), host), NOW, true).check(), host);
    }
  }

  @Test
  void refusalsHoldNoPartOfTheToken() {
    Invocation call = call();
    Refusal refusal = checks.refusal(withHost(call, "x"), NOW, true);
    assertFalse(refusal.toString().contains(call.encodedClaims()));
  }

  private Invocation call() {
    return caller.signed("KeyValue.Get", SigningCaller.text("k"));
  }

  private static Invocation withHost(Invocation call, String host) {
    return new Invocation(
        call.origin(),
        call.target(),
        call.operation(),
        call.msg(),
        call.id(),
        call.encodedClaims(),
        host,
        call.contentLength());
  }

  private static String encoded(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
