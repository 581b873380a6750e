package org.natskvcache.node;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Peers.Peer;
import org.natskvcache.replication.ReplayRing;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.MutationSize;
import org.natskvcache.replication.wire.Seal;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Decision;
import org.natskvcache.store.Feature;
import org.natskvcache.store.Key;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;
import org.natskvcache.store.Reply;

/**
 * One replica, pure: commands and frames in, replies and effects out. Time is an argument,
 * randomness a seeded generator.
 *
 * <p>A command is decided against what shows here; if it changes something, the change becomes this
 * origin's next mutation, is applied, kept for replay and queued for publication. A peer's mutation
 * is applied when everything its author had seen is applied; what is missing is asked for. Not
 * thread-safe: one thread at a time.
 */
public final class Node {
  private static final int ANSWER_JITTER_MILLIS = 20;
  private static final int BEHIND_JITTER_MILLIS = 250;

  /**
   * While a group writes, everybody is a little behind somebody; telling each time would set all to
   * telling all without end. So an instance tells once in so many milliseconds, more in a large
   * group.
   */
  private static final long BEHIND_MILLIS = 1_000;

  private static final long BEHIND_MILLIS_EACH = 50;
  private static final long VECTOR_REQUEST_MILLIS = 1_000;

  /**
   * One that left and was not heard of for so long is sure not to write again. It may not have been
   * its own notice, and it may be cut off.
   */
  static final long LEFT_SILENCE_MILLIS = 3_600_000;

  /** Of all buckets, those after the last one: the shortest answer that tells the time. */
  private static final long NO_BUCKETS = Integer.MAX_VALUE;

  /**
   * A joining node asks for offers this often; only then does silence mean that nobody is there.
   */
  static final int OFFER_REQUESTS = 5;

  /** It asks so often while it hears a live peer, which may have too many requests to answer. */
  static final int OFFER_REQUESTS_HEARING = 150;

  static final String HORIZON_AHEAD =
      "new instances count as forgotten here, because a clock was ahead when others were forgotten";

  static final String NAMES_FULL =
      "what new instances write is dropped: the keys held were written by as many as can be told apart, "
          + Origins.NAMES_MAX;

  /** About one peer; what more there is to find, {@code doctor} finds. */
  private static final int INQUIRIES_MAX = 100;

  /** About what one mark of a vector takes on the wire. */
  private static final int MARK_BYTES = 20;

  private static final String DIVERGENCE = "divergence: ";

  /** How an alarm about a mutation with a clock in the future begins. */
  public static final String AHEAD = "a mutation's clock is ahead of the time";

  /** How an alarm about a notice that was not true begins. */
  public static final String GOES_ON = "an origin that left goes on writing";

  /** A bucket is looked through so often; with 1,024 buckets all in 17 minutes. */
  private static final long VERIFY_MILLIS = 1_000;

  /** Changes nothing: removes a key that cannot exist, its namespace having no name. */
  private static final Op TOUCH =
      new Op.Delete(new Key(new Bytes(new byte[] {0, 1})), Observed.NOTHING, false);

  /** More than an operation ever adds to the account beyond key and value, bytes. */
  private static final int ENTRY_OVERHEAD_MAX = 1_000;

  private static final Reply CLOSED =
      new Reply.Rejected(Reply.Reason.CLOSED, "the cache has left its group");

  private final NodeSettings settings;
  private Limits limits;
  private final ReplicatedState replicated;
  private final Origins origins;
  private final FrameCodec codec;

  private final OtherKeys otherKeys;
  private final Peers peers;
  private final Agreement agreement;
  private final Room room;
  private final Reaper reaper;
  private final Forgetting forgetting;
  private final RandomGenerator random;
  private final Heartbeats heartbeats;
  private final Repair repair;
  private final SnapshotServer server;
  private final PeerClocks clocks;
  private final Payload payload = new Payload();
  private final Gaps gaps;
  private final ReplayedPieces pieces;
  private final DigestServer digests;
  private final RequestLimits requests = new RequestLimits();
  private final Inquiry inquiry;

  private final List<Effect> effects = new ArrayList<>();
  private final List<Mutation> unsent = new ArrayList<>();
  private int unsentBytes;

  private ReplicaStatus.State state;
  private boolean connected;
  private long stateSinceTick;
  private long offersUntilTick = Long.MAX_VALUE;
  private int offerRequests;
  private @Nullable VersionVector joinTarget;
  private boolean offered;
  private boolean caughtUp;
  private boolean foundBehind;
  private long progressMark;
  private boolean leaveHeard;

  /** So many of the mutations written here some peer has shown to have. */
  private long heardWrites;

  private long toldBehindTick = Long.MIN_VALUE / 2;
  private @Nullable String alarm;

  /** Why we cannot follow the group any more; null while we can. */
  private @Nullable String outdated;

  private final OtherVersions otherVersions;
  private boolean alarmIsOfClaims;
  private long renamedTick;
  private long mutationsAhead;

  /** What was written under former names and no peer has shown to have, last sequences by slot. */
  private final Map<Integer, Long> unheard = new HashMap<>();

  /** Of our requests for vectors. */
  private final long vectorNonce;

  /** Our requests for offers have this and their number as nonce. */
  private long offerNonce;

  private long unasked;

  /** When one that counts as forgotten here was last heard to be live. */
  private long liveForgottenTick = Long.MIN_VALUE / 2;

  /** Until when it is told that a mutation was dropped for want of names. */
  private long namesFullUntilTick = Long.MIN_VALUE;

  private long verifyTick;
  private int verifyBucket;
  private long tick;
  private long wallMillis;

  public Node(NodeSettings settings, OriginId id, RandomGenerator random, Time now) {
    this.settings = settings;
    this.limits = settings.limits();
    replicated = new ReplicatedState(settings, id, new StateListener());
    origins = replicated.origins();
    codec = new FrameCodec(origins, settings.keys(), FrameKeys.Use.WRITE);
    otherKeys = new OtherKeys(settings.silenceMillis());
    peers = new Peers(origins, slot -> applied().mark(slot) > 0);
    agreement = new Agreement(replicated, peers, this::diverged);
    room = new Room(replicated, limits.capacity(), (what, detail) -> event(what, null, detail));
    reaper = new Reaper(replicated, peers, room, settings.heartbeatMillis());
    forgetting = new Forgetting(replicated, peers, settings.limits().silentOriginsMax());
    this.random = random;
    heartbeats = new Heartbeats(settings.heartbeatMillis(), random);
    repair = new Repair(new RepairHost(), random, settings);
    server = new SnapshotServer(limits, settings.defect(), replicated::newCut, random.nextLong());
    pieces = new ReplayedPieces(settings.defect());
    gaps = new Gaps(Math.max(Gaps.PATIENCE_MILLIS, settings.silenceMillis()));
    digests = new DigestServer(replicated);
    otherVersions = new OtherVersions(settings.silenceMillis());
    long half = PeerClocks.QUESTIONS / 2;
    inquiry = new Inquiry(replicated, new InquiryHost(), random.nextLong(half));
    long question = PeerClocks.QUESTIONS + random.nextLong(half);
    clocks = new PeerClocks(settings, new ClockHost(), question, now);
    vectorNonce = random.nextLong();
    state = settings.replicated() ? ReplicaStatus.State.JOINING : ReplicaStatus.State.STANDALONE;
    connected = !settings.replicated();
    stateSinceTick = now.tickMillis();
    renamedTick = now.tickMillis() - settings.heartbeatMillis();
    verifyTick = now.tickMillis() + VERIFY_MILLIS;
    at(now);
    if (settings.replicated()) effects.add(new Effect.ListenAs(id));
  }

  private void at(Time now) {
    tick = now.tickMillis();
    wallMillis = now.wallMillis();
    clocks.at(now);
  }

