package org.natskvcache.nats;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes a TLS context of PEM files. They are read at every new connection, so renewed files are
 * taken up without a restart.
 */
public final class TlsFiles {
  /** Longest file read, bytes: more than all authorities of a system. */
  private static final int FILE_BYTES_MAX = 4 << 20;

  private static final Pattern PKCS8 =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");

  private TlsFiles() {}

  /**
   * The context for these settings: the system's trust and no certificate of ours where no file is
   * named.
   *
   * @throws IOException when a file cannot be read; the message names its setting
   * @throws GeneralSecurityException when a file does not hold what it should
   */
  static SSLContext context(ConnectionSettings settings)
      throws IOException, GeneralSecurityException {
    return context(settings.caFile(), settings.certFile(), settings.keyFile());
  }

  /**
   * The same for files that come from elsewhere; messages name them as the settings do.
   *
   * @param caFile see {@link ConnectionSettings}, as the others
   */
  public static SSLContext context(
      @Nullable Path caFile, @Nullable Path certFile, @Nullable Path keyFile)
      throws IOException, GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keyManagers(certFile, keyFile), trustManagers(caFile), null);
    return context;
  }

  private static TrustManager @Nullable [] trustManagers(@Nullable Path caFile)
      throws IOException, GeneralSecurityException {
    if (caFile == null) {
      return null; // the JDK's own
    }
    KeyStore trusted = empty();
    int count = 0;
    for (Certificate certificate : certificates("NATS_CA_FILE", caFile)) {
      trusted.setCertificateEntry("ca-" + count++, certificate);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    return factory.getTrustManagers();
  }

  private static KeyManager @Nullable [] keyManagers(
      @Nullable Path certFile, @Nullable Path keyFile)
      throws IOException, GeneralSecurityException {
    if (certFile == null || keyFile == null) {
      return null;
    }
    Certificate[] chain = certificates("NATS_CERT_FILE", certFile).toArray(Certificate[]::new);
    PrivateKey key = privateKey(keyFile, chain[0].getPublicKey().getAlgorithm());
    KeyStore ours = empty();
    char[] none = {};
    ours.setKeyEntry("client", key, none, chain);
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(ours, none);
    return factory.getKeyManagers();
  }

  private static Collection<? extends Certificate> certificates(String setting, Path file)
      throws IOException, GeneralSecurityException {
    byte[] pem = read(setting, file);
    try (InputStream in = new java.io.ByteArrayInputStream(pem)) {
      var found = CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (found.isEmpty()) {
        throw new GeneralSecurityException(setting + " holds no certificate");
      }
      return found;
    } catch (java.security.cert.CertificateException e) {
      throw new GeneralSecurityException(setting + " holds no PEM certificate", e);
    }
  }

  private static PrivateKey privateKey(Path file, String algorithm)
      throws IOException, GeneralSecurityException {
    String pem = new String(read("NATS_KEY_FILE", file), StandardCharsets.US_ASCII);
    Matcher block = PKCS8.matcher(pem);
    if (!block.find()) {
      throw new GeneralSecurityException(
          "NATS_KEY_FILE holds no unencrypted PKCS#8 key; openssl pkcs8 -topk8 -nocrypt makes one");
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(block.group(1));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      // The cause is left out: a parser's message could quote the key.
      throw new GeneralSecurityException("NATS_KEY_FILE holds no key for the certificate");
    }
  }

  private static byte[] read(String setting, Path file) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(FILE_BYTES_MAX + 1);
    } catch (IOException e) {
      throw new IOException(setting + " cannot be read: " + file, e);
    }
    if (content.length > FILE_BYTES_MAX) throw new IOException(setting + " is over 4 MiB: " + file);
    return content;
  }

  private static KeyStore empty() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
