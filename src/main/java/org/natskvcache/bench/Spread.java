package org.natskvcache.bench;

import java.util.List;
import java.util.Locale;

/** Median, least and most of a figure that was measured several times. */
record Spread(double median, double least, double most) {
  /** Of one value at least. */
  static Spread of(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int count = sorted.size();
    double median = (sorted.get((count - 1) / 2) + sorted.get(count / 2)) / 2;
    return new Spread(median, sorted.getFirst(), sorted.getLast());
  }

  /** With so many decimals: {@code 1.25 (1.20 to 1.31)}. */
  String text(int decimals) {
    String format = "%." + decimals + "f";
    return String.format(
        Locale.ROOT, format + " (" + format + " to " + format + ")", median, least, most);
  }
}