  // ---------------------------------------------------------------- calls

  /** Runs a command here and now; once it has left its group, a node changes nothing any more. */
  public Reply call(Command command, Time now) {
    at(now);
    if (outdated != null) return outdated(command, outdated);
    if (command instanceof Command.Batch(var commands)) {
      for (Command each : commands) {
        Reply refusal = replicated.oversized(each);
        if (refusal != null) return new Reply.Batch(Collections.nCopies(commands.size(), refusal));
      }
      Reply full = refusal(commands, now);
      if (full != null) return new Reply.Batch(Collections.nCopies(commands.size(), full));
      List<Reply> replies = new ArrayList<>(commands.size());
      for (Command each : commands) replies.add(call(each, now));
      return new Reply.Batch(replies);
    }
    long stamp = stamp();
    Decision decision = replicated.decide(command, now.wallMillis(), stamp);
    Op op = decision.op();
    if (op == null) return decision.reply();
    if (state == ReplicaStatus.State.LEFT) return CLOSED;
    Reply lacking = lacking(op.feature());
    if (lacking != null) return lacking;
    if (room.surelyFits(growthMax(1), 1) || room.surelyFits(Keyspace.growthMax(op), 1)) {
      author(op, stamp);
      return decision.reply();
    }
    Reply full = room.refusal(room.need().add(op), op.key(), now.wallMillis(), this::author);
    if (full != null) return full;
    author(op);
    return decision.reply();
  }

  private static Reply outdated(Command command, String why) {
    Reply refusal = new Reply.Rejected(Reply.Reason.OUTDATED, why);
    if (!(command instanceof Command.Batch(var commands))) return refusal;
    return new Reply.Batch(Collections.nCopies(commands.size(), refusal));
  }

  /** Why what needs this feature is refused; null when all live instances have it. */
  @Nullable Reply lacking(@Nullable Feature needed) {
    if (needed == null) return null;
    for (Peer peer : peers.all()) {
      if (!peer.live || needed.isIn(peer.features)) continue;
      String text = needed.name() + ": instance " + origins.id(peer.slot) + " lacks it; upgrade it";
      return new Reply.Rejected(Reply.Reason.FEATURE_MISSING, text);
    }
    return null;
  }

  /** Makes room for a whole batch; null when there is, else why none of it is to be run. */
  private @Nullable Reply refusal(List<Command> commands, Time now) {
    int size = commands.size();
    if (room.surelyFits(growthMax(size), size) || state == ReplicaStatus.State.LEFT) return null;
    Room.Need need = room.need();
    long stamp = stamp();
    for (Command each : commands) {
      if (each instanceof Command.Batch) continue; // asks for itself
      Op op = replicated.decide(each, now.wallMillis(), stamp).op();
      if (op != null) need.add(op);
    }
    return room.refusal(need, null, now.wallMillis(), this::author);
  }

  /** What so many operations add at most, whatever they are. */
  private long growthMax(int operations) {
    return operations * ((long) limits.entryBytesMax() + ENTRY_OVERHEAD_MAX);
  }

  private long stamp() {
    return replicated.stamp(clocks.wallMillis());
  }

  /** Makes an operation our next mutation, with a stamp of its own. */
  private void author(Op op) {
    author(op, stamp());
  }

  /** Emits {@link Effect.Changed} for these keys from now on; null for none. */
  public void watch(@Nullable Predicate<Key> keys) {
    replicated
        .keyspace()
        .watch(
            keys == null
                ? null
                : new Keyspace.Watching() {
                  @Override
                  public boolean wants(Key key) {
                    return keys.test(key);
                  }

                  @Override
                  public void changed(Key key, @Nullable Bytes value) {
                    effects.add(new Effect.Changed(key, value, null));
                  }
                });
  }

  private void author(Op op, long stamp) {
    Mutation mutation = replicated.author(op, stamp);
    room.look();
    reaper.schedule(tick);
    if (!settings.replicated()) return;
    unsent.add(mutation);
    unsentBytes += mutation.weight();
    heartbeats.wrote(tick);
  }

  /** What the state tells of its changes. */
  private final class StateListener implements ReplicatedState.Listener {
    @Override
    public void beforeChange(int bucket) {
      server.beforeChange(bucket);
    }

    @Override
    public void settled(int slot) {
      if (peers.find(slot) == null) return;
      peers.remove(slot);
      // tells the one who leaves that its last word arrived
      publish(Channel.DIRECT, origins.id(slot), new Frame.Vector(id(), 0, applied()));
    }

    @Override
    public void forgot(SortedMap<OriginId, Long> gone) {
      unheard.keySet().removeIf(slot -> gone.containsKey(origins.id(slot)));
      effects.add(new Effect.Forgot(gone));
    }

    @Override
    public void contradiction(String text) {
      alarm(text);
    }
  }

  /** Bytes of mutations authored and not yet turned into frames by {@link #flush}. */
  public int unsentBytes() {
    return unsentBytes;
  }

  /** Turns the mutations authored since the last flush into frames to publish. */
  public void flush() {
    if (unsent.isEmpty()) return;
    frames(unsent, frame -> publish(Channel.MUTATIONS, null, frame));
    unsent.clear();
    unsentBytes = 0;
  }

  /** Packs mutations into frames: consecutive ones of one origin together, up to the frame size. */
  private void frames(List<Mutation> mutations, Consumer<Frame.Mutations> to) {
    int from = 0;
    int bytes = 0;
    for (int i = 0; i < mutations.size(); i++) {
      boolean follows =
          i > from
              && mutations.get(i).dot() == mutations.get(i - 1).dot() + 1
              && mutations.get(i).contextForgotten() == null;
      int size = MutationSize.bytesMax(mutations.get(i));
      if (i > from && (!follows || bytes + size > limits.frameBytes())) {
        to.accept(frame(mutations.subList(from, i)));
        from = i;
        bytes = 0;
      }
      bytes += size;
    }
    to.accept(frame(mutations.subList(from, mutations.size())));
  }

  private Frame.Mutations frame(List<Mutation> mutations) {
    return new Frame.Mutations(origins.id(Dot.slot(mutations.getFirst().dot())), mutations);
  }

  private void publish(Channel channel, @Nullable OriginId target, Frame frame) {
    if (state == ReplicaStatus.State.STANDALONE) return;
    if (state == ReplicaStatus.State.LEFT && channel != Channel.DIRECT) return;
    publish(channel, target, frame, codec.encode(frame, channel, target));
  }

  /** Publishes an answer, sealed as the question was. */
  private void publish(Channel channel, OriginId target, Frame frame, Seal seal) {
    publish(channel, target, frame, codec.encode(frame, channel, target, seal));
  }

  private void publish(Channel channel, @Nullable OriginId target, Frame frame, byte[] bytes) {
    if (payload.takes(frame, bytes.length)) {
      effects.add(new Effect.Publish(channel, target, bytes));
    } else if (frame instanceof Frame.Mutations) {
      effects.add(new Effect.Announced(bytes));
      heartbeats.announce(tick);
    } else if (payload.unsendable(frame, bytes.length)) {
      String what = "frame=" + frame.getClass().getSimpleName() + " bytes=" + bytes.length;
      event(Effect.Event.Kind.UNSENDABLE, null, what);
    }
  }

  /** Takes out what is to be done outside, in order. */
  public List<Effect> takeEffects() {
    if (effects.isEmpty()) return List.of();
    List<Effect> taken = new ArrayList<>(effects);
    effects.clear();
    return taken;
  }

  public boolean hasEffects() {
    return !effects.isEmpty();
  }

  // ---------------------------------------------------------------- frames

