package org.natskvcache.rpc;

import java.io.ByteArrayOutputStream;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import org.natskvcache.store.Bytes;

/**
 * A public key in the text form NATS and wasmCloud use: base32 (RFC 4648, no padding) of a prefix
 * byte, 32 key bytes and a CRC-16/XMODEM of those 33 bytes, low byte first. The first letter of the
 * text tells the role. Source: nats-io/nkeys, {@code strkey.go}.
 *
 * <pre>
 *   public key: | prefix | 32 bytes Ed25519 key |              crc lo | crc hi |
 *   seed:       | 0x90 + prefix's high 3 bits | prefix's low 5 bits shl 3 | 32 bytes seed | crc lo | crc hi |
 * </pre>
 *
 * @param role whom the key names
 * @param key the 32 raw bytes
 */
public record Nkey(Role role, Bytes key) {
  private static final int KEY_BYTES = 32;
  private static final int SEED_PREFIX = 18 << 3;
  private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

  /** Whom a key names; the constant's letter begins the text. */
  public enum Role {
    ACCOUNT('A'),
    CLUSTER('C'),
    SERVER('N'),
    MODULE('M'),
    OPERATOR('O'),
    USER('U'),
    SERVICE('V'),
    CURVE('X');

    private final char letter;
    private final int prefix;

    Role(char letter) {
      this.letter = letter;
      this.prefix = ALPHABET.indexOf(letter) << 3;
    }

    /** The first letter of a public key's text; the second of a seed's, after {@code S}. */
    public char letter() {
      return letter;
    }

    private static Optional<Role> of(int prefix) {
      for (Role role : values()) {
        if (role.prefix == prefix) {
          return Optional.of(role);
        }
      }
      return Optional.empty();
    }
  }

  /**
   * A private seed. Prints without it.
   *
   * @param role whom the key pair names
   * @param seed the 32 raw bytes of an Ed25519 private key
   */
  public record Seed(Role role, Bytes seed) {
    /** The text form, {@code S...}: a secret. */
    public String text() {
      byte[] raw = new byte[2 + KEY_BYTES + 2];
      raw[0] = (byte) (SEED_PREFIX | role.prefix >> 5);
      raw[1] = (byte) (role.prefix << 3);
      System.arraycopy(seed.array(), 0, raw, 2, KEY_BYTES);
      return checksummed(raw);
    }

    @Override
    public String toString() {
      return "seed of a " + role;
    }
  }

  /** Reads a public key; empty when the text is not one. */
  public static Optional<Nkey> parse(String text) {
    byte[] raw = checked(text, 1 + KEY_BYTES);
    return raw.length == 0
        ? Optional.empty()
        : Role.of(raw[0] & 0xff).map(role -> new Nkey(role, slice(raw, 1)));
  }

  /** Reads a private seed ({@code S...}); empty when the text is not one. */
  public static Optional<Seed> parseSeed(String text) {
    byte[] raw = checked(text, 2 + KEY_BYTES);
    if (raw.length == 0 || (raw[0] & 0xf8) != SEED_PREFIX) {
      return Optional.empty();
    }
    int prefix = (raw[0] & 7) << 5 | (raw[1] & 0xf8) >> 3;
    return Role.of(prefix).map(role -> new Seed(role, slice(raw, 2)));
  }

  /**
   * The public half of a new key pair whose private half is thrown away, since a provider signs
   * nothing.
   */
  public static Nkey random(Role role) {
    try {
      byte[] x509 =
          KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPublic().getEncoded();
      return new Nkey(role, slice(x509, x509.length - KEY_BYTES)); // X.509 ends with the raw key
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime lacks Ed25519", e);
    }
  }

  /** Whether {@code text} is a public key of this role. */
  public static boolean isPublic(Role role, String text) {
    return parse(text).filter(key -> key.role() == role).isPresent();
  }

  /** The text form. */
  public String text() {
    byte[] raw = new byte[1 + KEY_BYTES + 2];
    raw[0] = (byte) role.prefix;
    System.arraycopy(key.array(), 0, raw, 1, KEY_BYTES);
    return checksummed(raw);
  }

  /** The text of these bytes, of which the last two become the checksum of the others. */
  private static String checksummed(byte[] raw) {
    int crc = crc16(raw, raw.length - 2);
    raw[raw.length - 2] = (byte) crc;
    raw[raw.length - 1] = (byte) (crc >> 8);
    return base32(raw);
  }

  private static Bytes slice(byte[] raw, int from) {
    byte[] key = new byte[KEY_BYTES];
    System.arraycopy(raw, from, key, 0, KEY_BYTES);
    return new Bytes(key);
  }

  /**
   * The bytes the text stands for, checksum included; none when its length, alphabet or checksum is
   * wrong.
   */
  private static byte[] checked(String text, int length) {
    byte[] none = {};
    if (text.length() != ((length + 2) * 8 + 4) / 5) {
      return none;
    }
    byte[] raw = unbase32(text);
    if (raw.length != length + 2) {
      return none;
    }
    int sent = raw[length] & 0xff | (raw[length + 1] & 0xff) << 8;
    return sent == crc16(raw, length) ? raw : none;
  }

  private static byte[] unbase32(String text) {
    var out = new ByteArrayOutputStream(text.length() * 5 / 8);
    int bits = 0;
    int held = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = ALPHABET.indexOf(text.charAt(i));
      if (digit < 0) {
        return new byte[0];
      }
      bits = (bits << 5 | digit) & 0xfff;
      held += 5;
      if (held >= 8) {
        held -= 8;
        out.write(bits >> held);
      }
    }
    // bits left over must be zero, so that a key has one text only
    return (bits & (1 << held) - 1) == 0 ? out.toByteArray() : new byte[0];
  }

  private static String base32(byte[] raw) {
    var out = new StringBuilder();
    int bits = 0;
    int held = 0;
    for (byte b : raw) {
      bits = (bits << 8 | b & 0xff) & 0xffff;
      held += 8;
      while (held >= 5) {
        held -= 5;
        out.append(ALPHABET.charAt(bits >> held & 31));
      }
    }
    return held == 0
        ? out.toString()
        : out.append(ALPHABET.charAt(bits << (5 - held) & 31)).toString();
  }

  /** CRC-16/XMODEM: polynomial 0x1021, start 0. */
  private static int crc16(byte[] bytes, int length) {
    int crc = 0;
    for (int i = 0; i < length; i++) {
      crc ^= (bytes[i] & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
      }
    }
    return crc & 0xffff;
  }
}
