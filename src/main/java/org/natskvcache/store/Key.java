package org.natskvcache.store;

import java.util.Arrays;

/**
 * A key of the one keyspace all doors share, in its stored form.
 *
 * <p>Keys of the default namespace are stored as they are, except that a leading NUL is doubled; a
 * stored form that starts with NUL and a byte other than NUL belongs to another {@link Namespace}.
 *
 * @param stored the stored form; at most {@link Limits#keyBytesMax()} bytes, which the keyspace
 *     checks
 */
public record Key(Bytes stored) {
  /** The key {@code text} of the default namespace, in UTF-8. */
  public static Key of(String text) {
    return of(Bytes.utf8(text));
  }

  /** The key {@code raw} of the default namespace. */
  public static Key of(Bytes raw) {
    byte[] from = raw.array();
    if (from.length == 0 || from[0] != 0) return new Key(raw);
    byte[] escaped = new byte[from.length + 1];
    System.arraycopy(from, 0, escaped, 1, from.length);
    return new Key(new Bytes(escaped));
  }

  /** Whether this key belongs to the default namespace. */
  public boolean inDefaultNamespace() {
    byte[] a = stored.array();
    return a.length < 2 || a[0] != 0 || a[1] == 0;
  }

  /** The key as its user wrote it; the inverse of {@link #of(Bytes)}. */
  public Bytes raw() {
    byte[] a = stored.array();
    return a.length > 1 && a[0] == 0 ? new Bytes(Arrays.copyOfRange(a, 1, a.length)) : stored;
  }
}
