package org.natskvcache.fuzz;

import java.util.Objects;

/** Assertions that do not need a test framework and print no input. */
public final class Check {
  private Check() {}

  public static void that(boolean holds, String what) {
    if (!holds) throw new AssertionError("not true: " + what);
  }

  public static void same(Object expected, Object actual, String what) {
    if (!Objects.deepEquals(expected, actual)) {
      throw new AssertionError(what + " differs:\n" + expected + "\n" + actual);
    }
  }
}
