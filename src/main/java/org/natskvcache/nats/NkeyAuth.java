package org.natskvcache.nats;

import io.nats.client.AuthHandler;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Answers a server's challenge with the JDK's Ed25519, with a user seed alone (nkey) or with the
 * user's JWT too.
 *
 * <p>A seed is base 32 (RFC 4648, no padding) of: 5 bits "seed" and 5 bits "user", then 6 zero
 * bits; 32 bytes of Ed25519 seed; a CRC-16/XMODEM of all before, low byte first
 * (github.com/nats-io/nkeys, strkey.go at v0.4.7). The client library's own nkey class is not used:
 * it needs BouncyCastle. Safe for use by any thread.
 */
final class NkeyAuth implements AuthHandler {
  private static final String BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final int SEED_PREFIX = 18 << 3;
  private static final int USER_PREFIX = 20 << 3;
  private static final int KEY_BYTES = 32;
  private static final int SEED_CHARS = 58;

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
    byte[] decoded = decode(seed.strip());
    byte[] raw = Arrays.copyOfRange(decoded, 2, 2 + KEY_BYTES);
    try {
      PrivateKey key =
          KeyFactory.getInstance("Ed25519")
              .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, raw));
      return new NkeyAuth(key, encodePublic(publicKey(raw)), jwt == null ? null : jwt.strip());
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

  private static byte[] decode(String seed) {
    if (seed.length() != SEED_CHARS) {
      throw new IllegalArgumentException("not an nkey seed: wrong length");
    }
    byte[] out = new byte[SEED_CHARS * 5 / 8];
    int bits = 0;
    int held = 0;
    int at = 0;
    for (int i = 0; i < seed.length(); i++) {
      int digit = BASE32.indexOf(seed.charAt(i));
      if (digit < 0) {
        throw new IllegalArgumentException("not an nkey seed: not base 32");
      }
      bits = bits << 5 | digit;
      held += 5;
      if (held >= 8) {
        held -= 8;
        out[at++] = (byte) (bits >> held);
      }
    }
    if ((bits & (1 << held) - 1) != 0) {
      throw new IllegalArgumentException("not an nkey seed: more than its bytes");
    }
    int sum = (out[at - 2] & 0xff) | (out[at - 1] & 0xff) << 8;
    if (sum != crc16(out, at - 2)) {
      throw new IllegalArgumentException("not an nkey seed: checksum does not match");
    }
    int prefix = out[0] & 0xf8;
    int type = (out[0] & 0x07) << 5 | (out[1] & 0xf8) >> 3;
    if (prefix != SEED_PREFIX || type != USER_PREFIX) {
      throw new IllegalArgumentException("not the seed of a user (SU...)");
    }
    return out;
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

  private static String encodePublic(byte[] key) {
    byte[] all = new byte[1 + KEY_BYTES + 2];
    all[0] = (byte) USER_PREFIX;
    System.arraycopy(key, 0, all, 1, KEY_BYTES);
    int sum = crc16(all, 1 + KEY_BYTES);
    all[1 + KEY_BYTES] = (byte) sum;
    all[2 + KEY_BYTES] = (byte) (sum >> 8);
    byte[] out = new byte[all.length * 8 / 5];
    for (int i = 0; i < out.length; i++) {
      int bit = i * 5;
      int pair =
          (all[bit / 8] & 0xff) << 8 | (bit / 8 + 1 < all.length ? all[bit / 8 + 1] & 0xff : 0);
      out[i] = (byte) BASE32.charAt(pair >> (11 - bit % 8) & 31);
    }
    return new String(out, StandardCharsets.US_ASCII);
  }

  private static int crc16(byte[] bytes, int length) {
    int crc = 0;
    for (int i = 0; i < length; i++) {
      crc ^= (bytes[i] & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) == 0 ? crc << 1 : crc << 1 ^ 0x1021;
      }
    }
    return crc & 0xffff;
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
