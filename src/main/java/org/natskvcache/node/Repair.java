package org.natskvcache.node;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Peers.Peer;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.store.Limits;

/**
 * Asks for what is missing, one question at a time.
 *
 * <pre>
 * IDLE ──noticed──► WAITING ──10 ms──► ASKED ──all here──► IDLE
 *                      ▲                 │ │
 *                      └──no answer, ────┘ └──snapshot needed──► STAGING ──installed, or given up──► WAITING
 *                         behind, more
 * </pre>
 *
 * <p>The wait before a question is longer while what was asked for comes a second time: then it was
 * not lost, only late, and more questions would make it later.
 *
 * <p>First asked is the author of what is missing, then any live peer known to have it, now and
 * then one that is joining, then anyone. Owned by the node.
 */
final class Repair {
  /** What the node does for the repair. */
  interface Host {
    /** Whether anything is known to be missing. */
    boolean lacking();

    /** Whether this peer is known to have something missing here. */
    boolean has(Peer peer);

    /** Whether this peer is the author of something missing here. */
    boolean authored(Peer peer);

    List<Peer> peers();

    void sendReplayRequest(long nonce, @Nullable Peer target);

    void sendSnapshotRequest(
        OriginId target, long nonce, long cut, int section, int offset, int windowBytes);

    /** Installs a whole snapshot of this server, or changes nothing. */
    ReplicatedState.Installed install(Staging staging, @Nullable OriginId server);

    /** Whether we are joining. */
    boolean joining();

    /** Drops everything and joins anew. */
    void startOver();

    Staging newStaging();

    /** What {@link #newStaging} gave is not gone on with. */
    void abandonStaging();

    OriginId id(Peer peer);

    void event(Effect.Event.Kind kind, @Nullable OriginId peer, String detail);
  }

  private enum Phase {
    IDLE,
    WAITING,
    ASKED,
    STAGING
  }

  private static final long NACK_MILLIS = 5;
  private static final long PATIENCE_MAX_MILLIS = 2_000;
  private static final int NACK_JITTER_MILLIS = 11;
  private static final long ANSWER_MILLIS = 250;
  private static final long BACKOFF_MAX_MILLIS = 5_000;
  private static final long STAGING_IDLE_MILLIS = 2_000;
  private static final long BUSY_MILLIS = 500;
  private static final int SILENCES_MAX = 3;
  private static final int WINDOW_CHUNKS = 4;

  /** Of so many attempts one may go to an instance that is joining, which may be gone by now. */
  private static final int ANYONE_EVERY = 4;

  /** How often one that is joining looks again before it starts over. */
  private static final int OUTLIVED_MAX = 4;

  /**
   * A request for a replay.
   *
   * @param of null when anybody may answer
   */
  private record Question(long nonce, @Nullable OriginId of) {}

  private static final int QUESTIONS_KEPT = 8;

  private final Host host;
  private final RandomGenerator random;
  private int chunkBytes;

  /** A request for a snapshot grants so many chunks: fewer where they take too long to come. */
  private int windowChunks = WINDOW_CHUNKS;

  private final boolean partialAllowed;
  private final boolean anyServerAllowed;

  private Phase phase = Phase.IDLE;
  private long atTick = Long.MAX_VALUE;
  private int attempt;
  private long patienceMillis = NACK_MILLIS;

  /** Whether mutations came twice since something was last noticed. */
  private boolean cameTwice;

  /** The last questions for a replay; what answers an older one is late. */
  private final @Nullable Question[] questions = new Question[QUESTIONS_KEPT];

  private int asked;

  /** The last request for a snapshot, and whom it was put to. */
  private long snapshotNonce;

  private @Nullable OriginId snapshotOf;
  private @Nullable OriginId askedOf;
  private @Nullable Staging staging;
  private long cut;
  private int silences;
  private int windowLeft;
  private boolean gapAsked;
  private boolean hopeless;

  Repair(Host host, RandomGenerator random, NodeSettings settings) {
    this.host = host;
    this.random = random;
    limits(settings.limits());
    partialAllowed =
        settings.defect() == org.natskvcache.crdt.Defect.PARTIAL_SNAPSHOT_WITH_FULL_CONTEXT;
    anyServerAllowed = settings.defect() == org.natskvcache.crdt.Defect.CUT_ID_WITHOUT_ORIGIN;
  }

  void limits(Limits limits) {
    chunkBytes = limits.chunkBytes();
  }

  long nextTick() {
    return atTick;
  }

  /** Whether nobody is known to have what is missing, and whoever was asked has not answered. */
  boolean hopeless() {
    return hopeless && (phase == Phase.WAITING || phase == Phase.ASKED && attempt > 0);
  }

