package org.natskvcache.replication.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A secret that signs frames, and the id by which a frame names it. The id is derived from the
 * secret, so it tells nothing of it. Prints the id only.
 */
final class FrameKey {
  private static final String MAC = "HmacSHA256";

  private final byte[] secret;
  private final int id;

  /** A key of these 32 bytes, which are given away. */
  FrameKey(byte[] secret) {
    this.secret = secret;
    byte[] id = derived(secret, "nats-kvcache id", 4);
    this.id = (id[0] & 0xff) << 24 | (id[1] & 0xff) << 16 | (id[2] & 0xff) << 8 | id[3] & 0xff;
  }

  /** HKDF-SHA-256 of RFC 5869: extract with no salt, then expand to a number of bytes. */
  static byte[] derived(byte[] key, String info, int bytes) {
    try {
      return KDF.getInstance("HKDF-SHA256")
          .deriveData(
              HKDFParameterSpec.ofExtract().addIKM(key).thenExpand(info.getBytes(US_ASCII), bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no HKDF-SHA256", e);
    }
  }

  int id() {
    return id;
  }

  /** A new signer with this key, for one thread. */
  Mac mac() {
    try {
      Mac mac = Mac.getInstance(MAC);
      mac.init(new SecretKeySpec(secret, MAC));
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no HmacSHA256", e);
    }
  }

  /** The secret itself: never to be logged. */
  String text() {
    return ReplicationKey.of(secret).text();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FrameKey that
        && id == that.id
        && MessageDigest.isEqual(secret, that.secret);
  }

  @Override
  public int hashCode() {
    return id;
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(id);
  }
}
