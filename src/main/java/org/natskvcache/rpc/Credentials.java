package org.natskvcache.rpc;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a {@code .creds} file holds, as {@code nsc} and {@code nats} write it: the JWT of a NATS
 * user and its seed, or the seed alone. Prints without them.
 *
 * @param jwt empty for none
 * @param seed {@code SU...}
 */
public record Credentials(String jwt, String seed) {
  /** The three parts of a JWT. */
  public static final Pattern JWT =
      Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");

  private static final Pattern JWT_BLOCK =
      Pattern.compile("-BEGIN NATS USER JWT-+\\s+(" + JWT.pattern() + ")\\s+-+END");
  private static final Pattern SEED = Pattern.compile("\\bSU[A-Z2-7]{56}\\b");

  /** Reads the content of such a file; empty when there is no seed of a user in it. */
  public static Optional<Credentials> parse(String text) {
    Matcher jwt = JWT_BLOCK.matcher(text);
    String found = jwt.find() ? jwt.group(1) : "";
    return SEED.matcher(text)
        .results()
        .map(seed -> seed.group())
        .filter(seed -> isUserSeed(seed))
        .findFirst()
        .map(seed -> new Credentials(found, seed));
  }

  /** Whether a text is the seed of a NATS user. */
  public static boolean isUserSeed(String text) {
    return Nkey.parseSeed(text).filter(seed -> seed.role() == Nkey.Role.USER).isPresent();
  }

  @Override
  public String toString() {
    return jwt.isEmpty() ? "nkey" : "jwt";
  }
}