  /** Whether a snapshot is being received, which shows only when it is whole. */
  boolean staging() {
    return phase == Phase.STAGING;
  }

  boolean idle() {
    return phase == Phase.IDLE;
  }

  void reset() {
    rest();
    abandon();
  }

  private void abandon() {
    staging = null;
    host.abandonStaging();
  }

  /** Marks the slots that the snapshot being received refers to. */
  void markSlots(BitSet used) {
    if (staging != null) staging.markSlots(used);
  }

  private void rest() {
    phase = Phase.IDLE;
    atTick = Long.MAX_VALUE;
    attempt = 0;
    hopeless = false;
    askedOf = null;
  }

  private void waitUntil(long tick) {
    phase = Phase.WAITING;
    atTick = tick;
  }

  /** Something is missing, or may be, or a holder of it has become known. */
  void noticed(long tick) {
    if (phase != Phase.IDLE && !hopeless()) return;
    attempt = 0;
    hopeless = false;
    patienceMillis =
        cameTwice
            ? Math.min(PATIENCE_MAX_MILLIS, 2 * patienceMillis)
            : Math.max(NACK_MILLIS, patienceMillis * 3 / 4);
    cameTwice = false;
    waitUntil(tick + patienceMillis + random.nextInt(NACK_JITTER_MILLIS));
  }

  /** A mutation came that was here already. */
  void cameTwice() {
    cameTwice = true;
  }

  /** Asks without waiting for what may still be under way. */
  void now(long tick) {
    if (phase == Phase.IDLE || phase == Phase.WAITING) waitUntil(tick);
  }

  void tick(long tick) {
    if (atTick > tick) return;
    switch (phase) {
      case IDLE -> atTick = Long.MAX_VALUE;
      case WAITING -> ask(tick);
      case ASKED -> {
        attempt++;
        ask(tick);
      }
      case STAGING -> stagingSilent(tick);
    }
  }

  private void ask(long tick) {
    if (!host.lacking()) {
      rest();
      return;
    }
    Peer target = choose();
    hopeless = target == null;
    askedOf = target == null ? null : host.id(target);
    phase = Phase.ASKED;
    atTick = tick + backoff(ANSWER_MILLIS);
    questions[asked++ % QUESTIONS_KEPT] = new Question(random.nextLong(), askedOf);
    host.sendReplayRequest(lastNonce(), target);
  }

  private long backoff(long firstMillis) {
    return Math.min(BACKOFF_MAX_MILLIS, firstMillis << Math.min(attempt, 10));
  }

  private @Nullable Peer choose() {
    List<Peer> holders = new ArrayList<>();
    List<Peer> live = new ArrayList<>();
    for (Peer peer : host.peers()) {
      if (!host.has(peer)) continue;
      if (attempt == 0 && host.authored(peer)) return peer;
      holders.add(peer);
      if (peer.live) live.add(peer);
    }
    boolean anyone = live.isEmpty() || attempt % ANYONE_EVERY == ANYONE_EVERY - 1;
    List<Peer> among = anyone ? holders : live;
    return among.isEmpty() ? null : among.get(random.nextInt(among.size()));
  }

  private long lastNonce() {
    Question last = asked == 0 ? null : questions[(asked - 1) % QUESTIONS_KEPT];
    return last == null ? 0 : last.nonce;
  }

  /** Whether one of the last questions for a replay had this nonce and was put to this one. */
  boolean asked(OriginId whom, long nonce) {
    for (Question question : questions) {
      if (question == null || question.nonce != nonce) continue;
      if (question.of == null || question.of.equals(whom)) return true;
    }
    return false;
  }

  /** Whether the last request for a snapshot had this nonce and was put to this one. */
  boolean askedForSnapshot(OriginId whom, long nonce) {
    return anyServerAllowed || whom.equals(snapshotOf) && nonce == snapshotNonce;
  }

  /** Part of an answer is here: the rest of it is waited for anew. */
  void progressed(long tick) {
    if (phase == Phase.ASKED) atTick = Math.max(atTick, tick + backoff(ANSWER_MILLIS));
  }

  void replayEnded(Frame.ReplayEnd end, boolean progress, long tick) {
    if (phase != Phase.ASKED || end.nonce() != lastNonce()) return;
    if (end.outcome() == Frame.ReplayEnd.Outcome.SNAPSHOT_NEEDED) {
      host.event(Effect.Event.Kind.SNAPSHOT_STARTED, end.from(), "");
      stage(end.from(), tick);
      return;
    }
    attempt = progress ? 0 : attempt + 1;
    boolean more = end.outcome() == Frame.ReplayEnd.Outcome.MORE && progress;
    long pause = Math.max(patienceMillis, backoff(NACK_MILLIS));
    waitUntil(more ? tick : tick + pause + random.nextInt(NACK_JITTER_MILLIS));
    tick(tick);
  }

