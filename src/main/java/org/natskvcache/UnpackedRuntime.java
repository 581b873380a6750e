package org.natskvcache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.crypto.Cipher;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The folder that the executable has unpacked itself into, and that a cleaner of temporary files
 * may take while this process runs for months. A daemon thread reads at the start what the JDK
 * would read at the first connection with TLS, and renews the files' times ever after.
 */
final class UnpackedRuntime {
  private static final long RENEWAL_MILLIS = 6 * 3_600_000;

  private UnpackedRuntime() {}

  /**
   * Starts the thread.
   *
   * @param folder as the launcher names it; null where it has unpacked nothing
   */
  static void keep(@Nullable String folder) {
    if (folder == null) return;
    Thread.ofPlatform().daemon().name("unpacked-runtime").start(() -> keep(Path.of(folder)));
  }

  private static void keep(Path folder) {
    try {
      readWhatTlsNeeds();
      while (true) {
        renewTimes(folder);
        Thread.sleep(RENEWAL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Cleaners go by the time of the last change, of the last reading, or by both. */
  private static void renewTimes(Path folder) {
    FileTime now = FileTime.fromMillis(System.currentTimeMillis());
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path each : (Iterable<Path>) files::iterator) {
        Files.getFileAttributeView(each, BasicFileAttributeView.class).setTimes(now, now, null);
      }
    } catch (IOException | java.io.UncheckedIOException e) {
      // it was taken all the same, or replaced by another start: this process needs it no more
    }
  }

  /**
   * The policy of ciphers, and the list of certificates that are blocked: read when first asked.
   */
  private static void readWhatTlsNeeds() {
    try {
      Cipher.getInstance("AES/GCM/NoPadding");
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init((KeyStore) null);
      X509Certificate[] authorities =
          ((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers();
      if (authorities.length == 0) return;
      var parameters = new PKIXParameters(Set.of(new TrustAnchor(authorities[0], null)));
      parameters.setRevocationEnabled(false);
      CertPath path =
          CertificateFactory.getInstance("X.509").generateCertPath(List.of(authorities[0]));
      CertPathValidator.getInstance("PKIX").validate(path, parameters);
    } catch (GeneralSecurityException e) {
      // an authority that has expired, for example: what there is to read was read before
    }
  }
}