  /**
   * Takes one frame.
   *
   * @param channel where it came from; each type of frame counts on its own channels only
   * @throws MalformedFrameException for bytes that are no frame of ours; nothing that is replicated
   *     was changed then
   */
  public void receive(Channel channel, byte[] bytes, Time now) throws MalformedFrameException {
    at(now);
    if (state == ReplicaStatus.State.STANDALONE) return;
    try {
      received(channel, bytes, now);
    } catch (MalformedFrameException malformed) {
      unreadable(malformed);
      throw malformed;
    }
  }

  private void received(Channel channel, byte[] bytes, Time now) throws MalformedFrameException {
    Frame frame = decode(channel, bytes);
    take(frame, now);
    releaseNames(frame);
  }

  /**
   * Lets go of the origins that a frame named and nothing refers to now, as where its sender is not
   * counted as a peer. What is written may refer to any.
   */
  private void releaseNames(Frame frame) {
    if (frame instanceof Frame.Mutations
        || frame instanceof Frame.Replayed
        || frame instanceof Frame.SnapshotChunk) return;
    Peer peer = peers.find(origins.find(frame.from()));
    VersionVector target = joinTarget;
    origins.rollback(slot ->
        slot == replicated.me()
            || (peer != null && (slot == peer.slot || peer.known.mark(slot) > 0))
            || (target != null && target.mark(slot) > 0)
            || replicated.left(slot) != null);
  }

  private void take(Frame frame, Time now) throws MalformedFrameException {
    if (state == ReplicaStatus.State.LEFT) {
      afterLeaving(frame);
      return;
    }
    if (!asked(frame) && settings.defect() != Defect.UNASKED_ANSWERS_COUNT) {
      unasked++;
      return;
    }
    if (frame instanceof Frame.DigestRequest request) {
      answer(request, now); // its sender may be no instance at all
      return;
    }
    boolean ours = frame.from().equals(id());
    if ((!ours || frame instanceof Frame.Leave) && clocks.refuses(frame)) {
      answerRefused(frame);
      return;
    }
    if (isForgotten(frame.from())) {
      ofForgotten(frame);
      return;
    }
    if (ours && frame instanceof Frame.Leave) saidToHaveLeft();
    boolean ignored = ours || (gone(frame.from()) && !tellsOfLife(frame));
    if (ignored && !(frame instanceof Frame.Mutations)) return;
    switch (frame) {
      case Frame.Mutations(var from, var mutations) -> mutations(from, mutations);
      case Frame.Beacon(var from, var sequence, var wallMillis) ->
          beacon(from, sequence, wallMillis);
      case Frame.Heartbeat heartbeat -> heartbeat(heartbeat);
      case Frame.Leave leave -> leave(leave);
      case Frame.OfferRequest request -> offerRequest(request);
      case Frame.Offer offer -> offer(offer);
      case Frame.ReplayRequest request -> replayRequest(request);
      case Frame.Replayed piece -> replayed(piece);
      case Frame.ReplayEnd end -> replayEnd(end);
      case Frame.SnapshotRequest request ->
          server.serve(
              request, id(), tick, answer -> publish(Channel.DIRECT, request.from(), answer));
      case Frame.SnapshotChunk chunk -> repair.chunk(chunk, tick);
      case Frame.SnapshotRefused refusal -> repair.refused(refusal, tick);
      case Frame.VectorRequest request -> vectorRequest(request);
      case Frame.Vector(var from, var _, var vector) -> {
        renameIfForgotten(vector.forgotten());
        heardHolding(from, vector);
        repairIfLacking();
      }
      case Frame.DigestRequest request -> {} // answered above
      case Frame.DigestResponse answer -> {
        inquiry.answered(answer, tick);
        clocks.answered(answer);
      }
    }
    Peer sender = peers.find(origins.find(frame.from()));
    if (sender != null && !(frame instanceof Frame.Mutations)) noteHeard(sender.known);
    settleJoin();
    catchUp();
  }

  /** Whether a frame answers a question of ours, or is no answer. */
  private boolean asked(Frame frame) {
    return switch (frame) {
      case Frame.Offer offer -> {
        long request = offer.nonce() - offerNonce;
        yield request >= 1 && request <= offerRequests;
      }
      case Frame.Replayed piece -> repair.asked(piece.from(), piece.nonce());
      case Frame.ReplayEnd end -> repair.asked(end.from(), end.nonce());
      case Frame.SnapshotChunk chunk -> repair.askedForSnapshot(chunk.from(), chunk.nonce());
      case Frame.SnapshotRefused no -> repair.askedForSnapshot(no.from(), no.nonce());
      case Frame.Vector vector -> vector.nonce() == vectorNonce;
      case Frame.DigestResponse answer -> askedForDigests(answer.question());
      default -> true;
    };
  }

  private boolean askedForDigests(long question) {
    return inquiry.asked(question) || clocks.asked(question);
  }

  /** Whether an origin is gone so long that it counts as forgotten, and is not heard. */
  private boolean isForgotten(OriginId from) {
    return replicated.isForgotten(from) && peers.find(origins.find(from)) == null;
  }

  /**
   * Whoever was forgotten, or has an id so old that it seems so, is told how things are: it will
   * start over, or take a new name.
   */
  private void ofForgotten(Frame frame) {
    switch (frame) {
      case Frame.OfferRequest request -> offerRequest(request);
      case Frame.ReplayRequest request -> answer(request);
      case Frame.SnapshotRequest request ->
          server.serve(
              request, id(), tick, answer -> publish(Channel.DIRECT, request.from(), answer));
      case Frame.VectorRequest request -> vectorRequest(request);
      case Frame.Heartbeat heartbeat -> {
        if (heartbeat.live()) liveForgottenTick = tick;
        renameIfForgotten(heartbeat.active().forgotten());
        heartbeats.soon(tick, BEHIND_JITTER_MILLIS);
        publish(Channel.DIRECT, heartbeat.from(), new Frame.VectorRequest(id(), vectorNonce));
      }
      case Frame.Vector(var from, var _, var vector) -> {
        if (applied().coversForgotten(vector)) return;
        heardHolding(from, vector); // it has what we took for forgotten
        repairIfLacking();
      }
      default -> {} // what is left of it under way
    }
  }

  /** Takes a new name if this one has written nothing and counts as forgotten elsewhere. */
  private void renameIfForgotten(@Nullable Forgotten forgotten) {
    if (forgotten != null && forgotten.includes(id()) && replicated.written() == 0) {
      rename(forgotten.until());
    }
  }

  private void rename(@Nullable OriginId youngerThan) {
    flush();
    if (heardWrites < replicated.written()) unheard.put(replicated.me(), replicated.written());
    long birth = Math.max(0, clocks.wallMillis());
    if (youngerThan != null) birth = Math.max(birth, youngerThan.birthMillis() + 1);
    birth = Math.min(birth, OriginId.BIRTH_MAX);
    OriginId next = OriginId.of(birth, random.nextLong(), random.nextLong());
    replicated.rename(next, new Time(wallMillis, tick), clocks.clockMax());
    heardWrites = 0;
    renamedTick = tick;
    effects.add(new Effect.ListenAs(id()));
    heartbeats.soon(tick, 0);
  }

  /** Takes another name, because the others would not follow this one, and tells why. */
  private void rename(String reason) {
    OriginId old = id();
    long written = replicated.written();
    Forgotten forgotten = applied().forgotten();
    rename(forgotten == null ? null : forgotten.until());
    publish(Channel.HEARTBEATS, null, new Frame.Leave(old, written, wallMillis));
    event(Effect.Event.Kind.RENAMED, old, "to=" + id() + " reason=\"" + reason + "\"");
  }

