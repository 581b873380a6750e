package org.natskvcache;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.natskvcache.bench.Access;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.nats.CredsFile;
import org.natskvcache.nats.TlsFiles;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.provider.LinkSettings;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.provider.SettingOrder;
import org.natskvcache.rpc.Credentials;

/** As whom {@code bench} connects: its options and the environment. */
final class BenchAccess {
  private BenchAccess() {}

  /**
   * Reads the files.
   *
   * @throws IOException when a setting cannot be used; the message names it
   */
  static Access of(BenchOptions.Login login, Map<String, String> environment) throws IOException {
    LinkValues values = values(login, environment);
    return switch (LinkSettings.parse(values, "default")) {
      case LinkSettings.Parsed.Invalid(var problem) -> throw new IOException(problem.toString());
      case LinkSettings.Parsed.Valid(var settings) -> {
        try {
          yield Access.of(credentials(settings.cache()), tls(settings.cache()));
        } catch (IOException | GeneralSecurityException e) {
          throw new IOException(named(String.valueOf(e.getMessage()), values), e);
        }
      }
    };
  }

  private static LinkValues values(BenchOptions.Login login, Map<String, String> environment) {
    Map<String, String> flags = new TreeMap<>();
    put(flags, SettingKey.NATS_CREDS_FILE, login.credentials());
    put(flags, SettingKey.NATS_CA_FILE, login.ca());
    put(flags, SettingKey.NATS_CERT_FILE, login.certificate());
    put(flags, SettingKey.NATS_KEY_FILE, login.key());
    return SettingOrder.ofBench(flags, environment);
  }

  private static void put(Map<String, String> flags, SettingKey key, @Nullable Path file) {
    if (file != null) flags.put(key.name(), file.toString());
  }

  private static @Nullable Credentials credentials(CacheSettings settings) throws IOException {
    if (!settings.credsFile().isEmpty()) {
      return CredsFile.read(Path.of(settings.credsFile()));
    }
    return settings.seed().isEmpty() ? null : new Credentials(settings.jwt(), settings.seed());
  }

  private static @Nullable SSLContext tls(CacheSettings settings)
      throws IOException, GeneralSecurityException {
    Path ca = path(settings.caFile());
    Path certificate = path(settings.certFile());
    return ca == null && certificate == null
        ? null
        : TlsFiles.context(ca, certificate, path(settings.keyFile()));
  }

  private static @Nullable Path path(String file) {
    return file.isEmpty() ? null : Path.of(file);
  }

  /** A sentence that begins with a key, with the name by which the person gave it. */
  private static String named(String sentence, LinkValues values) {
    for (SettingKey key : values.keys()) {
      String name = values.place(key).orElseThrow().named(key);
      if (sentence.startsWith(key + " ")) return name + sentence.substring(key.name().length());
    }
    return sentence;
  }
}
