package org.natskvcache.rpc;

/** Keeps what a stranger sent short and on one line when an error text or a log repeats it. */
public final class Texts {
  private static final int CHARS_MAX = 80;

  private Texts() {}

  /** The text without control and format characters or quotes, cut to 80 characters. */
  public static String shortened(String text) {
    String cut = text.length() <= CHARS_MAX ? text : text.substring(0, CHARS_MAX) + "...";
    return cut.replaceAll("[\\p{Cc}\\p{Cf}\"]", "?");
  }
}
