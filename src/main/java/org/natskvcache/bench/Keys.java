package org.natskvcache.bench;

import java.util.SplittableRandom;

/** Which key the next call is about. May be used by several threads, each with its generator. */
final class Keys {
  private static final double EXPONENT = 0.99;

  private final int count;

  /** Of each key, the chance that it or one before it is drawn; empty when all are alike. */
  private final double[] cumulated;

  Keys(int count, boolean zipf) {
    this.count = count;
    cumulated = new double[zipf ? count : 0];
    double sum = 0;
    for (int i = 0; i < cumulated.length; i++) {
      sum += Math.pow(i + 1.0, -EXPONENT);
      cumulated[i] = sum;
    }
  }

  /** A key, from 0. */
  int draw(SplittableRandom random) {
    if (cumulated.length == 0) return random.nextInt(count);
    double wanted = random.nextDouble() * cumulated[count - 1];
    int low = 0;
    int high = count - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (cumulated[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
