package org.natskvcache.rpc.wasmbus;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.store.Bytes;

/**
 * A host's side of a call: signs invocations of one actor and reads responses. May be used by
 * several threads. Keeps nothing but its keys and a number for ids.
 */
public final class SigningCaller {
  public static final String CONTRACT = "wasmcloud:keyvalue";

  private static final String HEADER =
      base64("{\"typ\":\"jwt\",\"alg\":\"Ed25519\"}".getBytes(StandardCharsets.US_ASCII));

  private final String issuer;
  private final PrivateKey key;
  private final Entity origin;
  private final Entity target;
  private final AtomicLong ids = new AtomicLong();

  /**
   * A caller.
   *
   * @param clusterSeed signs the claims, {@code SC...}
   * @param actorKey the actor that calls, {@code M...}
   * @param providerKey who is called, {@code V...}
   */
  public SigningCaller(String clusterSeed, String actorKey, String providerKey, String linkName) {
    byte[] seed = Nkey.parseSeed(clusterSeed).orElseThrow().seed().array();
    this.key = privateKey(seed);
    this.issuer = publicKeyText(seed);
    this.origin = new Entity(actorKey, "", "");
    this.target = new Entity(providerKey, linkName, CONTRACT);
  }

  /** A caller made of the fixture keys of the vectors. */
  public static SigningCaller ofFixture() {
    return new SigningCaller(
        Vectors.key("cluster_seed"),
        Vectors.key("actor_public"),
        Vectors.key("provider_public"),
        "default");
  }

  public String actor() {
    return origin.publicKey();
  }

  /** The cluster's public key. */
  public String issuer() {
    return issuer;
  }

  /** A signed invocation as bytes, such as {@code ("KeyValue.Get", text("key"))}. */
  public byte[] invocation(String operation, byte[] msg) {
    return encode(signed(operation, msg));
  }

  /** A signed invocation that a test may bend before it encodes it. */
  public Invocation signed(String operation, byte[] msg) {
    return signed(operation, msg, "");
  }

  /** The same with more members in the claims, such as {@code "exp":1,}. */
  public Invocation signed(String operation, byte[] msg, String moreClaims) {
    String id = "00000000-0000-4000-8000-" + String.format("%012x", ids.incrementAndGet());
    var unsigned =
        new Invocation(origin, target, operation, new Bytes(msg), id, "", issuer, msg.length);
    return withClaims(unsigned, token(payload(unsigned, moreClaims)));
  }

  /** The payload of the claims that belong to an invocation. */
  public String payload(Invocation call, String more) {
    return "{\"jti\":\"KvCall0000000000000001\",\"iat\":1700000000,\"iss\":\""
        + issuer
        + "\",\"sub\":\""
        + call.id()
        + "\","
        + more
        + "\"wascap\":{\"target_url\":\""
        + call.target().url(call.operation())
        + "\",\"origin_url\":\""
        + call.origin().url()
        + "\",\"hash\":\""
        + call.hash()
        + "\"},\"wascap_revision\":3}";
  }

  /** A token over any payload, signed by this caller's cluster key. */
  public String token(String payload) {
    String signed = HEADER + '.' + base64(payload.getBytes(StandardCharsets.UTF_8));
    return signed + '.' + base64(sign(signed.getBytes(StandardCharsets.US_ASCII)));
  }

  public static Invocation withClaims(Invocation call, String token) {
    return new Invocation(
        call.origin(),
        call.target(),
        call.operation(),
        call.msg(),
        call.id(),
        token,
        call.hostId(),
        call.contentLength());
  }

  /** What a host sends when it has left the body in the object store. */
  public static Invocation withoutBody(Invocation call) {
    return new Invocation(
        call.origin(),
        call.target(),
        call.operation(),
        Bytes.EMPTY,
        call.id(),
        call.encodedClaims(),
        call.hostId(),
        call.contentLength());
  }

  public static byte[] encode(Invocation call) {
    return call.encode();
  }

  // Arguments, as actors encode them.

  public static byte[] text(String value) {
    return new MessagePackWriter(value.length() + 3).text(value).toByteArray();
  }

  public static byte[] texts(String... values) {
    var out = new MessagePackWriter(64).arrayHeader(values.length);
    for (String value : values) out.text(value);
    return out.toByteArray();
  }

  /** A struct: names and values in turn, values texts or integers. */
  public static byte[] struct(Object... namesAndValues) {
    var out = new MessagePackWriter(64).mapHeader(namesAndValues.length / 2);
    for (int i = 0; i < namesAndValues.length; i += 2) {
      out.text((String) namesAndValues[i]);
      if (namesAndValues[i + 1] instanceof Number number) out.integer(number.longValue());
      else out.text((String) namesAndValues[i + 1]);
    }
    return out.toByteArray();
  }

  /**
   * A response as a Rust host reads it, the strictest of them.
   *
   * @param error empty for success
   */
  public record Response(String invocationId, byte[] msg, String error, long contentLength) {
    public static Response decode(byte[] payload) throws MessagePackException {
      var response = InvocationResponse.decode(payload);
      return new Response(
          response.invocationId(),
          response.msg().array(),
          Objects.requireNonNullElse(response.error(), ""),
          response.contentLength());
    }
  }

  private byte[] sign(byte[] bytes) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(key);
      signature.update(bytes);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static PrivateKey privateKey(byte[] seed) {
    try {
      return KeyFactory.getInstance("Ed25519")
          .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String publicKeyText(byte[] seed) {
    try {
      // the JDK derives a public key only while it makes a pair, from the "random" bytes it is
      // given
      var generator = KeyPairGenerator.getInstance("Ed25519");
      generator.initialize(NamedParameterSpec.ED25519, new GivenBytes(seed));
      var pair = generator.generateKeyPair();
      byte[] encoded = pair.getPublic().getEncoded();
      if (!Arrays.equals(seed, ((EdECPrivateKey) pair.getPrivate()).getBytes().orElseThrow())) {
        throw new IllegalStateException("another key pair than the seed's");
      }
      byte[] raw = Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
      return new Nkey(Nkey.Role.CLUSTER, new Bytes(raw)).text();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static final class GivenBytes extends SecureRandom {
    private static final long serialVersionUID = 1;
    private final byte[] seed;

    GivenBytes(byte[] seed) {
      this.seed = seed.clone();
    }

    @Override
    public void nextBytes(byte[] bytes) {
      System.arraycopy(seed, 0, bytes, 0, bytes.length);
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
