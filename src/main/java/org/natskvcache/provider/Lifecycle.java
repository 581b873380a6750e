package org.natskvcache.provider;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Where the process is in its life. A shutdown message and a signal may arrive together, on two
 * threads: one of them wins the move to {@link Phase#STOPPING}, and only the winner cleans up.
 *
 * <table>
 * <caption>Legal moves</caption>
 * <tr><th>from</th><th>to</th></tr>
 * <tr><td>STARTING</td><td>RUNNING, STOPPING</td></tr>
 * <tr><td>RUNNING</td><td>STOPPING</td></tr>
 * <tr><td>STOPPING</td><td>STOPPED</td></tr>
 * </table>
 */
public final class Lifecycle {
  /** The phases of a life. */
  public enum Phase {
    /** Connecting, subscribing, applying the first links. */
    STARTING,
    /** Answering calls. */
    RUNNING,
    /** No new calls; answering what is in flight, saying good-bye to peers. */
    STOPPING,
    /** Nothing left to do but exit. */
    STOPPED;

    private boolean mayBecome(Phase next) {
      return switch (this) {
        case STARTING -> next == RUNNING || next == STOPPING;
        case RUNNING -> next == STOPPING;
        case STOPPING -> next == STOPPED;
        case STOPPED -> false;
      };
    }
  }

  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.STARTING);

  public Phase phase() {
    return phase.get();
  }

  /**
   * Makes a legal move; false, and no change, when it is not legal from here. Of several threads
   * that make the same move one gets true.
   */
  public boolean enter(Phase next) {
    while (true) {
      Phase now = phase.get();
      if (!now.mayBecome(next)) return false;
      if (phase.compareAndSet(now, next)) return true;
    }
  }
}
