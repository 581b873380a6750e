package org.natskvcache.replication.wire;

import java.util.Base64;
import java.util.regex.Pattern;

/**
 * A secret of 32 bytes as an operator places it: base64url without padding, 43 characters. Prints
 * nothing of it.
 */
public final class ReplicationKey {
  /** Length of a key, bytes. */
  public static final int BYTES = 32;

  /** Of the 43rd character only the upper four bits count, so that each key has one text. */
  private static final Pattern TEXT = Pattern.compile("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=?");

  private final byte[] bytes;

  private ReplicationKey(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A key of these bytes, which are copied.
   *
   * @throws IllegalArgumentException unless there are {@link #BYTES}
   */
  public static ReplicationKey of(byte[] bytes) {
    if (bytes.length != BYTES) throw new IllegalArgumentException("a key has 32 bytes");
    return new ReplicationKey(bytes.clone());
  }

  static boolean isKey(String text) {
    return TEXT.matcher(text).matches();
  }

  /** The key with a text for which {@link #isKey} holds. */
  static ReplicationKey parse(String text) {
    return of(Base64.getUrlDecoder().decode(text));
  }

  /** The secret itself, 43 characters: never to be logged. */
  public String text() {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** What signs the frames that change something. */
  FrameKey write() {
    return new FrameKey(FrameKey.derived(bytes, "nats-kvcache write", BYTES));
  }

  /** What signs questions about the state, and their answers. */
  FrameKey inspect() {
    return new FrameKey(FrameKey.derived(bytes, "nats-kvcache inspect", BYTES));
  }

  /** The key as it is, given as an inspection key. */
  FrameKey asFrameKey() {
    return new FrameKey(bytes);
  }

  @Override
  public String toString() {
    return "a key";
  }
}
