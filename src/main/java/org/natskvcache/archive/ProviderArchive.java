package org.natskvcache.archive;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.UUID;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * A provider archive, as wasmCloud hosts 0.x and 1.x load them:
 *
 * <pre>
 *   tar, or tar.gz
 *     claims.jwt     signed claims; they hold the hash of each executable
 *     TARGET.bin     the executable for one target, such as x86_64-linux.bin
 * </pre>
 *
 * <p>Source: wasmCloud 0.82 and 1.9, {@code crates/provider-archive/src/archive.rs}.
 */
public final class ProviderArchive {
  private ProviderArchive() {}

  /** SHA-256 of a file, in upper-case hexadecimal as claims name it. */
  public static String hash(Path file) throws IOException {
    try (var in = new DigestInputStream(Files.newInputStream(file), sha256())) {
      in.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().withUpperCase().formatHex(in.getMessageDigest().digest());
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime lacks SHA-256", e);
    }
  }

  /**
   * Writes an archive with one executable; an existing file is replaced once the new one is whole.
   *
   * @param out compressed when its name ends in {@code .gz}
   * @param target what the executable runs on, such as {@code x86_64-linux}
   */
  public static void write(Path out, String claimsJwt, String target, Path executable)
      throws IOException {
    if (Files.isDirectory(out)) throw new FileSystemException("" + out, null, "is a folder");
    Path partial =
        out.toAbsolutePath()
            .resolveSibling("." + out.getFileName() + "." + UUID.randomUUID() + ".part");
    partial.toFile().deleteOnExit(); // a signal ends us in between
    try {
      try (OutputStream file = Files.newOutputStream(partial, StandardOpenOption.CREATE_NEW);
          OutputStream maybeZipped =
              out.toString().endsWith(".gz") ? new GZIPOutputStream(file) : file;
          var tar = new TarArchiveOutputStream(maybeZipped, "UTF-8")) {
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        byte[] claims = claimsJwt.getBytes(StandardCharsets.US_ASCII);
        var entry = new TarArchiveEntry("claims.jwt");
        entry.setSize(claims.length);
        tar.putArchiveEntry(entry);
        tar.write(claims);
        tar.closeArchiveEntry();
        var binary = new TarArchiveEntry(target + ".bin");
        binary.setSize(Files.size(executable));
        binary.setMode(0100755);
        tar.putArchiveEntry(binary);
        try (InputStream in = Files.newInputStream(executable)) {
          in.transferTo(tar);
        }
        tar.closeArchiveEntry();
      }
      Files.move(partial, out, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      throw partial.toString().equals(e.getFile())
          ? new NoSuchFileException("" + partial.getParent())
          : e;
    } catch (AccessDeniedException e) {
      throw partial.toString().equals(e.getFile())
          ? new AccessDeniedException("" + partial.getParent())
          : e;
    } finally {
      Files.deleteIfExists(partial);
    }
  }
}
