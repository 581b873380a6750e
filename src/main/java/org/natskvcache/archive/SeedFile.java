package org.natskvcache.archive;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.store.Bytes;

/** A file that holds one nkey seed and nothing else. */
public final class SeedFile {
  private static final int SEED_BYTES = 32;
  private static final int FILE_BYTES_MAX = 4_096;

  private SeedFile() {}

  /**
   * Reads a seed.
   *
   * @throws IOException when the file cannot be read or holds something else; the message says what
   *     is wanted and repeats nothing of the content
   */
  public static SigningKey read(Path file, Nkey.Role role) throws IOException {
    if (Files.isDirectory(file) || Files.size(file) > FILE_BYTES_MAX) throw wrong(file, role);
    String text = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    return new SigningKey(
        Nkey.parseSeed(text)
            .filter(seed -> seed.role() == role)
            .orElseThrow(() -> wrong(file, role)));
  }

  private static IOException wrong(Path file, Nkey.Role role) {
    return new FileSystemException(
        file.toString(), null, "it does not hold a seed S" + role.letter() + "...");
  }

  /**
   * Reads a seed, or makes one and keeps it there, for our eyes only, when there is no such file.
   */
  public static SigningKey readOrMake(Path file, Nkey.Role role) throws IOException {
    try {
      return read(file, role);
    } catch (NoSuchFileException e) {
      byte[] raw = new byte[SEED_BYTES];
      new SecureRandom().nextBytes(raw);
      var seed = new Nkey.Seed(role, new Bytes(raw));
      Files.createDirectories(file.toAbsolutePath().getParent(), attributes("rwx------"));
      Files.createFile(file, attributes("rw-------"));
      Files.writeString(file, seed.text() + "\n", StandardOpenOption.TRUNCATE_EXISTING);
      return new SigningKey(seed);
    }
  }

  private static FileAttribute<?>[] attributes(String permissions) {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }
}
