package org.natskvcache.fuzz;

/** Where Jazzer enters; the system property {@code fuzz.target} names the target. */
public final class FuzzEntry {
  private static final FuzzTarget TARGET = Targets.named(System.getProperty("fuzz.target"));

  private FuzzEntry() {}

  /** Loads the classes, which takes Jazzer seconds and must not count as an input's time. */
  public static void fuzzerInitialize() throws Exception {
    for (byte[] seed : TARGET.seeds()) TARGET.run(seed);
  }

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    TARGET.run(input);
  }
}
