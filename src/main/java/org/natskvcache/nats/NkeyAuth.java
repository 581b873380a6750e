package org.natskvcache.nats;

import io.nats.client.AuthHandler;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.store.Bytes;

/**
 * Answers a server's challenge with the JDK's Ed25519, with a user seed alone (nkey) or with the
 * user's JWT too.
 *
 * <p>The client library's own nkey class is not used: it needs BouncyCastle. Safe for use by any
 * thread.
 */
final class NkeyAuth implements AuthHandler {
  private static final int KEY_BYTES = 32;

  private final PrivateKey key;
  private final String publicKey;
  private final @Nullable String jwt;

  private NkeyAuth(PrivateKey key, String publicKey, @Nullable String jwt) {
    this.key = key;
    this.publicKey = publicKey;
    this.jwt = jwt;
  }

  /**
   * Reads a seed.
   *
   * @throws IllegalArgumentException when it is not a user seed; the message does not repeat it
   */
  static NkeyAuth of(String seed, @Nullable String jwt) {
    Nkey.Seed parsed =
        Nkey.parseSeed(seed.strip())
            .filter(it -> it.role() == Nkey.Role.USER)
            .orElseThrow(() -> new IllegalArgumentException("not the seed of a user (SU...)"));
    byte[] raw = parsed.seed().array();
    try {
      PrivateKey key =
          KeyFactory.getInstance("Ed25519")
              .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, raw));
      return new NkeyAuth(
          key,
          new Nkey(Nkey.Role.USER, new Bytes(publicKey(raw))).text(),
          jwt == null ? null : jwt.strip());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no Ed25519", e);
    }
  }

  @Override
  public byte[] sign(byte[] nonce) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(key);
      signature.update(nonce);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot sign the server's challenge", e);
    }
  }

  /** The user's public key, {@code U...}. */
  @Override
  public char[] getID() {
    return publicKey.toCharArray();
  }

  /** The JWT; empty when there is none. */
  @Override
  public char[] getJWT() {
    return jwt == null ? new char[0] : jwt.toCharArray();
  }

  /**
   * The JDK derives a public key only while it generates a pair: so it is given the "random" seed.
   */
  private static byte[] publicKey(byte[] seed) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
    generator.initialize(NamedParameterSpec.ED25519, new FixedBytes(seed));
    var point = ((EdECPublicKey) generator.generateKeyPair().getPublic()).getPoint();
    byte[] bigEndian = point.getY().toByteArray();
    byte[] out = new byte[KEY_BYTES];
    for (int i = 0; i < Math.min(KEY_BYTES, bigEndian.length); i++) {
      out[i] = bigEndian[bigEndian.length - 1 - i];
    }
    if (point.isXOdd()) {
      out[KEY_BYTES - 1] |= (byte) 0x80;
    }
    return out;
  }

  /** A source of "random" bytes that are none. */
  private static final class FixedBytes extends SecureRandom {
    private static final long serialVersionUID = 1;

    private final byte[] bytes;

    FixedBytes(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    @Override
    public void nextBytes(byte[] out) {
      System.arraycopy(bytes, 0, out, 0, out.length);
    }
  }
}
