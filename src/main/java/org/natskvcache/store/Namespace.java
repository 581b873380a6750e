package org.natskvcache.store;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A key space of its own inside a cache. No two (namespace, key) pairs share a stored key:
 *
 * <pre>
 *   default namespace: | key |, a leading NUL doubled
 *   any other:         | 00 | 01 | length of the name, LEB128 | name | key |
 * </pre>
 */
public final class Namespace {
  /** The keys that every door sees. */
  public static final Namespace DEFAULT = new Namespace(Bytes.EMPTY);

  private static final int NAMED = 1;

  /** Begins every stored key of a named namespace; empty for the default one. */
  private final Bytes prefix;

  private Namespace(Bytes prefix) {
    this.prefix = prefix;
  }

  /** The namespace with this name, which may be empty and is another than {@link #DEFAULT}. */
  public static Namespace named(Bytes name) {
    var prefix = new ByteArrayOutputStream(name.size() + 7);
    prefix.write(0);
    prefix.write(NAMED);
    int rest = name.size();
    for (; rest > 0x7f; rest >>>= 7) prefix.write(rest & 0x7f | 0x80);
    prefix.write(rest);
    prefix.writeBytes(name.array());
    return new Namespace(new Bytes(prefix.toByteArray()));
  }

  /** The key {@code raw} of this namespace. */
  public Key key(Bytes raw) {
    if (prefix.size() == 0) return Key.of(raw);
    byte[] stored = Arrays.copyOf(prefix.array(), prefix.size() + raw.size());
    System.arraycopy(raw.array(), 0, stored, prefix.size(), raw.size());
    return new Key(new Bytes(stored));
  }

  /** The key as its user wrote it, the inverse of {@link #key}; null when it is not of this one. */
  public @Nullable Bytes raw(Key key) {
    if (prefix.size() == 0) return key.inDefaultNamespace() ? key.raw() : null;
    byte[] stored = key.stored().array();
    return key.stored().startsWith(prefix)
        ? new Bytes(Arrays.copyOfRange(stored, prefix.size(), stored.length))
        : null;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Namespace that && prefix.equals(that.prefix);
  }

  @Override
  public int hashCode() {
    return prefix.hashCode();
  }

  @Override
  public String toString() {
    return prefix.size() == 0 ? "the default namespace" : "a named namespace";
  }
}