  /**
   * Somebody told the group that we left. It has stopped to listen to this name, so we go on under
   * another one; but only now and then, since each name is remembered for long. Between, the others
   * find out by our heartbeats.
   */
  private void saidToHaveLeft() {
    if (settings.defect() == Defect.IGNORES_OWN_LEAVE) return;
    if (tick - renamedTick >= settings.heartbeatMillis()) {
      rename("somebody said that this instance left");
    } else {
      heartbeats.soon(tick, ANSWER_JITTER_MILLIS);
    }
  }

  /**
   * A name that was given by a wrong clock, and says that its bearer is not born yet. Where such a
   * clock has set our horizon too, every younger name says the same, so there is none to take; and
   * those who are live count as forgotten here.
   */
  private void renameIfNotBorn() {
    boolean sure = state == ReplicaStatus.State.JOINING || clocks.errorMillis() == 0;
    if (!sure || !clocks.bornBeyond(id())) return;
    if (horizonAhead()) {
      boolean liveOnes = hearsLivePeer() || tick - liveForgottenTick < settings.silenceMillis();
      boolean joins = state == ReplicaStatus.State.JOINING && liveOnes;
      if (joins) effects.add(new Effect.StartOver());
      return;
    }
    rename("the clock was ahead when the old name was given");
  }

  private boolean horizonAhead() {
    Forgotten forgotten = applied().forgotten();
    return forgotten != null && clocks.bornBeyond(forgotten.until());
  }

  /**
   * What the peers still lack of what was written here they may ask for, and say when they have it.
   */
  private void afterLeaving(Frame frame) {
    switch (frame) {
      case Frame.Vector(var from, var _, var vector) -> {
        noteHeard(vector);
        leaveHeard |= writesHeard();
      }
      case Frame.ReplayRequest request -> answer(request);
      default -> {}
    }
  }

  private void noteHeard(VersionVector theirs) {
    heardWrites = Math.max(heardWrites, theirs.get(replicated.me()));
    unheard.entrySet().removeIf(each -> theirs.get(each.getKey()) >= each.getValue());
  }

  /** Whether this origin left and its last word is here: what else comes of it was under way. */
  private boolean gone(OriginId from) {
    int slot = origins.find(from);
    return replicated.left(slot) != null && peers.find(slot) == null;
  }

  /** Whether a frame, if it is not late, shows that its sender did not leave, or when it did. */
  private static boolean tellsOfLife(Frame frame) {
    return frame instanceof Frame.Heartbeat
        || frame instanceof Frame.Beacon
        || frame instanceof Frame.Leave;
  }

  /**
   * Whether an origin left and did not say this after its notice. If it did, the notice was not its
   * own, or a late one.
   */
  private boolean saidBeforeLeaving(OriginId from, long sentWallMillis) {
    int slot = origins.find(from);
    ReplicatedState.Left notice = replicated.left(slot);
    if (notice == null) return false;
    if (sentWallMillis <= notice.wallMillis()) return true;
    stays(slot);
    return false;
  }

  private void stays(int slot) {
    replicated.stays(slot);
    Peer peer = peers.find(slot);
    if (peer != null) peer.known.drop(slot); // its last sequence, by the notice
  }

  /** Whoever joins with another key is to learn at once that it is not alone. */
  private void otherKey() {
    if (otherKeys.heard(tick)) heartbeats.soon(tick, ANSWER_JITTER_MILLIS);
  }

  private Frame decode(Channel channel, byte[] bytes) throws MalformedFrameException {
    try {
      return codec.decode(bytes, channel, id());
    } catch (MalformedFrameException malformed) {
      Frame astray =
          malformed.kind() == MalformedFrameException.Kind.WRONG_CHANNEL ? astray(bytes) : null;
      if (astray != null) return astray;
      if (malformed.kind() == MalformedFrameException.Kind.OTHER_KEY) otherKey();
      throw malformed;
    }
  }

  /** What {@link Defect#ANY_CHANNEL_COUNTS} takes a frame for; else null. */
  private @Nullable Frame astray(byte[] bytes) {
    if (settings.defect() != Defect.ANY_CHANNEL_COUNTS) return null;
    for (Channel other : Channel.values()) {
      try {
        return codec.decode(bytes, other, id());
      } catch (MalformedFrameException elsewhere) {
        // the next one
      }
    }
    return null;
  }

  /** What is told by a frame that is dropped: one of another release, or one too many. */
  private void unreadable(MalformedFrameException malformed) {
    boolean full = origins.size() >= Origins.NAMES_MAX;
    if (full && malformed.kind() == MalformedFrameException.Kind.TOO_MANY_NAMES) {
      namesFullUntilTick = tick + settings.silenceMillis();
    }
    OriginId from = malformed.from();
    if (from == null || state == ReplicaStatus.State.LEFT) return;
    long number = malformed.number();
    if (malformed.kind() == MalformedFrameException.Kind.UNKNOWN_VERSION) {
      if (!otherVersions.heard(from, number, tick)) return;
      event(Effect.Event.Kind.OTHER_VERSION, from, OtherVersions.about(number));
    } else if (malformed.kind() == MalformedFrameException.Kind.UNKNOWN_OPERATION
        && isNeeded(from, number)) {
      if (settings.defect() == Defect.SKIPS_UNKNOWN_OPERATION) replicated.skip(from, number, TOUCH);
      else cannotFollow(from, "it writes " + malformed.getMessage());
    }
  }

  /** Whether the mutation is still to be applied here; any other tells nothing. */
  private boolean isNeeded(OriginId from, long sequence) {
    if (from.equals(id()) || isForgotten(from)) return false;
    int slot = origins.find(from);
    return slot < 0 || sequence > applied().get(slot);
  }

  /** Stops for good: what the group holds from here on cannot be known by this release. */
  private void cannotFollow(OriginId peer, String what) {
    if (state == ReplicaStatus.State.OUTDATED) return;
    String text = what + ", which this release does not know; upgrade this one";
    outdated = "cannot follow instance " + peer + ": " + text;
    event(Effect.Event.Kind.CANNOT_FOLLOW, peer, text);
    if (state == ReplicaStatus.State.LIVE) effects.add(new Effect.AnswerReplays(false));
    become(ReplicaStatus.State.OUTDATED);
    offersUntilTick = Long.MAX_VALUE;
    repair.reset();
    heartbeats.soon(tick, 0);
  }

  private void mutations(OriginId from, List<Mutation> mutations) {
    int slot = origins.slot(from);
    long last = Dot.sequence(mutations.getLast().dot());
    boolean own = slot == replicated.me() && settings.defect() == Defect.NONE;
    if (own && last > replicated.written()) {
      alarm("another instance writes as this origin");
      rename("another instance writes under the old name");
      replicated.stays(slot);
    }
    ReplicatedState.Left notice = replicated.left(slot);
    if (notice != null && last > notice.finalSequence()) {
      alarmOfClaims(GOES_ON + ", origin=" + from);
      stays(slot);
    }
    long clockMax = clocks.clockMax();
    for (Mutation mutation : mutations) {
      if (!replicated.deliver(mutation, clockMax)) repair.cameTwice();
      else if (mutation.hlc() > clockMax) ahead(from);
    }
    replicated.deliverHeldBack(clockMax);
    room.look();
    reaper.schedule(tick);
    Peer author = peers.find(slot);
    if (author != null) author.known.raise(slot, last);
    repairIfLacking();
  }

  /** A mutation with a clock in the future counts as any; it is only told. */
  private void ahead(OriginId author) {
    mutationsAhead++;
    if (alarm != null || state != ReplicaStatus.State.LIVE) return;
    if (clocks.errorMillis() == 0) alarmOfClaims(AHEAD + ", origin=" + author);
  }

  /** The sender as a peer; null where there is no room for one more. */
  private @Nullable Peer heard(OriginId from) {
    return heard(from, false);
  }

