package org.natskvcache.chaos;

import java.util.ArrayList;
import java.util.List;

/**
 * What one writer added to counters, lists and sets that nobody ever takes from, in its order, at
 * one life of one instance. Written by the writer's thread, read by others.
 *
 * <p>Between its additions the writer sets a key of its own to 1, 2, 3...: its <em>beat</em>.
 * Instances apply what another has written in its order, none left out. So an instance that shows
 * beat {@code b} must hold everything answered before {@code b} was sent, and cannot hold anything
 * sent after a beat later than {@code b} was answered.
 */
final class Ledger {
  /** Whether an addition is to be found at the end. */
  enum Fate {
    SURE,
    /** It was not answered, or its instance ended and may have taken it along. */
    OPEN,
    GONE
  }

  /**
   * An addition.
   *
   * @param item what was added to a list or a set; empty for a counter
   * @param delta what was added to a counter
   */
  record Addition(String key, String item, long delta, boolean answered) {}

  /** A beat was sent after so many additions. */
  private record Beat(int additions, boolean answered) {}

  private final String name;
  private final List<Addition> additions = new ArrayList<>();
  private final List<Beat> beats = new ArrayList<>();
  private int seen;
  private boolean ended;

  Ledger(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  String beatKey() {
    return "beat/" + name;
  }

  /** An item nobody else adds; later ones of this writer have greater numbers at the end. */
  synchronized String nextItem() {
    return name + ":" + additions.size();
  }

  synchronized void added(Addition addition) {
    additions.add(addition);
  }

  /** The number of the next beat. */
  synchronized int nextBeat() {
    return beats.size() + 1;
  }

  synchronized void beat(boolean answered) {
    beats.add(new Beat(additions.size(), answered));
  }

  /** An instance that lasts showed this beat: it can never be lost any more. */
  synchronized void saw(int beat) {
    seen = Math.max(seen, beat);
  }

  /** The instance this was written at is gone, or about to be. */
  synchronized void end() {
    ended = true;
  }

  synchronized boolean ended() {
    return ended;
  }

  /** Additions so far; not to be changed. */
  synchronized List<Addition> additions() {
    return List.copyOf(additions);
  }

  /** The least beat that may show at the end: all of them, or what was seen before the end. */
  synchronized int leastBeat() {
    if (ended) {
      return seen;
    }
    int beat = beats.size();
    while (beat > 0 && !beats.get(beat - 1).answered) {
      beat--;
    }
    return beat;
  }

  /**
   * The fate of each addition where everything agreed on shows this beat.
   *
   * @param shown 0 when none
   */
  synchronized List<Fate> fates(int shown) {
    int sureBefore = !ended ? additions.size() : shown == 0 ? 0 : beats.get(shown - 1).additions;
    int goneFrom = additions.size();
    for (int beat = beats.size(); beat > shown; beat--) {
      if (beats.get(beat - 1).answered) {
        goneFrom = beats.get(beat - 1).additions;
      }
    }
    var fates = new ArrayList<Fate>();
    for (int i = 0; i < additions.size(); i++) {
      fates.add(
          i >= goneFrom
              ? Fate.GONE
              : i < sureBefore && additions.get(i).answered ? Fate.SURE : Fate.OPEN);
    }
    return fates;
  }
}
