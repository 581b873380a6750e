package org.natskvcache.nats;

import io.nats.client.AuthHandler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.natskvcache.rpc.Credentials;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a server's challenge with what a {@code .creds} file holds at that moment, so that
 * renewed credentials are taken up at the next reconnect. A file that can no longer be read leaves
 * those that were read last. The client asks from one thread at a time, for the id first.
 */
public final class CredsFile implements AuthHandler {
  private static final Logger LOG = LoggerFactory.getLogger(CredsFile.class);

  /** Longest part of a file read, bytes. */
  private static final int BYTES_MAX = 64 << 10;

  private final Path file;
  private volatile NkeyAuth current;

  private CredsFile(Path file, NkeyAuth current) {
    this.file = file;
    this.current = current;
  }

  /**
   * Reads the file.
   *
   * @throws IOException when it cannot be read, or holds no seed of a user
   */
  static CredsFile open(Path file) throws IOException {
    return new CredsFile(file, auth(file));
  }

  private static NkeyAuth auth(Path file) throws IOException {
    Credentials found = read(file);
    return NkeyAuth.of(found.seed(), found.jwt().isEmpty() ? null : found.jwt());
  }

  /**
   * What the file holds.
   *
   * @throws IOException when it cannot be read, or holds no seed of a user; the message names the
   *     setting {@code NATS_CREDS_FILE} and the file, and repeats nothing of the content
   */
  public static Credentials read(Path file) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(BYTES_MAX);
    } catch (IOException e) {
      throw new IOException("NATS_CREDS_FILE cannot be read: " + file, e);
    }
    return Credentials.parse(new String(content, StandardCharsets.ISO_8859_1))
        .orElseThrow(
            () -> new IOException("NATS_CREDS_FILE holds no seed of a user (SU...): " + file));
  }

  /** The user's public key; reads the file again. */
  @Override
  public char[] getID() {
    try {
      current = auth(file);
    } catch (IOException e) {
      LOG.warn("the credentials read before are used again cause=\"{}\"", e.getMessage());
    }
    return current.getID();
  }

  @Override
  public byte[] sign(byte[] nonce) {
    return current.sign(nonce);
  }

  @Override
  public char[] getJWT() {
    return current.getJWT();
  }
}