  private @Nullable Peer heard(OriginId from, boolean asked) {
    boolean known = peers.find(origins.find(from)) != null;
    Peer peer = peers.heard(from, tick, asked);
    if (peer != null && !known) event(Effect.Event.Kind.PEER_FOUND, from, "");
    return peer;
  }

  private void heardHolding(OriginId from, VersionVector vector) {
    Peer peer = heard(from);
    if (peer != null) peer.known.raiseAll(vector);
  }

  private void beacon(OriginId from, long sequence, long wallMillis) {
    if (saidBeforeLeaving(from, wallMillis)) return;
    Peer peer = heard(from);
    if (peer == null) return;
    peer.known.raise(peer.slot, sequence);
    shown(peer, sequence, wallMillis);
    repairIfLacking();
  }

  private void shown(Peer peer, long sequence, long sentWallMillis) {
    if (applied().get(peer.slot) >= sequence) {
      peer.shownWallMillis = Math.max(peer.shownWallMillis, sentWallMillis);
    }
  }

  /** What {@link PeerClocks} needs of this node. */
  private final class ClockHost implements PeerClocks.Host {
    @Override
    public boolean joining() {
      return state == ReplicaStatus.State.JOINING;
    }

    @Override
    public void warn(OriginId sender, long aheadMillis) {
      event(Effect.Event.Kind.CLOCK_SKEW, sender, "aheadMillis=" + aheadMillis);
    }

    @Override
    public void askForTime(OriginId sender, long question) {
      int all = Frame.DigestRequest.ALL_BUCKETS;
      Frame request = new Frame.DigestRequest(id(), false, question, all, NO_BUCKETS);
      publish(Channel.DIRECT, sender, request);
    }
  }

  private List<String> problems(long now) {
    List<String> problems = new ArrayList<>();
    if (otherKeys.lately(now)) problems.add(OtherKeys.PROBLEM);
    if (now < namesFullUntilTick) problems.add(NAMES_FULL);
    String versions = otherVersions.text(now);
    if (versions != null) problems.add(versions);
    boolean follows = state != ReplicaStatus.State.LEFT && state != ReplicaStatus.State.OUTDATED;
    if (connected && follows) {
      gaps.look(replicated, peers, now);
      String unsendable = payload.trouble(heardWrites);
      String missing = repair.staging() ? null : gaps.trouble(now);
      if (unsendable != null) problems.add(unsendable);
      if (missing != null) problems.add(missing);
      if (horizonAhead()) problems.add(HORIZON_AHEAD);
    }
    return problems;
  }

  private @Nullable String hindrance() {
    if (state == ReplicaStatus.State.OUTDATED) return outdated;
    return state == ReplicaStatus.State.JOINING ? clocks.hindrance() : null;
  }

  /** What somebody asks for is answered though nothing of what it claims is believed. */
  private void answerRefused(Frame frame) {
    if (frame instanceof Frame.ReplayRequest request) answer(request);
    if (frame instanceof Frame.Heartbeat hello && hello.hello()) {
      heartbeats.soon(tick, ANSWER_JITTER_MILLIS);
    }
  }

  private void heartbeat(Frame.Heartbeat heartbeat) {
    if (saidBeforeLeaving(heartbeat.from(), heartbeat.wallMillis())) return;
    Peer peer = heard(heartbeat.from());
    if (peer == null) return;
    // nobody joins again under one name, so one that says so late came out of order
    peer.live = heartbeat.live() || peer.live && !heartbeat.outdated();
    peer.outdated = heartbeat.outdated();
    peer.features = heartbeat.features();
    VersionVector theirs = heartbeat.active();
    renameIfForgotten(theirs.forgotten());
    peer.known.raiseMarks(theirs);
    boolean sameRest = agreement.sameRest(peer, heartbeat);
    if (!sameRest) askForVector(peer);
    catchUp();
    boolean equal = agreement.compare(peer, heartbeat, sameRest, caughtUp);
    shown(peer, heartbeat.sequence(), heartbeat.wallMillis());
    // the whole vector and not only the marks of live origins: a reset's author may be long gone
    if (applied().get(peer.slot) >= peer.known.get(peer.slot)) {
      replicated.keyspace().acknowledge(peer.slot, peer.known);
    }
    if (heartbeat.hello()) heartbeats.soon(tick, ANSWER_JITTER_MILLIS);
    else if (!equal && !peer.known.covers(applied())) tellWhoIsBehind();
    repairIfLacking();
  }

  private void tellWhoIsBehind() {
    long rest = Math.max(BEHIND_MILLIS, BEHIND_MILLIS_EACH * peers.count());
    if (tick - toldBehindTick < rest) return;
    toldBehindTick = tick;
    heartbeats.soon(tick, BEHIND_JITTER_MILLIS);
  }

  private void askForVector(Peer peer) {
    if (tick - peer.vectorAskedTick < VECTOR_REQUEST_MILLIS) return;
    peer.vectorAskedTick = tick;
    publish(Channel.DIRECT, origins.id(peer.slot), new Frame.VectorRequest(id(), vectorNonce));
  }

  private void answer(Frame.DigestRequest request, Time now) {
    if (request.from().equals(id())) return;
    boolean live = state == ReplicaStatus.State.LIVE;
    Frame answer = digests.answer(request, live, now, limits);
    if (answer == null) return;
    Channel back = request.observer() ? Channel.OBSERVER : Channel.DIRECT;
    Seal seal = codec.lastSeal();
    publish(back, request.from(), answer, seal);
    boolean first = request.bucket() == Frame.DigestRequest.ALL_BUCKETS && request.start() == 0;
    if (!first || !request.observer()) return;
    // it hears no heartbeats of the group: this one tells whom we count as alive
    publish(back, request.from(), agreement.heartbeat(state, false, now.wallMillis()), seal);
  }

  private void diverged(Peer peer, String text, long ourDigest, long theirDigest) {
    OriginId with = origins.id(peer.slot);
    String about = DIVERGENCE + text + ", with peer=" + with;
    if (alarm == null || alarmIsOfClaims) alarm(about);
    if (!inquiry.idle() || peer.inquired.size() >= INQUIRIES_MAX) return;
    if (peer.inquired.add(Hash64.chain(ourDigest, theirDigest))) inquiry.begin(with, tick);
  }

  /** What {@link Inquiry} needs of this node. */
  private final class InquiryHost implements Inquiry.Host {
    @Override
    public void ask(OriginId peer, long question, int bucket, long start) {
      Frame request = new Frame.DigestRequest(Node.this.id(), false, question, bucket, start);
      publish(Channel.DIRECT, peer, request);
    }

    @Override
    public void located(OriginId peer, String found) {
      event(Effect.Event.Kind.DIVERGENCE, peer, found);
      if (alarm == null || !alarm.startsWith(DIVERGENCE)) return;
      alarm = DIVERGENCE + "equal vectors, unequal digests, with peer=" + peer + ", " + found;
    }
  }

  /**
   * Looks whether memory still holds what its digest says, a bucket at a time, so that a fault of
   * memory is seen by the digests at all.
   */
  private void verifyNext() {
    verifyTick = tick + VERIFY_MILLIS;
    int bucket = verifyBucket;
    verifyBucket = (verifyBucket + 1) % replicated.buckets().size();
    if (keyspace().verify(bucket)) return;
    alarm("memory: what is held differs from its digest, bucket=" + bucket);
  }

