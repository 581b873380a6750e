package org.natskvcache.rpc.wasmbus;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.bouncycastle.math.ec.rfc8032.Ed25519.PublicPoint;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.Texts;
import org.natskvcache.rpc.wasmbus.Refusal.Check;

/**
 * Decides whether an invocation may be carried out: the eleven checks of wasmbus-rpc 0.5.1 and
 * later, in its order. A call whose body lies in the object store skips the hash, which covers that
 * body: it is checked again when the body is there. May be used by several threads.
 *
 * <p>Every token's signature is verified, by BouncyCastle, which needs a seventh of the JDK's time
 * for it (86 against 620 microseconds); only the cluster's decoded keys are kept. A captured
 * invocation can be replayed, as with the reference: nothing in the contract makes an id be used
 * once.
 */
public final class InvocationChecks {
  /** How far a caller's clock may be ahead of ours, seconds. */
  public static final long CLOCK_SKEW_SECONDS = 5;

  private static final int NKEY_CHARS = 56;

  private final Map<String, PublicPoint> clusterKeys = new HashMap<>();
  private final Set<String> clusterIssuers;
  private final String providerKey;

  /**
   * Checks for one provider.
   *
   * @param clusterIssuers public keys that may sign invocations; none refuses every call
   * @param providerKey our public key
   */
  public InvocationChecks(Set<String> clusterIssuers, String providerKey) {
    this.clusterIssuers = Set.copyOf(clusterIssuers);
    this.providerKey = providerKey;
    for (String issuer : clusterIssuers) {
      Nkey.parse(issuer)
          .map(InvocationChecks::point)
          .ifPresent(key -> clusterKeys.put(issuer, key));
    }
  }

  /** Computes what the first verification would have to; takes some tens of milliseconds. */
  public static void prepare() {
    Ed25519.precompute();
  }

  /**
   * Makes all checks.
   *
   * @param nowSeconds since 1970
   * @param linked whether the origin is linked to us now
   * @return the first check that fails; null when the call may go on, or its body be fetched
   */
  public @Nullable Refusal refusal(Invocation invocation, long nowSeconds, boolean linked) {
    Optional<Claims> parsed = Claims.parse(invocation.encodedClaims());
    if (parsed.isEmpty()) {
      return new Refusal(Check.CLAIMS_FORMAT, "Invocation claims are not a valid token");
    }
    Claims claims = parsed.get();
    Refusal refusal = tokenRefusal(claims, nowSeconds);
    if (refusal == null) {
      refusal = coverageRefusal(claims, invocation);
    }
    if (refusal == null) {
      refusal = admissionRefusal(claims, invocation, linked);
    }
    return refusal;
  }

  /** Checks 1 to 4: the token by itself. */
  private @Nullable Refusal tokenRefusal(Claims claims, long nowSeconds) {
    if (claims.expiresSeconds() != null && claims.expiresSeconds() < nowSeconds) {
      return new Refusal(Check.EXPIRED, "Invocation claims token expired");
    }
    if (!signatureHolds(claims)) {
      return new Refusal(Check.SIGNATURE, "Invocation claims signature invalid");
    }
    if (claims.notBeforeSeconds() != null
        && claims.notBeforeSeconds() > nowSeconds + CLOCK_SKEW_SECONDS) {
      return new Refusal(Check.NOT_BEFORE, "Attempt to use invocation before claims token allows");
    }
    return null;
  }

  /** Checks 5 to 8: the token is about this invocation. */
  private static @Nullable Refusal coverageRefusal(Claims claims, Invocation invocation) {
    Claims.OfInvocation signed = claims.invocation();
    if (signed == null) {
      return new Refusal(Check.HASH, "Invocation claims hold no invocation hash");
    }
    if (!invocation.bodyElsewhere() && !signed.hash().equals(invocation.hash())) {
      return new Refusal(Check.HASH, "Invocation hash does not match signed claims hash");
    }
    if (!invocation.hostId().startsWith("N") && invocation.hostId().length() != NKEY_CHARS) {
      return new Refusal(Check.HOST_ID, "Invocation host id is not a public key");
    }
    if (!signed.targetUrl().equals(invocation.target().url(invocation.operation()))) {
      return new Refusal(
          Check.TARGET_URL, "Invocation claims and invocation target URL do not match");
    }
    if (!signed.originUrl().equals(invocation.origin().url())) {
      return new Refusal(
          Check.ORIGIN_URL, "Invocation claims and invocation origin URL do not match");
    }
    return null;
  }

  /** Checks 9 to 11: the parties are known. */
  private @Nullable Refusal admissionRefusal(Claims claims, Invocation invocation, boolean linked) {
    if (!clusterIssuers.contains(claims.issuer())) {
      return new Refusal(
          Check.ISSUER, "Issuer of this invocation is not in list of cluster issuers");
    }
    if (!invocation.target().publicKey().equals(providerKey)) {
      return new Refusal(Check.TARGET, "Invocation target is not this provider");
    }
    if (!linked) {
      return new Refusal(
          Check.LINK, "unlinked actor: '" + Texts.shortened(invocation.origin().publicKey()) + "'");
    }
    return null;
  }

  private boolean signatureHolds(Claims claims) {
    byte[] signature = claims.signature().array();
    byte[] signed = claims.signed().array();
    PublicPoint key = clusterKeys.get(claims.issuer());
    if (key == null) key = point(claims.issuerKey());
    return key != null
        && signature.length == Ed25519.SIGNATURE_SIZE
        && Ed25519.verify(signature, 0, key, signed, 0, signed.length);
  }

  /** The point a public key encodes; null when it is none of the curve. */
  private static @Nullable PublicPoint point(Nkey nkey) {
    return Ed25519.validatePublicKeyPartialExport(nkey.key().array(), 0);
  }
}
