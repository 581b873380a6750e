package org.natskvcache.telemetry;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Whose certificates a collector may have: the system's authorities and those of some files. */
record TrustedCas(SSLContext context, X509TrustManager manager) {
  /** Null without files. A file that cannot be used is a line in the log, and left out. */
  static @Nullable TrustedCas of(List<String> files) {
    if (files.isEmpty()) return null;
    List<Certificate> trusted = new ArrayList<>();
    for (String file : files) {
      try (InputStream in = Files.newInputStream(Path.of(file))) {
        trusted.addAll(CertificateFactory.getInstance("X.509").generateCertificates(in));
      } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
        Telemetry.problem("a file of additional_ca_paths holds no certificate, or cannot be read");
      }
    }
    try {
      trusted.addAll(List.of(manager(null).getAcceptedIssuers()));
      X509TrustManager manager = manager(store(trusted));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {manager}, null);
      return new TrustedCas(context, manager);
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("no certificates can be trusted", e);
    }
  }

  private static KeyStore store(List<Certificate> trusted)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    for (int i = 0; i < trusted.size(); i++) store.setCertificateEntry("ca-" + i, trusted.get(i));
    return store;
  }

  /** Of this store; null for the system's. */
  private static X509TrustManager manager(@Nullable KeyStore store)
      throws GeneralSecurityException {
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (TrustManager each : factory.getTrustManagers()) {
      if (each instanceof X509TrustManager x509) return x509;
    }
    throw new GeneralSecurityException("no trust manager for X.509");
  }
}
