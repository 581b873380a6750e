package org.natskvcache.rpc.wasmbus;

/** Keeps what a caller sent short when an error text or a log repeats it. */
final class Texts {
  private static final int CHARS_MAX = 80;

  private Texts() {}

  /** The text without control characters, cut to 80 characters. */
  static String shortened(String text) {
    String cut = text.length() <= CHARS_MAX ? text : text.substring(0, CHARS_MAX) + "...";
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}
