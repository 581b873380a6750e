package org.natskvcache.replication.wire;

/**
 * Where a frame goes, relative to the subjects E (STATE_REPL_SUBJECT) and R (REPLAY_REQ_SUBJECT).
 * Each type of frame counts on its own channels only, see {@link FrameType#on}.
 */
public enum Channel {
  /** {@code E}: mutation frames. */
  MUTATIONS(1),
  /** {@code E.hb}: heartbeats, beacons, leave notices. */
  HEARTBEATS(2),
  /** {@code R}: one live instance, through the queue group. */
  REPLAY_ANY(3),
  /** {@code R.all}: every instance. */
  REPLAY_ALL(4),
  /** {@code R.<origin>}: the one instance named by the target. */
  DIRECT(5),
  /** {@code R.observer.<origin>}: answers to one who only looks, named by the target. */
  OBSERVER(5);

  private final int code;

  Channel(int code) {
    this.code = code;
  }

  /** What stands for it in the signature of a keyed frame. */
  public int code() {
    return code;
  }
}
