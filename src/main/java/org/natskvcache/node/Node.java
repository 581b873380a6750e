package org.natskvcache.node;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Join;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.node.Peers.Peer;
import org.natskvcache.node.Transport.Channel;
import org.natskvcache.replication.BucketVectors;
import org.natskvcache.replication.Cut;
import org.natskvcache.replication.Delivery;
import org.natskvcache.replication.ReplayRing;
import org.natskvcache.replication.Staging;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.replication.wire.SnapshotCodec;
import org.natskvcache.store.Command;
import org.natskvcache.store.Decision;
import org.natskvcache.store.Entry;
import org.natskvcache.store.Keyspace;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Mutation;
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
  private static final int SAMPLES = 64;
  private static final int ANSWER_JITTER_MILLIS = 20;
  private static final int BEHIND_JITTER_MILLIS = 250;
  private static final long VECTOR_REQUEST_MILLIS = 1_000;
  private static final long REAP_MILLIS = 1_000;
  private static final int REAP_MAX = 1_000;
  private static final long SILENT_HEARTBEATS = 3;

  private final NodeSettings settings;
  private Limits limits;
  private final Origins origins = new Origins();
  private final Keyspace keyspace;
  private final Delivery delivery;
  private final ReplayRing ring;
  private final BucketVectors buckets;
  private final FrameCodec codec = new FrameCodec(origins);
  private final SnapshotCodec snapshots = new SnapshotCodec(origins);
  private final Peers peers = new Peers(origins);
  private final Heartbeats heartbeats;
  private final Repair repair;
  private final SnapshotServer server;

  /** Final sequences of the origins that left, by slot. */
  private final Map<Integer, Long> closed = new HashMap<>();

  private final List<Effect> effects = new ArrayList<>();
  private final List<Mutation> unsent = new ArrayList<>();
  private int unsentBytes;

  /** Origins whose mark rose since our last mutation. */
  private final BitSet risen = new BitSet();

  private int me;
  private OriginId id;
  private long hlc;
  private ReplicaStatus.State state;
  private boolean connected;
  private long stateSinceTick;
  private long offersUntilTick = Long.MAX_VALUE;
  private @Nullable VersionVector joinTarget;
  private boolean offered;
  private long reapTick = Long.MAX_VALUE;
  private int nextSample;
  private boolean leaveHeard;
  private @Nullable String alarm;
  private long tick;

  public Node(NodeSettings settings, OriginId id, RandomGenerator random, Time now) {
    this.settings = settings;
    this.limits = settings.limits();
    this.id = id;
    me = origins.slot(id);
    keyspace = new Keyspace(origins, limits, settings.defect());
    delivery = new Delivery(origins, limits, settings.defect());
    ring = new ReplayRing(limits);
    buckets = new BucketVectors(origins, limits.digestBucketBits());
    heartbeats = new Heartbeats(settings.heartbeatMillis(), random);
    repair = new Repair(new RepairHost(), random, settings);
    server = new SnapshotServer(limits, settings.defect(), this::newCut);
    state = settings.replicated() ? ReplicaStatus.State.JOINING : ReplicaStatus.State.STANDALONE;
    connected = !settings.replicated();
    stateSinceTick = now.tickMillis();
    tick = now.tickMillis();
    if (settings.replicated()) effects.add(new Effect.ListenAs(id));
  }

  // ---------------------------------------------------------------- calls

  /** Runs a command here and now, in every state. */
  public Reply call(Command command, Time now) {
    tick = now.tickMillis();
    if (command instanceof Command.Batch(var commands)) {
      List<Reply> replies = new ArrayList<>(commands.size());
      for (Command each : commands) replies.add(call(each, now));
      return new Reply.Batch(replies);
    }
    long stamp = Math.max(hlc + 1, now.wallMillis() << 16);
    Decision decision = keyspace.decide(command, now.wallMillis(), stamp, me);
    Op op = decision.op();
    if (op != null) author(op, stamp);
    return decision.reply();
  }

  private void author(Op op, long stamp) {
    hlc = stamp;
    VersionVector applied = delivery.applied();
    int[] slots = new int[risen.cardinality()];
    long[] deltas = new long[slots.length];
    VersionVector row = delivery.row(me);
    int i = 0;
    for (int slot = risen.nextSetBit(0); slot >= 0; slot = risen.nextSetBit(slot + 1)) {
      slots[i] = slot;
      deltas[i++] = applied.get(slot) - row.get(slot);
    }
    risen.clear();
    long dot = Dot.of(me, applied.get(me) + 1);
    Mutation bare = new Mutation(dot, stamp, slots, deltas, 0, op);
    int bucket = keyspace.bucket(op.key());
    server.beforeChange(bucket);
    delivery.advance(bare);
    alarmIf(keyspace.apply(bare, row, me), me);
    buckets.touch(bucket, me, Dot.sequence(dot));
    scheduleReaping();
    if (!settings.replicated()) return;
    Mutation mutation = new Mutation(dot, stamp, slots, deltas, row.hash(), op);
    ring.add(mutation);
    unsent.add(mutation);
    unsentBytes += mutation.weight();
    heartbeats.wrote(tick);
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
  private void frames(List<Mutation> mutations, java.util.function.Consumer<Frame> to) {
    int from = 0;
    int bytes = 0;
    for (int i = 0; i < mutations.size(); i++) {
      boolean follows = i > from && mutations.get(i).dot() == mutations.get(i - 1).dot() + 1;
      int weight = mutations.get(i).weight();
      if (i > from && (!follows || bytes + weight > limits.frameBytes())) {
        to.accept(frame(mutations.subList(from, i)));
        from = i;
        bytes = 0;
      }
      bytes += weight;
    }
    to.accept(frame(mutations.subList(from, mutations.size())));
  }

  private Frame frame(List<Mutation> mutations) {
    return new Frame.Mutations(origins.id(Dot.slot(mutations.getFirst().dot())), mutations);
  }

  private void publish(Channel channel, @Nullable OriginId target, Frame frame) {
    if (state == ReplicaStatus.State.STANDALONE) return;
    if (state == ReplicaStatus.State.LEFT && channel != Channel.DIRECT) return;
    effects.add(new Effect.Publish(channel, target, codec.encode(frame)));
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
   * Takes one frame, whatever the subject it came on.
   *
   * @throws MalformedFrameException for bytes that are no frame of ours; nothing was changed then
   */
  public void receive(byte[] bytes, Time now) throws MalformedFrameException {
    tick = now.tickMillis();
    if (state == ReplicaStatus.State.STANDALONE) return;
    Frame frame = decode(bytes);
    if (state == ReplicaStatus.State.LEFT) {
      afterLeaving(frame);
      return;
    }
    boolean ignored = frame.from().equals(id) || gone(frame.from());
    if (ignored && !(frame instanceof Frame.Mutations)) return;
    switch (frame) {
      case Frame.Mutations(var from, var mutations) -> mutations(from, mutations);
      case Frame.Beacon(var from, var sequence, var wallMillis) ->
          beacon(from, sequence, wallMillis);
      case Frame.Heartbeat heartbeat -> heartbeat(heartbeat);
      case Frame.Leave(var from, var finalSequence) -> leave(from, finalSequence);
      case Frame.OfferRequest(var from) -> offerRequest(from);
      case Frame.Offer(var from, var vector, var entries) -> offer(from, vector);
      case Frame.ReplayRequest request -> replayRequest(request);
      case Frame.ReplayEnd end -> replayEnd(end);
      case Frame.SnapshotRequest request ->
          server.serve(
              request, id, tick, answer -> publish(Channel.DIRECT, request.from(), answer));
      case Frame.SnapshotChunk chunk -> repair.chunk(chunk, tick);
      case Frame.SnapshotRefused refusal -> repair.refused(refusal, tick);
      case Frame.VectorRequest(var from) ->
          publish(Channel.DIRECT, from, new Frame.Vector(id, delivery.applied()));
      case Frame.Vector(var from, var vector) -> {
        heard(from).known.raiseAll(vector);
        repairIfLacking();
      }
    }
    settleJoin();
  }

  /**
   * What the peers still lack of what was written here they may ask for, and say when they have it.
   */
  private void afterLeaving(Frame frame) {
    switch (frame) {
      case Frame.Vector(var from, var vector) ->
          leaveHeard |= vector.get(me) >= delivery.applied().get(me);
      case Frame.ReplayRequest request -> answer(request);
      default -> {}
    }
  }

  /** Whether this origin left and its last word is here: what else comes of it was under way. */
  private boolean gone(OriginId from) {
    int slot = origins.find(from);
    return closed.containsKey(slot) && peers.find(slot) == null;
  }

  private Frame decode(byte[] bytes) throws MalformedFrameException {
    try {
      return codec.decode(bytes);
    } catch (MalformedFrameException malformed) {
      OriginId from = malformed.from();
      boolean livePeer = from != null && peers.find(origins.find(from)) != null;
      if (malformed.kind() == MalformedFrameException.Kind.UNKNOWN_VERSION && livePeer) {
        alarm("a peer speaks an unknown version of the protocol, peer=" + from);
      }
      throw malformed;
    }
  }

  private void mutations(OriginId from, List<Mutation> mutations) {
    int slot = origins.slot(from);
    boolean own = slot == me && settings.defect() == Defect.NONE;
    Long finalSequence = closed.get(slot);
    for (Mutation mutation : mutations) {
      long sequence = Dot.sequence(mutation.dot());
      if (own && sequence > delivery.applied().get(me)) {
        alarm("another instance writes as this origin");
        return;
      }
      if (finalSequence != null && sequence > finalSequence) {
        alarm("an origin that left goes on writing");
        return;
      }
      if (delivery.judge(mutation) == Delivery.Verdict.READY) apply(mutation);
    }
    if (delivery.heldBack() > 0) drainHeldBack();
    Peer author = peers.find(slot);
    if (author != null) author.known.raise(slot, Dot.sequence(mutations.getLast().dot()));
    repairIfLacking();
  }

  private void drainHeldBack() {
    for (Mutation next = delivery.nextReady(); next != null; next = delivery.nextReady()) {
      apply(next);
    }
  }

  private void apply(Mutation mutation) {
    int author = Dot.slot(mutation.dot());
    hlc = Math.max(hlc, mutation.hlc());
    int bucket = keyspace.bucket(mutation.op().key());
    server.beforeChange(bucket);
    VersionVector row = delivery.advance(mutation);
    alarmIf(keyspace.apply(mutation, row, me), author);
    if (mutation.rowHash() != 0 && mutation.rowHash() != row.hash()) {
      alarmIf("a context that differs from its author's", author);
    }
    buckets.touch(bucket, author, Dot.sequence(mutation.dot()));
    ring.add(mutation);
    if (author != me) risen.set(author);
    settleIfClosed(author);
    scheduleReaping();
  }

  private void settleIfClosed(int slot) {
    Long finalSequence = closed.get(slot);
    if (finalSequence == null || delivery.applied().get(slot) < finalSequence) return;
    keyspace.settle(slot);
    if (peers.find(slot) == null) return;
    peers.remove(slot);
    // tells the one who leaves that its last word arrived
    publish(Channel.DIRECT, origins.id(slot), new Frame.Vector(id, delivery.applied()));
  }

  private Peer heard(OriginId from) {
    int slot = origins.slot(from);
    if (peers.find(slot) == null) event(Effect.Event.Kind.PEER_FOUND, from, "");
    return peers.heard(slot, tick);
  }

  private void beacon(OriginId from, long sequence, long wallMillis) {
    if (closed.containsKey(origins.slot(from))) return;
    Peer peer = heard(from);
    peer.known.raise(peer.slot, sequence);
    shown(peer, sequence, wallMillis);
    repairIfLacking();
  }

  private void shown(Peer peer, long sequence, long wallMillis) {
    if (delivery.applied().get(peer.slot) >= sequence) {
      peer.shownWallMillis = Math.max(peer.shownWallMillis, wallMillis);
    }
  }

  private void heartbeat(Frame.Heartbeat heartbeat) {
    int slot = origins.slot(heartbeat.from());
    if (closed.containsKey(slot)) return;
    Peer peer = heard(heartbeat.from());
    peer.live = heartbeat.live();
    VersionVector theirs = heartbeat.active();
    peer.known.raiseAll(theirs);
    VersionVector applied = delivery.applied();
    boolean sameRest = knowRest(peer, heartbeat);
    boolean equal = sameRest && sameActive(theirs);
    peer.agreement =
        !equal
            ? ReplicaStatus.Agreement.DIFFERENT_VECTORS
            : heartbeat.digest() == keyspace.digest()
                ? ReplicaStatus.Agreement.EQUAL
                : ReplicaStatus.Agreement.DIVERGED;
    if (peer.agreement == ReplicaStatus.Agreement.DIVERGED) {
      alarm("divergence: equal vectors, unequal digests, with peer=" + heartbeat.from());
    }
    compareSamples(heartbeat);
    shown(peer, heartbeat.sequence(), heartbeat.wallMillis());
    if (applied.get(slot) >= heartbeat.sequence()) keyspace.acknowledge(slot, theirs);
    if (heartbeat.hello()) heartbeats.soon(tick, ANSWER_JITTER_MILLIS);
    else if (!equal && !peer.known.covers(applied)) heartbeats.soon(tick, BEHIND_JITTER_MILLIS);
    repairIfLacking();
  }

  /**
   * Whether the peer's marks of the origins it does not list are ours; else its whole vector is
   * asked for.
   */
  private boolean knowRest(Peer peer, Frame.Heartbeat heartbeat) {
    VersionVector applied = delivery.applied();
    VersionVector listed = heartbeat.active();
    long rest = applied.hash();
    for (int slot = 0; slot < listed.slots(); slot++) {
      if (listed.get(slot) > 0) rest -= applied.term(slot);
    }
    if (rest == heartbeat.restHash()) {
      for (int slot = 0; slot < applied.slots(); slot++) {
        if (listed.get(slot) == 0) peer.known.raise(slot, applied.get(slot));
      }
      return true;
    }
    if (tick - peer.vectorAskedTick >= VECTOR_REQUEST_MILLIS) {
      peer.vectorAskedTick = tick;
      publish(Channel.DIRECT, heartbeat.from(), new Frame.VectorRequest(id));
    }
    return false;
  }

  private boolean sameActive(VersionVector listed) {
    for (int slot = 0; slot < listed.slots(); slot++) {
      if (listed.get(slot) > 0 && listed.get(slot) != delivery.applied().get(slot)) return false;
    }
    return true;
  }

  private void compareSamples(Frame.Heartbeat heartbeat) {
    for (Frame.Sample sample : heartbeat.samples()) {
      int bucket = sample.bucket();
      if (bucket >= buckets.size() || buckets.get(bucket).hash() != sample.vectorHash()) continue;
      if (keyspace.bucketDigest(bucket) != sample.digest()) {
        alarm(
            "divergence: equal bucket vectors, unequal digests, bucket="
                + bucket
                + ", with peer="
                + heartbeat.from());
      }
    }
  }

  private void leave(OriginId from, long finalSequence) {
    int slot = origins.slot(from);
    if (closed.putIfAbsent(slot, finalSequence) != null) return;
    event(Effect.Event.Kind.PEER_LEFT, from, "sequence=" + finalSequence);
    delivery.close(slot, finalSequence);
    // it stays a peer, to be asked, until all it wrote is here
    peers.heard(slot, tick).known.raise(slot, finalSequence);
    settleIfClosed(slot);
    repairIfLacking();
  }

  // ---------------------------------------------------------------- joining, replay, snapshots

  private void offerRequest(OriginId from) {
    if (state != ReplicaStatus.State.LIVE) return;
    publish(Channel.DIRECT, from, new Frame.Offer(id, delivery.applied(), keyspace.size()));
  }

  private void offer(OriginId from, VersionVector vector) {
    Peer peer = heard(from);
    peer.live = true;
    peer.known.raiseAll(vector);
    if (state != ReplicaStatus.State.JOINING || offersUntilTick == Long.MAX_VALUE) {
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
    heard(request.from()).known.raiseAll(request.vector());
    answer(request);
    repairIfLacking();
  }

  private void answer(Frame.ReplayRequest request) {
    VersionVector applied = delivery.applied();
    Frame.ReplayEnd.Outcome outcome;
    if (request.vector().covers(applied)) {
      outcome = Frame.ReplayEnd.Outcome.BEHIND;
    } else if (!ring.covers(request.vector(), applied)) {
      outcome = Frame.ReplayEnd.Outcome.SNAPSHOT_NEEDED;
    } else {
      outcome = replay(request);
    }
    publish(Channel.DIRECT, request.from(), new Frame.ReplayEnd(id, outcome, applied));
  }

  private Frame.ReplayEnd.Outcome replay(Frame.ReplayRequest request) {
    long[] credit = {Math.min(request.creditBytes(), limits.replayBytes())};
    List<Mutation> missing = new ArrayList<>();
    boolean more =
        ring.replay(
            request.vector(),
            missing,
            last -> {
              credit[0] -= last.weight();
              return credit[0] <= 0;
            });
    frames(missing, frame -> publish(Channel.DIRECT, request.from(), frame));
    return more ? Frame.ReplayEnd.Outcome.MORE : Frame.ReplayEnd.Outcome.DONE;
  }

  private long progressMark;

  private void replayEnd(Frame.ReplayEnd end) {
    heard(end.from()).known.raiseAll(end.vector());
    boolean progress = delivery.applied().hash() != progressMark;
    repair.replayEnded(end, progress, tick);
    repairIfLacking();
  }

  private void repairIfLacking() {
    if (repair.idle() ? lacking() : repair.hopeless() && anyHolder()) repair.noticed(tick);
  }

  private boolean anyHolder() {
    for (Peer peer : peers.all()) if (!delivery.applied().covers(peer.known)) return true;
    return false;
  }

  private boolean lacking() {
    return delivery.heldBack() > 0 || anyHolder();
  }

  private Cut newCut() {
    return new Cut(keyspace, snapshots, Cut.header(delivery, buckets, origins.size(), hlc));
  }

  /** What {@link Repair} needs of this node. */
  private final class RepairHost implements Repair.Host {
    @Override
    public boolean lacking() {
      return Node.this.lacking();
    }

    @Override
    public boolean has(Peer peer) {
      return !delivery.applied().covers(peer.known);
    }

    @Override
    public boolean authored(Peer peer) {
      return peer.known.get(peer.slot) > delivery.applied().get(peer.slot);
    }

    @Override
    public List<Peer> peers() {
      return peers.all();
    }

    @Override
    public void sendReplayRequest(@Nullable Peer target) {
      progressMark = delivery.applied().hash();
      Frame request = new Frame.ReplayRequest(id, delivery.applied(), limits.replayBytes());
      if (target == null) publish(Channel.REPLAY_ANY, null, request);
      else publish(Channel.DIRECT, origins.id(target.slot), request);
    }

    @Override
    public void sendSnapshotRequest(
        OriginId target, long cut, int section, int offset, int windowBytes) {
      Frame request = new Frame.SnapshotRequest(id, cut, section, offset, windowBytes);
      publish(Channel.DIRECT, target, request);
    }

    @Override
    public boolean install(Staging staging) {
      return Node.this.install(staging);
    }

    @Override
    public Staging newStaging() {
      return new Staging(1 + buckets.size());
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

  /** Joins a whole snapshot in one step; nothing is changed if any of it cannot be read. */
  private boolean install(Staging staging) {
    SnapshotCodec.Header header;
    List<List<Entry>> entries = new ArrayList<>();
    try {
      SnapshotCodec.Read read =
          snapshots.decodeHeader(staging.sections().getFirst(), buckets.size());
      header = read.header();
      for (int i = 1; i < staging.sections().size(); i++) {
        entries.add(snapshots.decodeBucket(staging.sections().get(i), read.table()));
      }
    } catch (MalformedFrameException damaged) {
      return false;
    }
    server.beforeInstall();
    VersionVector theirs = header.vector();
    VersionVector mine = delivery.applied().copy();
    Join rule =
        new Join(
            mine, theirs, settings.defect(), said -> alarm("a snapshot that cannot be: " + said));
    Keyspace.Joining joining =
        new Keyspace.Joining(rule, me, chain -> ownerHasSeenReset(chain, header.rows()));
    for (int bucket = 0; bucket < entries.size(); bucket++) {
      keyspace.join(bucket, entries.get(bucket), joining);
      VersionVector touched = header.bucketVectors().get(bucket);
      for (int slot = 0; slot < touched.slots(); slot++) {
        buckets.touch(bucket, slot, touched.get(slot));
      }
    }
    for (int slot = 0; slot < theirs.slots(); slot++) {
      if (theirs.get(slot) <= mine.get(slot)) continue;
      ring.skipTo(slot, theirs.get(slot));
      if (slot != me) risen.set(slot);
    }
    delivery.install(theirs, header.rows());
    keyspace.reindexResiduals();
    hlc = Math.max(hlc, header.hlc());
    for (int slot : List.copyOf(closed.keySet())) settleIfClosed(slot);
    drainHeldBack();
    scheduleReaping();
    return true;
  }

  private boolean ownerHasSeenReset(Chain chain, List<@Nullable VersionVector> theirRows) {
    if (chain.resetDot == Dot.NONE) return false;
    VersionVector ours = delivery.rowIfKnown(chain.slot);
    VersionVector theirs = chain.slot < theirRows.size() ? theirRows.get(chain.slot) : null;
    return (ours != null && ours.covers(chain.resetDot))
        || (theirs != null && theirs.covers(chain.resetDot));
  }

  // ---------------------------------------------------------------- life

  /** The server takes messages of at most so many bytes: entries, frames and chunks keep within. */
  public void payloadMax(int bytes) {
    limits = settings.limits().within(bytes);
    keyspace.limits(limits);
    server.limits(limits);
    repair.limits(limits);
  }

  /** The replication connection is up and subscribed, for the first time or again. */
  public void connected(Time now) {
    tick = now.tickMillis();
    connected = true;
    if (state == ReplicaStatus.State.JOINING) {
      event(Effect.Event.Kind.JOINING, null, "");
      askForOffers();
    }
    heartbeats.restart(tick);
    sendHeartbeat(now, true);
  }

  private void askForOffers() {
    offered = false;
    joinTarget = null;
    offersUntilTick = tick + settings.offerWaitMillis();
    publish(Channel.REPLAY_ALL, null, new Frame.OfferRequest(id));
  }

  /**
   * The replication connection is down; calls go on, and replay carries them to the peers later.
   */
  public void disconnected(Time now) {
    tick = now.tickMillis();
    connected = false;
    repair.reset();
  }

  private void settleJoin() {
    if (state != ReplicaStatus.State.JOINING || !connected) return;
    VersionVector target = joinTarget;
    if (target != null && delivery.applied().covers(target)) {
      become(ReplicaStatus.State.LIVE);
    } else if (offersUntilTick <= tick) {
      offersUntilTick = Long.MAX_VALUE;
      if (!offered) become(ReplicaStatus.State.LIVE);
    } else if (offersUntilTick == Long.MAX_VALUE && (repair.idle() || repair.hopeless())) {
      askForOffers(); // the one we were fetching from is gone
    }
  }

  private void become(ReplicaStatus.State next) {
    state = next;
    stateSinceTick = tick;
    if (next != ReplicaStatus.State.LIVE) return;
    offersUntilTick = Long.MAX_VALUE;
    joinTarget = null;
    event(Effect.Event.Kind.LIVE, null, "entries=" + keyspace.size());
    effects.add(new Effect.AnswerReplays(true));
    heartbeats.soon(tick, 0);
    scheduleReaping();
  }

  /** Does what is due. */
  public void tick(Time now) {
    tick = now.tickMillis();
    flush();
    if (settings.replicated() && connected && state != ReplicaStatus.State.LEFT) {
      if (heartbeats.heartbeatDue(tick)) {
        loseSilentPeers();
        sendHeartbeat(now, false);
      }
      if (heartbeats.beaconDue(tick)) {
        long sequence = delivery.applied().get(me);
        publish(Channel.HEARTBEATS, null, new Frame.Beacon(id, sequence, now.wallMillis()));
      }
      repair.tick(tick);
      server.expire(tick);
      settleJoin();
    }
    if (reapTick <= tick) reap(now);
    flush();
  }

  /**
   * The moment {@link #tick} has something to do at the earliest; {@link Long#MAX_VALUE} for never.
   */
  public long nextTick() {
    long next = reapTick;
    if (!settings.replicated() || !connected || state == ReplicaStatus.State.LEFT) return next;
    next = Math.min(next, heartbeats.nextTick());
    next = Math.min(next, repair.nextTick());
    next = Math.min(next, server.nextTick());
    return Math.min(next, offersUntilTick);
  }

  private void loseSilentPeers() {
    for (Peer lost : peers.lostSince(tick - SILENT_HEARTBEATS * settings.heartbeatMillis())) {
      event(Effect.Event.Kind.PEER_LOST, origins.id(lost.slot), "");
    }
  }

  private void sendHeartbeat(Time now, boolean hello) {
    flush();
    VersionVector applied = delivery.applied();
    VersionVector active = new VersionVector(origins);
    active.raise(me, applied.get(me));
    for (Peer peer : peers.all()) active.raise(peer.slot, applied.get(peer.slot));
    long rest = applied.hash() - active.hash();
    long restCount = 0;
    for (int slot = 0; slot < applied.slots(); slot++) {
      if (applied.get(slot) > 0 && active.get(slot) == 0) restCount++;
    }
    List<Frame.Sample> samples = new ArrayList<>();
    for (int i = 0; i < Math.min(SAMPLES, buckets.size()); i++) {
      int bucket = nextSample;
      nextSample = (nextSample + 1) % buckets.size();
      samples.add(
          new Frame.Sample(bucket, buckets.get(bucket).hash(), keyspace.bucketDigest(bucket)));
    }
    boolean live = state == ReplicaStatus.State.LIVE;
    publish(
        Channel.HEARTBEATS,
        null,
        new Frame.Heartbeat(
            id,
            live,
            hello,
            applied.get(me),
            now.wallMillis(),
            hlc,
            active,
            restCount,
            rest,
            keyspace.digest(),
            keyspace.size(),
            samples));
  }

  /** Leaves the group: publishes what is owed and the final sequence. The data stays. */
  public void leave(Time now) {
    tick = now.tickMillis();
    if (state == ReplicaStatus.State.STANDALONE || state == ReplicaStatus.State.LEFT) return;
    flush();
    publish(Channel.HEARTBEATS, null, new Frame.Leave(id, delivery.applied().get(me)));
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

  /**
   * Joins the group again with the data at hand, as a new origin: the old one is closed and must
   * not write again.
   */
  public void rejoin(OriginId newId, Time now) {
    tick = now.tickMillis();
    if (state != ReplicaStatus.State.LEFT) throw new IllegalStateException("rejoin without leave");
    closed.put(me, delivery.applied().get(me));
    keyspace.settle(me);
    id = newId;
    me = origins.slot(newId);
    peers.clear();
    for (int slot = 0; slot < delivery.applied().slots(); slot++) {
      if (delivery.applied().get(slot) > 0) risen.set(slot);
    }
    connected = false;
    become(ReplicaStatus.State.JOINING);
    effects.add(new Effect.ListenAs(newId));
  }

  // ---------------------------------------------------------------- expiry

  private void scheduleReaping() {
    if (reapTick == Long.MAX_VALUE && keyspace.nextExpiryMillis() != Entry.NEVER) {
      reapTick = tick + REAP_MILLIS;
    }
  }

  /**
   * Removes expired keys for good, by ordinary mutations: those of the buckets this node is elected
   * for, and those that are long overdue, once every peer has shown a later wall time.
   */
  private void reap(Time now) {
    reapTick = Long.MAX_VALUE;
    boolean mayReap = state == ReplicaStatus.State.LIVE || state == ReplicaStatus.State.STANDALONE;
    if (mayReap) {
      long overdue = now.wallMillis() - 2 * settings.heartbeatMillis();
      long shown = Math.min(now.wallMillis(), shownByAll());
      for (Op.Delete removal :
          keyspace.expired(shown, REAP_MAX, (key, at) -> at < overdue || elected(key))) {
        author(removal, Math.max(hlc + 1, now.wallMillis() << 16));
      }
    }
    scheduleReaping();
  }

  /**
   * The latest wall time that every peer is known to have reached with everything before it applied
   * here.
   */
  private long shownByAll() {
    long shown = Long.MAX_VALUE;
    for (Peer peer : peers.all()) shown = Math.min(shown, peer.shownWallMillis);
    return shown;
  }

  /** Rendezvous hashing over the live origins. */
  private boolean elected(int bucket) {
    long mine = weight(me, bucket);
    for (Peer peer : peers.all()) {
      if (Long.compareUnsigned(weight(peer.slot, bucket), mine) > 0) return false;
    }
    return true;
  }

  private long weight(int slot, int bucket) {
    return org.natskvcache.crdt.Hash64.chain(origins.hash(slot), bucket);
  }

  // ---------------------------------------------------------------- what is told

  private void event(Effect.Event.Kind kind, @Nullable OriginId peer, String detail) {
    effects.add(new Effect.Event(kind, peer, detail));
  }

  private void alarmIf(@Nullable String contradiction, int slot) {
    if (contradiction != null) alarm(contradiction + ", from origin=" + origins.id(slot));
  }

  private void alarm(String text) {
    if (alarm == null) event(Effect.Event.Kind.ALARM, null, text);
    alarm = text;
  }

  public OriginId id() {
    return id;
  }

  public ReplicaStatus.State state() {
    return state;
  }

  public @Nullable String alarm() {
    return alarm;
  }

  /** The version vector; live, for looking at only. */
  public VersionVector applied() {
    return delivery.applied();
  }

  /** The keyspace; for looking at only. */
  public Keyspace keyspace() {
    return keyspace;
  }

  public Origins origins() {
    return origins;
  }

  /** The replay ring; for looking at only. */
  public ReplayRing ring() {
    return ring;
  }

  public ReplicaStatus status(Time now) {
    List<ReplicaStatus.Peer> known = new ArrayList<>();
    for (Peer peer : peers.all()) {
      known.add(
          new ReplicaStatus.Peer(
              origins.id(peer.slot),
              peer.live ? ReplicaStatus.State.LIVE : ReplicaStatus.State.JOINING,
              now.tickMillis() - peer.heardTick,
              peer.agreement));
    }
    return new ReplicaStatus(
        id,
        state,
        connected,
        now.tickMillis() - stateSinceTick,
        keyspace.size(),
        delivery.applied().toMap(),
        keyspace.digest(),
        delivery.heldBack(),
        known,
        alarm);
  }
}
