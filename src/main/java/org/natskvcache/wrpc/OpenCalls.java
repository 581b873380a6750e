package org.natskvcache.wrpc;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The numbers that calls are told apart by in the subjects of their params, and which callers have
 * not shown that our handshake reached them.
 *
 * <p>A number is used again once its caller has ended its params: a server keeps what it knows of
 * the subjects that were used lately, and subjects that are all new cost it a seventh of its
 * throughput. A number that may still be used by its caller is not given away: it is the place in a
 * table plus a multiple of the table's length, and the next one of that place takes its turn.
 *
 * <p>Callers show that they have the handshake by a message to the subject of the params, at once
 * and always. Hosts 1.x lose what comes before they have noted that they wait for it, a few calls
 * in a thousand under bursts, and the component then hangs for minutes; so the handshake is
 * repeated, and once it is heard, the answer too. The end of an answer waits for that, see {@link
 * Call}; a caller that is not heard after the last repeat is waited for no longer.
 *
 * <p>Source: wrpc-transport-nats 0.29, {@code Client::new}: messages and subscriptions reach one
 * task over two channels, in any order. Not thread-safe; owned by the server.
 */
final class OpenCalls {
  /** How often a handshake is repeated. */
  private static final int REPEATS_MAX = 3;

  /** A place for one call at a time. */
  private static final class Place {
    long number;
    boolean taken;
    long beganNanos;

    /** Until its caller is heard. */
    @Nullable Call call;

    int repeated;
    long dueNanos;

    Place(long number) {
      this.number = number;
    }
  }

  /** A call whose handshake is to be sent again. */
  record Due(long number, Call call) {}

  private final Place[] places;
  private final long silenceNanos;
  private final int[] free;
  private int freeCount;
  private int used;
  private int unheard;

  /** Beyond the table; calls with such a number are not watched. */
  private long overflow = Long.MAX_VALUE / 2;

  /**
   * @param countMax most calls watched
   * @param silenceNanos when a handshake is repeated; again after four times as long, and so on
   */
  OpenCalls(int countMax, long silenceNanos) {
    places = new Place[countMax];
    free = new int[countMax];
    this.silenceNanos = silenceNanos;
  }

  /** A call begins; its number. */
  long begin(Call call, long nowNanos) {
    Place place;
    if (freeCount > 0) place = places[free[--freeCount]];
    else if (used < places.length) {
      place = new Place(used);
      places[used++] = place;
    } else {
      call.heard(false); // nobody would tell
      return overflow++;
    }
    place.taken = true;
    place.beganNanos = nowNanos;
    place.call = call;
    place.repeated = 0;
    place.dueNanos = nowNanos + silenceNanos;
    unheard++;
    return place.number;
  }

  private @Nullable Place find(long number) {
    int index = (int) (number % places.length);
    if (index < 0 || index >= used) return null;
    Place place = places[index];
    return place.taken && place.number == number ? place : null;
  }

  /** The caller has the handshake. */
  void heard(long number) {
    Place place = find(number);
    if (place != null) heard(place, place.repeated > 0);
  }

  private void heard(Place place, boolean late) {
    Call call = place.call;
    if (call == null) return;
    place.call = null;
    unheard--;
    call.heard(late);
  }

  /** Waits for none of the callers any longer. */
  void giveUpAll() {
    for (int i = 0; i < used && unheard > 0; i++) heard(places[i], false);
  }

  /** The caller sends no more; after a repeated handshake it may do so twice. */
  void ended(long number) {
    Place place = find(number);
    if (place != null) free(place, place.repeated > 0);
  }

  private void free(Place place, boolean renumber) {
    heard(place, false);
    free[freeCount++] = (int) (place.number % places.length);
    place.taken = false;
    if (renumber) place.number += places.length;
  }

  /** Whether all callers have shown that they have the handshake, or are not watched any longer. */
  boolean allHeard() {
    return unheard == 0;
  }

  /** The calls whose handshake is to be sent again now. */
  List<Due> due(long nowNanos) {
    List<Due> due = new ArrayList<>();
    for (int i = 0; i < used && unheard > 0; i++) {
      Place place = places[i];
      Call call = place.call;
      if (call == null || nowNanos - place.dueNanos < 0) continue;
      if (place.repeated == REPEATS_MAX) {
        heard(place, false);
        continue;
      }
      place.repeated++;
      place.dueNanos = nowNanos + (silenceNanos << 2 * place.repeated);
      due.add(new Due(place.number, call));
    }
    return due;
  }

  /** Takes their places from calls that began so long ago that nothing will come of them. */
  void abandonOlder(long ageNanos, long nowNanos) {
    for (int i = 0; i < used; i++) {
      Place place = places[i];
      if (place.taken && nowNanos - place.beganNanos >= ageNanos) free(place, true);
    }
  }
}
