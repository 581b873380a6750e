package org.natskvcache.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version of this build, which the build writes into a resource. */
public final class Version {
  private Version() {}

  public static String text() {
    try (InputStream in =
        Version.class.getResourceAsStream("/org/natskvcache/version.properties")) {
      if (in == null) throw new IllegalStateException("version.properties is not in this build");
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
