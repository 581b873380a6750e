package org.natskvcache.bench;

/**
 * Whether a benchmark only shows that it runs ({@code -Dbench.smoke=true}); its figures mean
 * nothing then.
 */
final class Smoke {
  static final boolean ON = Boolean.getBoolean("bench.smoke");

  private Smoke() {}

  /** A count, or a time, to measure with; or to run at all. */
  static int or(int measured, int smoke) {
    return ON ? smoke : measured;
  }
}
