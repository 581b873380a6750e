package org.natskvcache.provider;

import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * Public nkeys: 32 bytes of an Ed25519 public key with a kind before and a checksum behind, in base 32
 * (https://github.com/nats-io/nkeys).
 *
 * <pre>
 *  0      1                    33            35
 *  +------+---------------------+-------------+
 *  | kind | Ed25519 public key  | CRC-16, LE  |   56 characters of RFC 4648 base 32, no padding
 *  +------+---------------------+-------------+
 * </pre>
 */
public final class Nkey {
  private static final String BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final int CHARS = 56;
  private static final int BYTES = 35;

  private Nkey() {}

  /**
   * The public half of a new key pair; the private half is thrown away, since a provider signs nothing.
   *
   * @param kind the letter it is to begin with, such as {@code V} for a provider
   */
  public static String newPublic(char kind) {
    try {
      byte[] encoded = KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPublic().getEncoded();
      byte[] key = Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length); // X.509 ends with the raw key
      return encode(kind, key);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime lacks Ed25519", e);
    }
  }

  /** Whether {@code text} is a well-formed public key that begins with {@code kind}; its checksum is compared. */
  public static boolean isPublic(char kind, String text) {
    if (text.length() != CHARS || text.charAt(0) != kind) return false;
    byte[] raw = new byte[BYTES];
    for (int i = 0; i < CHARS; i++) {
      int value = BASE32.indexOf(text.charAt(i));
      if (value < 0) return false;
      for (int bit = 0; bit < 5; bit++) {
        if ((value >> (4 - bit) & 1) != 0) raw[(i * 5 + bit) / 8] |= (byte) (0x80 >> (i * 5 + bit) % 8);
      }
    }
    // the low three bits of the first byte are free in the text but zero in every real key
    return raw[0] == (byte) (BASE32.indexOf(kind) << 3)
        && crc16(raw, BYTES - 2) == ((raw[33] & 0xff) | (raw[34] & 0xff) << 8);
  }

  static String encode(char kind, byte[] key) {
    byte[] raw = new byte[BYTES];
    raw[0] = (byte) (BASE32.indexOf(kind) << 3);
    System.arraycopy(key, 0, raw, 1, 32);
    int crc = crc16(raw, BYTES - 2);
    raw[33] = (byte) crc;
    raw[34] = (byte) (crc >> 8);
    StringBuilder text = new StringBuilder(CHARS);
    for (int i = 0; i < CHARS; i++) {
      int value = 0;
      for (int bit = i * 5; bit < i * 5 + 5; bit++) {
        value = value << 1 | raw[bit / 8] >> (7 - bit % 8) & 1;
      }
      text.append(BASE32.charAt(value));
    }
    return text.toString();
  }

  /** CRC-16/XMODEM: polynomial 0x1021, initially 0. */
  private static int crc16(byte[] bytes, int length) {
    int crc = 0;
    for (int i = 0; i < length; i++) {
      crc ^= (bytes[i] & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
      }
    }
    return crc;
  }
}
