package org.natskvcache.cli.shell;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds the command that a mistyped word was meant to be. */
final class NearestName {
  /** Names shorter than this may differ by one edit, others by two. */
  private static final int LONG_LETTERS = 5;

  private NearestName() {}

  /**
   * The name with the fewest edits, the first of several; null if none is near. Case is ignored.
   */
  static @Nullable String to(String word, Iterable<String> names) {
    String typed = word.toUpperCase(Locale.ROOT);
    String nearest = null;
    int fewest = Integer.MAX_VALUE;
    for (String name : names) {
      int most = name.length() < LONG_LETTERS ? 1 : 2;
      if (Math.abs(name.length() - typed.length()) > most) continue;
      int edits = edits(typed, name);
      if (edits > most || edits >= fewest) continue;
      fewest = edits;
      nearest = name;
    }
    return nearest;
  }

  /**
   * How many letters are to be inserted, removed, replaced or swapped with their neighbour: optimal
   * string alignment (https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
   */
  private static int edits(String a, String b) {
    int[][] edits = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        int replaced = edits[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        int best = Math.min(replaced, 1 + Math.min(edits[i - 1][j], edits[i][j - 1]));
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        edits[i][j] = swapped ? Math.min(best, edits[i - 2][j - 2] + 1) : best;
      }
    }
    return edits[a.length()][b.length()];
  }
}
