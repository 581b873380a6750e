package org.natskvcache.bench;

import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Credentials;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;

/**
 * As whom to connect to a server, beyond what its URL says.
 *
 * @param jwt the user's JWT, or null
 * @param user signs the server's challenge, or null
 * @param tls used where the URL is {@code tls://} or the server demands it; null for the system's
 */
public record Access(@Nullable String jwt, @Nullable SigningKey user, @Nullable SSLContext tls) {
  /** Nothing of all that. */
  public static final Access OPEN = new Access(null, null, null);

  /** The access with these credentials; null for none. */
  public static Access of(@Nullable Credentials login, @Nullable SSLContext tls) {
    if (login == null) return new Access(null, null, tls);
    var user = new SigningKey(Nkey.parseSeed(login.seed()).orElseThrow());
    return new Access(login.jwt().isEmpty() ? null : login.jwt(), user, tls);
  }

  /** Without secrets. */
  @Override
  public String toString() {
    return "Access[" + (user == null ? "" : user.publicKey().text()) + "]";
  }
}
