package org.natskvcache;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.Assertions;

/** Waiting for something that another thread or process will do, always with a deadline. */
public final class Waiting {
  /** Long enough for a loaded machine; only a failing test waits so long. */
  public static final Duration PATIENCE = Duration.ofSeconds(20);

  private Waiting() {}

  /** Returns as soon as {@code condition} holds; fails, saying {@code what}, when it never does. */
  public static void until(String what, BooleanSupplier condition) {
    until(() -> what, condition);
  }

  /** As above; {@code what} is asked at the end, so it can tell how far things went. */
  public static void until(Supplier<String> what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        Assertions.fail("waited " + PATIENCE.toSeconds() + " s in vain: " + what.get());
      }
      try {
        Thread.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        Assertions.fail("interrupted while waiting: " + what.get());
      }
    }
  }
}
