package org.natskvcache;

import java.util.stream.Stream;

/** What a collaborator throws that nobody foresaw. */
public final class Thrown {
  /** In none of the messages may be more than a class; this one stands for a secret. */
  public static final String SECRET = "s3cret-of-a-user";

  private Thrown() {}

  /** One of each kind. */
  public static Stream<Throwable> all() {
    return Stream.of(
        new IllegalStateException(SECRET),
        new NullPointerException(),
        new NoClassDefFoundError("org/natskvcache/Gone"),
        new StackOverflowError(),
        new OutOfMemoryError("Java heap space"),
        new AssertionError(SECRET));
  }

  /** Throws it, checked or not. */
  @SuppressWarnings("unchecked")
  public static <R, T extends Throwable> R raise(Throwable thrown) throws T {
    throw (T) thrown;
  }
}