  private void stage(OriginId from, long tick) {
    phase = Phase.STAGING;
    askedOf = from;
    staging = host.newStaging();
    cut = 0;
    snapshotNonce = random.nextLong();
    snapshotOf = from;
    silences = 0;
    requestMore(tick);
  }

  private void requestMore(long tick) {
    Staging stage = staging;
    OriginId from = askedOf;
    if (stage == null || from == null) throw new IllegalStateException("staging from nobody");
    windowLeft = windowChunks * chunkBytes;
    atTick = tick + STAGING_IDLE_MILLIS;
    host.sendSnapshotRequest(from, snapshotNonce, cut, stage.section(), stage.offset(), windowLeft);
  }

  private void stagingSilent(long tick) {
    if (++silences > SILENCES_MAX) {
      failed("reason=silent", tick);
    } else {
      requestMore(tick);
    }
  }

  private void failed(String detail, long tick) {
    host.event(Effect.Event.Kind.SNAPSHOT_FAILED, askedOf, detail);
    abandon();
    attempt++;
    waitUntil(tick + backoff(NACK_MILLIS) + random.nextInt((int) ANSWER_MILLIS));
  }

  /** Takes what was {@linkplain #askedForSnapshot asked for}. */
  void chunk(Frame.SnapshotChunk chunk, long tick) {
    Staging stage = staging;
    if (phase != Phase.STAGING || stage == null) return;
    if (cut != 0 && chunk.cut() != cut) return;
    int before = stage.section();
    if (!stage.add(chunk)) {
      boolean ahead =
          chunk.section() > stage.section()
              || (chunk.section() == stage.section() && chunk.offset() > stage.offset());
      if (ahead && !gapAsked) {
        requestMore(tick);
        gapAsked = true;
      }
      return;
    }
    gapAsked = false;
    if (cut == 0) cut = chunk.cut();
    silences = 0;
    atTick = tick + STAGING_IDLE_MILLIS;
    boolean partial = partialAllowed && stage.section() > before + 1;
    if (stage.complete() || stage.stopped() || partial) {
      OriginId from = askedOf;
      staging = null;
      if (from != null && !partial) { // the cut can be forgotten
        host.sendSnapshotRequest(from, snapshotNonce, cut, stage.sections(), 0, 0);
      }
      switch (host.install(stage, from)) {
        case DONE -> {}
        case BEYOND -> {
          reset(); // there is nothing to repair any more
          return;
        }
        case UNREADABLE -> {
          failed("reason=unreadable", tick);
          return;
        }
        case REFUSED -> {
          failed("reason=\"the peer has to start over\"", tick);
          return;
        }
        case ABANDONED -> {
          failed("reason=\"what is forgotten changed\"", tick);
          return;
        }
        case OUTLIVED -> {
          // two that are live may be about to settle which of them starts over
          if (host.joining() && attempt < OUTLIVED_MAX) {
            failed("reason=\"cannot be reconciled\"", tick);
          } else {
            reset();
            host.startOver();
          }
          return;
        }
      }
      host.event(Effect.Event.Kind.SNAPSHOT_INSTALLED, from, "");
      attempt = 0;
      windowChunks = WINDOW_CHUNKS;
      waitUntil(tick);
    } else if (windowDone(chunk)) {
      requestMore(tick);
    }
  }

  private boolean windowDone(Frame.SnapshotChunk chunk) {
    windowLeft -= Math.max(1, Frame.Piece.bytes(chunk.pieces()));
    return !chunk.last() && windowLeft <= 0;
  }

  /** What was {@linkplain #askedForSnapshot asked for} is not to be had. */
  void refused(Frame.SnapshotRefused refusal, long tick) {
    if (phase != Phase.STAGING) return;
    if (refusal.busy() && refusal.cut() != 0) {
      if (cut != 0) return; // the number came twice
      cut = refusal.cut();
      requestMore(tick);
      return;
    }
    if (!refusal.busy() && refusal.cut() != cut) return;
    // it took so long to go on that somebody else has the place
    if (!refusal.busy()) windowChunks = Math.max(1, windowChunks / 2);
    abandon();
    attempt++;
    waitUntil(tick + (refusal.busy() ? BUSY_MILLIS : random.nextInt((int) ANSWER_MILLIS)));
  }
}