  /** A notice may be late, or not its sender's own: then something else of the sender tells. */
  private void leave(Frame.Leave leave) {
    OriginId from = leave.from();
    long finalSequence = leave.finalSequence();
    if (clocks.heardAfter(from, leave.wallMillis())) return;
    ReplicatedState.Left before = replicated.left(origins.find(from));
    if (before != null && leave.wallMillis() <= before.wallMillis()) return;
    Peer peer = peers.heard(from, tick, false);
    if (peer == null) return;
    int slot = peer.slot;
    if (finalSequence < applied().mark(slot)) return; // it wrote more than that
    var notice = new ReplicatedState.Left(finalSequence, leave.wallMillis(), tick);
    if (!replicated.leaves(slot, notice)) return;
    clocks.left(from);
    event(Effect.Event.Kind.PEER_LEFT, from, "sequence=" + finalSequence);
    // it stays a peer, to be asked, until all it wrote is here
    peer.known.raise(slot, finalSequence);
    replicated.tellIfComplete(slot);
    repairIfLacking();
  }

  // ---------------------------------------------------------------- joining, replay, snapshots

  private void offerRequest(Frame.OfferRequest request) {
    if (state != ReplicaStatus.State.LIVE || !offersTo(request)) return;
    if (!requests.offer(request.from(), tick)) return;
    Frame offer = new Frame.Offer(id(), request.nonce(), wallMillis, applied(), keyspace().size());
    publish(Channel.DIRECT, request.from(), offer);
  }

  /** Of those that are live, as far as we know, only a few answer a first request. */
  private boolean offersTo(Frame.OfferRequest request) {
    int places = RequestLimits.offerers(request.attempt(), settings.defect());
    int asker = origins.find(request.from());
    return peers.elects(
        replicated.me(), places, request.nonce(), peer -> peer.live && peer.slot != asker);
  }

  private void vectorRequest(Frame.VectorRequest request) {
    if (!requests.vector(request.from(), tick)) return;
    Frame vector = new Frame.Vector(id(), request.nonce(), applied());
    publish(Channel.DIRECT, request.from(), vector);
  }

  private void offer(Frame.Offer offer) {
    VersionVector vector = offer.vector();
    renameIfForgotten(vector.forgotten());
    Peer peer = heard(offer.from(), awaitsOffers());
    if (peer == null) return;
    peer.live = true;
    peer.known.raiseAll(vector);
    if (!awaitsOffers()) {
      repairIfLacking();
      return;
    }
    offered = true;
    VersionVector target = joinTarget == null ? new VersionVector(origins) : joinTarget;
    target.raiseAll(vector);
    joinTarget = target;
    repair.now(tick);
  }

  private void replayRequest(Frame.ReplayRequest request) {
    heardHolding(request.from(), request.vector());
    answer(request);
    repairIfLacking();
  }

  private void answer(Frame.ReplayRequest request) {
    if (!requests.replay(request.from(), request.vector(), tick)) return;
    VersionVector applied = applied();
    requests.replayed(request.from(), Dot.NONE, MARK_BYTES * (long) applied.marks());
    Frame.ReplayEnd.Outcome outcome;
    if (request.vector().covers(applied)) {
      outcome = Frame.ReplayEnd.Outcome.BEHIND;
    } else if (!replicated.ring().covers(request.vector(), applied)) {
      outcome = Frame.ReplayEnd.Outcome.SNAPSHOT_NEEDED;
    } else {
      outcome = replay(request);
    }
    publish(
        Channel.DIRECT,
        request.from(),
        new Frame.ReplayEnd(id(), request.nonce(), outcome, applied));
  }

  private Frame.ReplayEnd.Outcome replay(Frame.ReplayRequest request) {
    long[] credit = {Math.min(request.creditBytes(), limits.replayBytes())};
    List<Mutation> missing = new ArrayList<>();
    boolean more =
        replicated
            .ring()
            .replay(
                request.vector(),
                missing,
                last -> {
                  credit[0] -= last.weight();
                  return credit[0] <= 0;
                });
    long bytes = 0;
    for (Mutation mutation : missing) bytes += mutation.weight();
    requests.replayed(request.from(), missing.getLast().dot(), bytes);
    int[] number = {0};
    frames(missing, frame -> replay(request, number[0]++, frame));
    return more ? Frame.ReplayEnd.Outcome.MORE : Frame.ReplayEnd.Outcome.DONE;
  }

  /** Sends a frame of mutations to one who lacks it, in pieces where it is large. */
  private void replay(Frame.ReplayRequest request, int number, Frame.Mutations frame) {
    byte[] whole = codec.encodeReplayed(frame);
    boolean large = whole.length > payload.max();
    if (large && settings.defect() == Defect.LARGE_MUTATION_NOT_REPLAYED) return;
    int pieceMax = limits.chunkBytes();
    for (int at = 0; at < whole.length; at += pieceMax) {
      int end = Math.min(whole.length, at + pieceMax);
      Bytes piece =
          new Bytes(end - at == whole.length ? whole : Arrays.copyOfRange(whole, at, end));
      publish(
          Channel.DIRECT,
          request.from(),
          new Frame.Replayed(id(), request.nonce(), number, at, whole.length, piece));
    }
  }

  private void replayed(Frame.Replayed piece) throws MalformedFrameException {
    byte[] whole = pieces.add(piece);
    if (whole == null) {
      repair.progressed(tick);
      return;
    }
    Frame.Mutations frame = codec.decodeReplayed(whole);
    if (isForgotten(frame.from())) return;
    mutations(frame.from(), frame.mutations());
  }

  private void replayEnd(Frame.ReplayEnd end) {
    heardHolding(end.from(), end.vector());
    boolean progress = applied().hash() != progressMark;
    boolean inVain = end.outcome() != Frame.ReplayEnd.Outcome.BEHIND && replicated.needsSnapshot();
    Frame.ReplayEnd.Outcome outcome =
        inVain ? Frame.ReplayEnd.Outcome.SNAPSHOT_NEEDED : end.outcome();
    repair.replayEnded(
        new Frame.ReplayEnd(end.from(), end.nonce(), outcome, end.vector()), progress, tick);
    repairIfLacking();
  }

  private void repairIfLacking() {
    if (state == ReplicaStatus.State.OUTDATED) return; // it would ask for ever
    if (repair.idle() ? lacking() : repair.hopeless() && anyHolder()) repair.noticed(tick);
  }

  private boolean anyHolder() {
    for (Peer peer : peers.all()) if (!applied().covers(peer.known)) return true;
    return false;
  }

  private boolean lacking() {
    return replicated.heldBack() > 0 || anyHolder();
  }

  /** What {@link Repair} needs of this node. */
  private final class RepairHost implements Repair.Host {
    @Override
    public boolean lacking() {
      return Node.this.lacking();
    }

    @Override
    public boolean has(Peer peer) {
      return !applied().covers(peer.known);
    }

    @Override
    public boolean authored(Peer peer) {
      return peer.known.get(peer.slot) > applied().get(peer.slot);
    }

    @Override
    public List<Peer> peers() {
      return peers.all();
    }

    @Override
    public void sendReplayRequest(long nonce, @Nullable Peer target) {
      progressMark = applied().hash();
      pieces.retain(repair::asked);
      Frame request =
          new Frame.ReplayRequest(Node.this.id(), nonce, applied(), limits.replayBytes());
      if (target == null) publish(Channel.REPLAY_ANY, null, request);
      else publish(Channel.DIRECT, origins.id(target.slot), request);
    }

    @Override
    public void sendSnapshotRequest(
        OriginId target, long nonce, long cut, int section, int offset, int windowBytes) {
      Frame request =
          new Frame.SnapshotRequest(Node.this.id(), nonce, cut, section, offset, windowBytes);
      publish(Channel.DIRECT, target, request);
    }

    @Override
    public ReplicatedState.Installed install(Staging staging, @Nullable OriginId server) {
      String unknown = staging.unknown();
      if (unknown != null && server != null) {
        cannotFollow(server, "its snapshot has " + unknown);
        return ReplicatedState.Installed.BEYOND;
      }
      SnapshotCodec.Header header = staging.header();
      if (header != null && clocks.beyond(header.vector().forgotten())) {
        return ReplicatedState.Installed.REFUSED;
      }
      ReplicatedState.Installed installed =
          sided(replicated.install(staging, clocks.clockMax()), server);
      Forgotten forgotten = applied().forgotten();
      if (forgotten != null && replicated.isForgotten(Node.this.id())) rename(forgotten.until());
      room.look();
      reaper.schedule(tick);
      return installed;
    }

