package org.natskvcache.rpc;

import java.util.Arrays;
import java.util.Optional;
import org.bouncycastle.math.ec.rfc7748.X25519;
import org.natskvcache.store.Bytes;
import software.pando.crypto.nacl.CryptoBox;

/**
 * Our curve key: opens what a host sealed for us. Prints without it. Source: nats-io/nkeys, {@code
 * xkeys.go}; a sealed message is a NaCl {@code crypto_box} with a version before it:
 *
 * <pre>
 *   | "xkv1" | 24 bytes nonce | 16 bytes Poly1305 tag | ciphertext, as long as the plain text |
 * </pre>
 */
public final class Xkey {
  private static final byte[] VERSION = {'x', 'k', 'v', '1'};
  private static final int NONCE_BYTES = 24;
  private static final int TAG_BYTES = 16;
  private static final int BOX_FROM = VERSION.length + NONCE_BYTES;

  private final Bytes scalar;
  private final Nkey publicKey;

  private Xkey(Bytes scalar) {
    this.scalar = scalar;
    byte[] point = new byte[X25519.POINT_SIZE];
    X25519.generatePublicKey(scalar.array(), 0, point, 0);
    publicKey = new Nkey(Nkey.Role.CURVE, new Bytes(point));
  }

  /** The key of a seed {@code SX...}; empty when the text is not one. */
  public static Optional<Xkey> ofSeed(String seed) {
    return Nkey.parseSeed(seed)
        .filter(parsed -> parsed.role() == Nkey.Role.CURVE)
        .map(parsed -> new Xkey(parsed.seed()));
  }

  /** The key others seal for. */
  public Nkey publicKey() {
    return publicKey;
  }

  /**
   * The plain text of a sealed message; empty when it is not one that {@code sender} sealed for us,
   * or was changed since.
   */
  public Optional<Bytes> open(Nkey sender, Bytes sealed) {
    byte[] message = sealed.array();
    if (message.length < BOX_FROM + TAG_BYTES || !sealed.startsWith(new Bytes(VERSION))) {
      return Optional.empty();
    }
    byte[] nonce = Arrays.copyOfRange(message, VERSION.length, BOX_FROM);
    byte[] box = Arrays.copyOfRange(message, BOX_FROM, message.length);
    try (CryptoBox opened = CryptoBox.fromCombined(nonce, box)) {
      byte[] plain =
          opened.decrypt(
              CryptoBox.privateKey(scalar.array()), CryptoBox.publicKey(sender.key().array()));
      return Optional.of(new Bytes(plain));
    } catch (IllegalArgumentException | IllegalStateException e) {
      return Optional.empty(); // tampered with, or for another: the caller says so
    }
  }

  @Override
  public String toString() {
    return "xkey of " + publicKey.text();
  }
}
