package org.natskvcache.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
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

  private static final Pattern JWT = Pattern.compile("-BEGIN NATS USER JWT-+\\s+(\\S+)\\s+-+END");
  private static final Pattern SEED = Pattern.compile("\\bSU[A-Z2-7]{56}\\b");

  /**
   * Reads a credentials file as {@code nsc} and {@code nats} write them: a JWT and its seed, or a
   * seed alone.
   *
   * @throws IOException when it cannot be read or holds no seed of a user; the message repeats
   *     nothing of it
   */
  public static Access of(@Nullable Path credentials, @Nullable SSLContext tls) throws IOException {
    if (credentials == null) return new Access(null, null, tls);
    String text;
    try {
      text = Files.readString(credentials, StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new IOException("cannot read the credentials file " + credentials, e);
    }
    SigningKey user =
        SEED.matcher(text)
            .results()
            .flatMap(seed -> Nkey.parseSeed(seed.group()).stream())
            .filter(seed -> seed.role() == Nkey.Role.USER)
            .map(SigningKey::new)
            .findFirst()
            .orElseThrow(
                () -> new IOException(credentials + " holds no seed of a user, SU and 56 letters"));
    Matcher jwt = JWT.matcher(text);
    return new Access(jwt.find() ? jwt.group(1) : null, user, tls);
  }

  /** Without secrets. */
  @Override
  public String toString() {
    return "Access[" + (user == null ? "" : user.publicKey().text()) + "]";
  }
}