    /**
     * Where two cannot be reconciled, the one that joins gives way to the one that is live,
     * whatever they forgot: nobody can join from it, so the others would start over from each other
     * for ever.
     */
    private ReplicatedState.Installed sided(
        ReplicatedState.Installed installed, @Nullable OriginId server) {
      if (installed != ReplicatedState.Installed.REFUSED
          && installed != ReplicatedState.Installed.OUTLIVED) return installed;
      Peer peer = server == null ? null : peers.find(origins.find(server));
      boolean live = state == ReplicaStatus.State.LIVE;
      boolean theirsLive = peer != null && peer.live;
      if (live == theirsLive) return installed;
      return live ? ReplicatedState.Installed.REFUSED : ReplicatedState.Installed.OUTLIVED;
    }

    @Override
    public boolean joining() {
      return state == ReplicaStatus.State.JOINING;
    }

    @Override
    public void startOver() {
      effects.add(new Effect.StartOver());
    }

    @Override
    public Staging newStaging() {
      return replicated.newStaging();
    }

    @Override
    public void abandonStaging() {
      replicated.abandonStaging();
    }

    @Override
    public OriginId id(Peer peer) {
      return origins.id(peer.slot);
    }

    @Override
    public void event(Effect.Event.Kind kind, @Nullable OriginId peer, String detail) {
      Node.this.event(kind, peer, detail);
    }
  }

  // ---------------------------------------------------------------- life

  /** The server takes messages of at most so many bytes: entries, frames and chunks keep within. */
  public void payloadMax(int bytes) {
    payload.max(bytes);
    limits = settings.limits().within(bytes);
    replicated.keyspace().limits(limits);
    server.limits(limits);
    repair.limits(limits);
  }

  /** A frame was lost, because the server does not take so many bytes: the peers ask for it. */
  public void unsendable(int bytes, Time now) {
    at(now);
    payload.refused(bytes, replicated.written());
    heartbeats.announce(tick);
  }

  /** The replication connection is up and subscribed, for the first time or again. */
  public void connected(Time now) {
    at(now);
    connected = true;
    if (state == ReplicaStatus.State.JOINING) {
      otherKeys.joining(tick);
      event(Effect.Event.Kind.JOINING, null, "");
      askForOffers(1);
    }
    heartbeats.restart(tick);
    sendHeartbeat(now, true);
  }

  /**
   * Asks again and again, counting the requests and not the time: what stopped this instance for a
   * second has not made it hear a second of silence.
   */
  private void askForOffers(int request) {
    offerRequests = request;
    offered = false;
    joinTarget = null;
    offersUntilTick = tick + settings.offerWaitMillis();
    if (request == 1) offerNonce = random.nextLong();
    int attempt = (request - 1) % OFFER_REQUESTS + 1;
    Frame frame = new Frame.OfferRequest(id(), offerNonce + request, attempt);
    publish(Channel.REPLAY_ALL, null, frame);
  }

  /**
   * Nobody was there to hear a request for offers: a joining node need not wait for any. The word
   * may be late or wrong, as when servers have not yet told each other who listens; then it is as
   * if offers had been lost.
   */
  public void nobodyListens(Time now) {
    at(now);
    if (!awaitsOffers() || !connected || offered) return;
    if (hearsLivePeer() || clocks.refusesLive()) return;
    offerRequests = OFFER_REQUESTS_HEARING;
    offersUntilTick = tick;
    settleJoin();
  }

  private boolean awaitsOffers() {
    return state == ReplicaStatus.State.JOINING && offersUntilTick != Long.MAX_VALUE;
  }

  /**
   * The replication connection is down; calls go on, and replay carries them to the peers later.
   */
  public void disconnected(Time now) {
    at(now);
    connected = false;
    repair.reset();
    pieces.clear();
    gaps.clear();
  }

  private void settleJoin() {
    if (state != ReplicaStatus.State.JOINING || !connected) return;
    VersionVector target = joinTarget;
    boolean complete = target != null && applied().covers(target);
    boolean unanswered = offersUntilTick <= tick && !offered;
    boolean asking = offersUntilTick > tick && offersUntilTick != Long.MAX_VALUE;
    if (complete && asking && clocks.noneHeard()) return; // the answers to our hello tell
    if (unanswered && otherKeys.mayBeMistakenForSilence(tick)) {
      askForOffers(1);
      return;
    }
    if (unanswered && asksOn()) {
      askForOffers(offerRequests + 1);
      return;
    }
    if ((complete || unanswered) && clocks.errorMillis() != 0) {
      offersUntilTick = tick + settings.heartbeatMillis(); // its next one may tell otherwise
      return;
    }
    if (unanswered && !complete && clocks.refusesLive()) { // that one is not believed is no silence
      offersUntilTick = tick + settings.heartbeatMillis();
      offerRequests = 0;
      return;
    }
    if (complete || unanswered) {
      renameIfNotBorn();
      become(ReplicaStatus.State.LIVE);
    } else if (offersUntilTick <= tick) {
      offersUntilTick = Long.MAX_VALUE;
    } else if (offersUntilTick == Long.MAX_VALUE && (repair.idle() || repair.hopeless())) {
      askForOffers(1); // the one we were fetching from is gone
    }
  }

  /** Whether silence is no sign yet that nobody is there. */
  private boolean asksOn() {
    Defect defect = settings.defect();
    if (defect == Defect.GOES_LIVE_ON_SHORT_SILENCE) return false;
    boolean hears = hearsLivePeer() && defect != Defect.GOES_LIVE_BESIDE_LIVE_PEERS;
    return offerRequests < (hears ? OFFER_REQUESTS_HEARING : OFFER_REQUESTS);
  }

  /**
   * Whoever went live without an offer has caught up when it has heard somebody and lacks nothing
   * that it heard of.
   */
  private void catchUp() {
    if (caughtUp || state != ReplicaStatus.State.LIVE || peers.count() == 0) return;
    caughtUp = !lacking();
    if (caughtUp && foundBehind) event(Effect.Event.Kind.CAUGHT_UP, null, entries());
    foundBehind = true;
  }

  private String entries() {
    return "entries=" + keyspace().size();
  }

  private boolean hearsLivePeer() {
    return peers.all().stream().anyMatch(peer -> peer.live);
  }

  private void become(ReplicaStatus.State next) {
    state = next;
    stateSinceTick = tick;
    if (next != ReplicaStatus.State.LIVE) return;
    offersUntilTick = Long.MAX_VALUE;
    joinTarget = null;
    caughtUp = offered;
    gaps.live(offered);
    foundBehind = false;
    event(Effect.Event.Kind.LIVE, null, entries() + (offered ? "" : " offers=none"));
    effects.add(new Effect.AnswerReplays(true));
    heartbeats.soon(tick, 0);
    reaper.schedule(tick);
  }

  /** Does what is due. */
  public void tick(Time now) {
    at(now);
    flush();
    if (settings.replicated() && connected && state != ReplicaStatus.State.LEFT) {
      if (heartbeats.heartbeatDue(tick)) {
        loseSilentPeers();
        renameIfNotBorn();
        gaps.look(replicated, peers, tick);
        forgetSilent();
        sendHeartbeat(now, false);
      }
      if (heartbeats.beaconDue(tick)) {
        Frame beacon = new Frame.Beacon(id(), replicated.written(), now.wallMillis());
        publish(Channel.HEARTBEATS, null, beacon);
      }
      repair.tick(tick);
      if (repair.idle()) pieces.clear();
      server.expire(tick);
      inquiry.tick(tick);
      if (tick >= verifyTick) verifyNext();
      settleJoin();
    }
    if (reaper.due(tick)) reap(now);
    flush();
  }

