package org.natskvcache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The server configuration that {@code docs/security.md} shows, and the logins of its users. */
public final class DocumentedGrants {
  private DocumentedGrants() {}

  /** The configuration; {@code VPROVIDER} in it stands for a provider key. */
  public static String text() {
    return block("```\njetstream");
  }

  /** The block of {@code docs/security.md} that begins so. */
  public static String block(String beginning) {
    try {
      String page = Files.readString(Path.of("docs", "security.md"));
      int begin = page.indexOf(beginning) + "```\n".length();
      return page.substring(begin, page.indexOf("```", begin));
    } catch (IOException e) {
      throw new IllegalStateException("the tests run in the project's folder", e);
    }
  }

  /** {@code user:password} of one of its users. */
  public static String login(String user) {
    return user + ":" + user.toUpperCase(Locale.ROOT) + "_PASSWORD";
  }

  /** Where one of its users connects to. */
  public static String url(NatsForTests nats, String user) {
    return nats.url().replace("//", "//" + login(user) + "@");
  }
}
