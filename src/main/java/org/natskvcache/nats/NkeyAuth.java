package org.natskvcache.nats;

import io.nats.client.AuthHandler;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;

/**
 * Answers a server's challenge, with a user seed alone (nkey) or with the user's JWT too.
 *
 * <p>The client library's own nkey class is not used: it needs a BouncyCastle with native code.
 * Safe for use by any thread.
 */
final class NkeyAuth implements AuthHandler {
  private final SigningKey key;
  private final @Nullable String jwt;

  private NkeyAuth(SigningKey key, @Nullable String jwt) {
    this.key = key;
    this.jwt = jwt;
  }

  /**
   * What these settings log in with; null for nothing.
   *
   * @throws IOException when a file of credentials cannot be used
   */
  static @Nullable AuthHandler of(ConnectionSettings settings) throws IOException {
    Path file = settings.credsFile();
    if (file != null) return CredsFile.open(file);
    String seed = settings.seed();
    return seed == null ? null : of(seed, settings.jwt());
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
    return new NkeyAuth(new SigningKey(parsed), jwt == null ? null : jwt.strip());
  }

  @Override
  public byte[] sign(byte[] nonce) {
    return key.sign(nonce);
  }

  /** The user's public key, {@code U...}. */
  @Override
  public char[] getID() {
    return key.publicKey().text().toCharArray();
  }

  /** The JWT; empty when there is none. */
  @Override
  public char[] getJWT() {
    return jwt == null ? new char[0] : jwt.toCharArray();
  }
}