  /**
   * The moment {@link #tick} has something to do at the earliest; {@link Long#MAX_VALUE} for never.
   */
  public long nextTick() {
    long next = reaper.nextTick();
    if (!settings.replicated() || !connected || state == ReplicaStatus.State.LEFT) return next;
    next = Math.min(next, heartbeats.nextTick());
    next = Math.min(next, repair.nextTick());
    next = Math.min(next, server.nextTick());
    next = Math.min(next, inquiry.nextTick());
    next = Math.min(next, verifyTick);
    return Math.min(next, offersUntilTick);
  }

  private void loseSilentPeers() {
    for (Peer lost : peers.lostSince(tick - settings.silenceMillis())) {
      event(Effect.Event.Kind.PEER_LOST, origins.id(lost.slot), "");
    }
    if (peers.beganToRefuse()) {
      event(Effect.Event.Kind.TOO_MANY_PEERS, null, "peers=" + peers.count());
    }
    clocks.loseSilent();
    replicated.settleLeftBefore(tick - LEFT_SILENCE_MILLIS);
  }

  /** Keeps what is remembered of instances that came and went within its bound. */
  private void forgetSilent() {
    boolean settled =
        state == ReplicaStatus.State.LIVE
            && repair.idle()
            && !clocks.refusesAny() // one of them may have more of somebody than we do
            && tick - stateSinceTick > settings.silenceMillis();
    if (settled) forgetNext();
    if (replicated.wantsSweep(tick) && (settled || origins.crowded())) sweep();
  }

  private void forgetNext() {
    switch (forgetting.next(clocks::bornBeyond)) {
      case Forgetting.Step.Rest() -> {}
      case Forgetting.Step.Touch() -> author(TOUCH);
      case Forgetting.Step.Rename(var youngerThan) -> rename(youngerThan);
      case Forgetting.Step.Forget(var until) ->
          replicated.forget(until, slot -> peers.find(slot) != null);
    }
  }

  /** Lets new origins have the slots that nothing refers to any more. */
  private void sweep() {
    flush();
    BitSet used = new BitSet();
    peers.markSlots(used);
    server.markSlots(used);
    repair.markSlots(used);
    if (joinTarget != null) joinTarget.markSlots(used);
    peers.dropAll(replicated.sweep(used, tick));
  }

  private void sendHeartbeat(Time now, boolean hello) {
    flush();
    publish(Channel.HEARTBEATS, null, agreement.heartbeat(state, hello, now.wallMillis()));
  }

  /** Leaves the group: publishes what is owed and the final sequence. The data stays. */
  public void leave(Time now) {
    at(now);
    if (state == ReplicaStatus.State.STANDALONE || state == ReplicaStatus.State.LEFT) return;
    // who gets this has seen, and so asks for, what was written under former names
    if (!unheard.isEmpty()) author(TOUCH);
    flush();
    Frame leave = new Frame.Leave(id(), replicated.written(), now.wallMillis());
    publish(Channel.HEARTBEATS, null, leave);
    effects.add(new Effect.AnswerReplays(false));
    state = ReplicaStatus.State.LEFT;
    stateSinceTick = tick;
    leaveHeard = peers.all().isEmpty();
    heartbeats.stop();
    repair.reset();
    offersUntilTick = Long.MAX_VALUE;
    joinTarget = null;
  }

  /**
   * After {@link #leave}: whether a peer has shown that it has everything written here, or there
   * was none.
   */
  public boolean leaveHeard() {
    return leaveHeard;
  }

  /** Whether everything written here has been heard: some peer has shown that it has it. */
  public boolean writesHeard() {
    return heardWrites >= replicated.written() && unheard.isEmpty();
  }

  /**
   * Joins the group again with the data at hand, as a new origin: the old one is closed and must
   * not write again.
   */
  public void rejoin(OriginId newId, Time now) {
    at(now);
    if (state != ReplicaStatus.State.LEFT) throw new IllegalStateException("rejoin without leave");
    replicated.rename(newId, now, clocks.clockMax());
    heardWrites = 0;
    unheard.clear();
    peers.clear();
    clocks.clear();
    connected = false;
    caughtUp = false;
    become(outdated == null ? ReplicaStatus.State.JOINING : ReplicaStatus.State.OUTDATED);
    effects.add(new Effect.ListenAs(newId));
  }

  private void reap(Time now) {
    // with a wrong clock everything seems to have expired
    boolean sure = clocks.errorMillis() == 0;
    if (sure && (state == ReplicaStatus.State.LIVE || state == ReplicaStatus.State.STANDALONE)) {
      reaper.reap(
          now.wallMillis(),
          settings.defect() == Defect.EXPIRED_REMOVED_WITHOUT_MUTATION
              ? replicated::removeUntold
              : this::author);
    }
    reaper.schedule(tick);
  }

  // ---------------------------------------------------------------- what is told

  private void event(Effect.Event.Kind kind, @Nullable OriginId peer, String detail) {
    effects.add(new Effect.Event(kind, peer, detail));
  }

  private void alarm(String text) {
    if (alarm == null || alarmIsOfClaims) event(Effect.Event.Kind.ALARM, null, text);
    alarm = text;
    alarmIsOfClaims = false;
  }

  /** What somebody wrote or said cannot be honest; it hides no alarm about what is held. */
  private void alarmOfClaims(String text) {
    if (alarm != null) return;
    alarm(text);
    alarmIsOfClaims = true;
  }

  public OriginId id() {
    return replicated.id();
  }

  public ReplicaStatus.State state() {
    return state;
  }

  public @Nullable String alarm() {
    return alarm;
  }

  /** The version vector; live, for looking at only. */
  public VersionVector applied() {
    return replicated.applied();
  }

  /** The keyspace; for looking at only. */
  public Keyspace keyspace() {
    return replicated.keyspace();
  }

  public Origins origins() {
    return origins;
  }

  /** Keys deleted here for want of room. */
  public long evicted() {
    return room.evicted();
  }

  /** Writes refused here for want of room. */
  public long refused() {
    return room.refused();
  }

  /** How often an instance was not counted as a peer for want of room. */
  public long refusedPeers() {
    return peers.refused();
  }

  /** Memory that the claims of peers take here, bytes. */
  long claimedBytes() {
    return peers.knownBytes();
  }

  /** Requests not answered here, because too many came. */
  public long unanswered() {
    return requests.unanswered();
  }

  /** Answers dropped because nobody here had asked, or no longer waited for them. */
  public long unasked() {
    return unasked;
  }

  /** Frames whose claims were refused because of the time. */
  public long refusedClaims() {
    return clocks.refused();
  }

  /** Mutations that came with a clock in the future. */
  public long mutationsAhead() {
    return mutationsAhead;
  }

  /** The replay ring; for looking at only. */
  public ReplayRing ring() {
    return replicated.ring();
  }

  public ReplicaStatus status(Time now) {
    List<ReplicaStatus.Peer> known = new ArrayList<>();
    for (Peer peer : peers.all()) {
      known.add(
          new ReplicaStatus.Peer(
              origins.id(peer.slot),
              peer.state(),
              now.tickMillis() - peer.heardTick,
              peer.agreement,
              peer.features));
    }
    return new ReplicaStatus(
        id(),
        state,
        connected,
        now.tickMillis() - stateSinceTick,
        keyspace().size(),
        applied().toMap(),
        keyspace().digest(),
        replicated.heldBack(),
        room.status(),
        known,
        hindrance(),
        problems(now.tickMillis()),
        alarm,
        List.of());
  }
}
