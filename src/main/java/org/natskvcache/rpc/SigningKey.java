package org.natskvcache.rpc;

import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.natskvcache.store.Bytes;

/** The private half of an nkey: signs with Ed25519. Prints without the seed. */
public final class SigningKey {
  private final byte[] seed;
  private final Nkey publicKey;

  /** The key of a seed of any role but a curve's. */
  public SigningKey(Nkey.Seed from) {
    seed = from.seed().array();
    byte[] point = new byte[Ed25519.PUBLIC_KEY_SIZE];
    Ed25519.generatePublicKey(seed, 0, point, 0);
    publicKey = new Nkey(from.role(), new Bytes(point));
  }

  /** The key that checks our signatures. */
  public Nkey publicKey() {
    return publicKey;
  }

  /** A signature of 64 bytes. */
  public byte[] sign(byte[] message) {
    byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
    Ed25519.sign(seed, 0, message, 0, message.length, signature, 0);
    return signature;
  }

  @Override
  public String toString() {
    return "signing key of " + publicKey.text();
  }
}
