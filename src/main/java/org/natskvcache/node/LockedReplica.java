package org.natskvcache.node;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.metrics.Counter;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Command;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one door to a node: a lock that the calling thread takes, because handing a call to another
 * thread would cost a fifth of the throughput. Whatever is to be published goes into an ordered
 * outbox under the lock and is sent after it, by whoever comes first.
 */
public final class LockedReplica implements Replica {
  private static final Logger LOG = LoggerFactory.getLogger(LockedReplica.class);

  /** A call is held at most this long after the replica began to join. */
  private static final long HOLD_MILLIS = 1_000;

  /** A mutation waits at most this long for others to share its frame. */
  private static final long BATCH_NANOS = 1_000_000;

  /** How long closing waits for a peer to show that it has everything. */
  private static final long LEAVE_NANOS = 60_000_000;

  private static final int REMEMBERED_SENDERS_MAX = 1_000;

  private record HeldCall(Command command, @Nullable Object cause, Consumer<Reply> answer) {}

  private final String name;
  private final NodeSettings settings;
  private final long holdMillis;
  private final SecureRandom random = new SecureRandom();
  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicBoolean draining = new AtomicBoolean();

  // all below: under the lock
  private Node node;
  private final Queue<Effect> outbox = new ArrayDeque<>();
  private final Queue<HeldCall> held = new ArrayDeque<>();
  private final Set<String> malformedSenders = new HashSet<>();
  private @Nullable Transport transport;
  private volatile @Nullable KeyWatcher watcher;
  private @Nullable Thread timer;
  private long holdUntilTick;
  private long timerTick;
  private long unsentSinceNanos;
  private long evicted;
  private long refused;
  private @Nullable String refusal;
  private boolean open;

  /**
   * Starts a replica.
   *
   * @param name the link name, for logs
   * @param transport how to reach the peers; null for a standalone cache
   */
  public LockedReplica(String name, NodeSettings settings, @Nullable Transport transport) {
    this(name, settings, transport, HOLD_MILLIS);
  }

  LockedReplica(
      String name, NodeSettings settings, @Nullable Transport transport, long holdMillis) {
    this.name = name;
    this.settings = settings;
    this.holdMillis = holdMillis;
    node = newNode();
    start(transport);
  }

  private Node newNode() {
    RandomGenerator jitter = new java.util.SplittableRandom(random.nextLong());
    return new Node(settings, newOrigin(), jitter, now());
  }

  private OriginId newOrigin() {
    return OriginId.of(System.currentTimeMillis(), random.nextLong(), random.nextLong());
  }

  private static Time now() {
    return new Time(System.currentTimeMillis(), System.nanoTime() / 1_000_000);
  }

  private void start(@Nullable Transport to) {
    lock.lock();
    try {
      begin(to);
    } finally {
      lock.unlock();
    }
    drain();
  }

  private void begin(@Nullable Transport to) {
    transport = to;
    open = true;
    holdUntilTick = now().tickMillis() + holdMillis;
    timer = Thread.ofPlatform().daemon().name("cache-" + name).start(this::runTimer);
    takeEffects();
  }

  /**
   * Joins the group again after {@link #close}, with the data at hand, under a new origin.
   *
   * @param to how to reach the peers; null for a standalone cache
   */
  public void reopen(@Nullable Transport to) {
    lock.lock();
    try {
      if (open) throw new IllegalStateException("reopened while open");
      if (settings.replicated()) node.rejoin(newOrigin(), now());
      begin(to); // at once: a late frame of the life before must not carry out what is for this one
    } finally {
      lock.unlock();
    }
    drain();
  }

  @Override
  public void call(Command command, @Nullable Object cause, Consumer<Reply> answer) {
    call(command, cause, answer, false);
  }

  @Override
  public void callTogether(Command command, @Nullable Object cause, Consumer<Reply> answer) {
    call(command, cause, answer, true);
  }

  @Override
  public void flush() {
    drain();
  }

  private void call(
      Command command, @Nullable Object cause, Consumer<Reply> answer, boolean moreFollow) {
    Reply reply;
    boolean nothingToCarryOut;
    lock.lock();
    try {
      Time now = now();
      if (holds(now) && held.size() < settings.limits().heldCallsMax()) {
        held.add(new HeldCall(command, cause, answer));
        wakeTimerBy(holdUntilTick);
        return;
      }
      reply = node.call(command, now);
      takeEffects(cause);
      afterStep(moreFollow);
      nothingToCarryOut = outbox.isEmpty();
    } catch (RuntimeException | Error broken) {
      throw fatal(broken);
    } finally {
      lock.unlock();
    }
    answer.accept(reply);
    if (!(moreFollow && nothingToCarryOut)) drain();
  }

  /** A failed invariant: a dead replica is cheaper than a wrong one that replicates. */
  private IllegalStateException fatal(Throwable broken) {
    LOG.error("the replica is broken and stops the process link={}", name, broken);
    Thread thread = Thread.currentThread();
    thread.getUncaughtExceptionHandler().uncaughtException(thread, broken);
    return new IllegalStateException("the replica is broken", broken);
  }

  private boolean holds(Time now) {
    return node.state() == ReplicaStatus.State.JOINING && now.tickMillis() < holdUntilTick;
  }

  /**
   * Flushes when nobody is about to add to the frame, and wakes the timer if it sleeps too long.
   *
   * @param moreFollow whether the thread that has the lock is; whoever waits for it may be, too
   */
  private void afterStep(boolean moreFollow) {
    if (node.unsentBytes() > 0) {
      long nanos = System.nanoTime();
      if (unsentSinceNanos == 0) unsentSinceNanos = nanos;
      boolean full = node.unsentBytes() >= settings.limits().frameBytes();
      if (full
          || !(moreFollow || lock.hasQueuedThreads())
          || nanos - unsentSinceNanos >= BATCH_NANOS) {
        frame();
      }
    }
    takeEffects();
    wakeTimerBy(node.nextTick());
    countRoom();
  }

  private void countRoom() {
    if (node.evicted() > evicted) Counter.EVICTED_KEYS.add(node.evicted() - evicted);
    if (node.refused() > refused) Counter.FULL_REFUSALS.add(node.refused() - refused);
    evicted = node.evicted();
    refused = node.refused();
  }

  private void wakeTimerBy(long tick) {
    if (tick >= timerTick) return;
    timerTick = tick;
    LockSupport.unpark(timer);
  }

  private void frame() {
    node.flush();
    unsentSinceNanos = 0;
    takeEffects();
  }

  private void takeEffects() {
    takeEffects(null);
  }

  private void takeEffects(@Nullable Object cause) {
    if (!node.hasEffects()) return;
    for (Effect effect : node.takeEffects()) {
      if (cause != null && effect instanceof Effect.Changed changed) outbox.add(changed.by(cause));
      else outbox.add(effect);
      if (effect instanceof Effect.StartOver) {
        startOver();
        return;
      }
    }
  }

  private void startOver() {
    Counter.REPLICAS_STARTED_OVER.increment();
    outbox.add(new Effect.AnswerReplays(false));
    node = newNode();
    KeyWatcher who = watcher;
    if (who != null) node.watch(who::wants);
    holdUntilTick = now().tickMillis() + holdMillis;
    Transport to = transport;
    if (to != null) node.payloadMax(to.maxPayload());
    node.connected(now());
    outbox.addAll(node.takeEffects());
  }

  private void step(Consumer<Time> what) {
    List<HeldCall> released = List.of();
    List<Reply> replies = new ArrayList<>();
    lock.lock();
    try {
      Time now = now();
      what.accept(now);
      if (!held.isEmpty() && !holds(now)) {
        released = new ArrayList<>(held);
        held.clear();
        takeEffects();
        for (HeldCall call : released) {
          replies.add(node.call(call.command, now));
          takeEffects(call.cause);
        }
      }
      afterStep(false);
    } catch (RuntimeException | Error broken) {
      throw fatal(broken);
    } finally {
      lock.unlock();
    }
    for (int i = 0; i < replies.size(); i++) released.get(i).answer.accept(replies.get(i));
    drain();
  }

  @Override
  public void receive(byte[] frame) {
    step(now -> {
      try {
        node.receive(frame, now);
      } catch (MalformedFrameException malformed) {
        count(malformed, frame.length);
      }
    });
  }

  private void count(MalformedFrameException malformed, int size) {
    Counter.MALFORMED_FRAMES.increment();
    String sender = malformed.kind() + "/" + malformed.from();
    if (malformedSenders.size() < REMEMBERED_SENDERS_MAX && malformedSenders.add(sender)) {
      LOG.warn(
          "dropped a replication frame link={} kind={} from={} reason=\"{}\" bytes={}; more of these are only counted",
          name,
          malformed.kind(),
          malformed.from(),
          malformed.getMessage(),
          size);
    }
  }

  @Override
  public void connected() {
    Transport to = transport;
    int payload = to == null ? Limits.DEFAULT_PAYLOAD_MAX : to.maxPayload();
    step(now -> {
      refusal = null;
      node.payloadMax(payload);
      node.connected(now);
    });
  }

  @Override
  public void disconnected() {
    disconnected(null);
  }

  @Override
  public void refused(String reason) {
    disconnected(reason);
  }

  private void disconnected(@Nullable String reason) {
    step(now -> {
      refusal = reason;
      node.disconnected(now);
    });
  }

  @Override
  public void nobodyListens() {
    step(node::nobodyListens);
  }

  private void runTimer() {
    while (true) {
      step(node::tick);
      long sleepMillis;
      lock.lock();
      try {
        if (!open || Thread.currentThread() != timer) return;
        timerTick = held.isEmpty() ? node.nextTick() : Math.min(node.nextTick(), holdUntilTick);
        sleepMillis = Math.max(0, Math.min(timerTick - now().tickMillis(), 3_600_000));
      } finally {
        lock.unlock();
      }
      if (sleepMillis > 0) LockSupport.parkNanos(sleepMillis * 1_000_000);
    }
  }

  /** Carries out what is in the outbox, in order, unless another thread is at it. */
  private void drain() {
    while (draining.compareAndSet(false, true)) {
      try {
        for (Effect effect = poll(); effect != null; effect = poll()) carryOut(effect);
      } finally {
        draining.set(false);
      }
      if (isOutboxEmpty()) return; // else it was filled between the last poll and the flag
    }
  }

  private @Nullable Effect poll() {
    lock.lock();
    try {
      if (outbox.isEmpty()) frame(); // whoever waits for the lock may be one who does not write
      return outbox.poll();
    } finally {
      lock.unlock();
    }
  }

  private boolean isOutboxEmpty() {
    lock.lock();
    try {
      return outbox.isEmpty() && node.unsentBytes() == 0;
    } finally {
      lock.unlock();
    }
  }

  private void carryOut(Effect effect) {
    Transport to = transport;
    switch (effect) {
      case Effect.Publish(var channel, var target, var frame) -> {
        if (to != null) to.publish(channel, target, frame);
      }
      case Effect.ListenAs(var origin) -> {
        if (to != null) to.listenAs(origin);
      }
      case Effect.AnswerReplays(var member) -> {
        if (to != null) to.answerReplays(member);
      }
      case Effect.Changed(var key, var value, var cause) -> {
        KeyWatcher who = watcher;
        if (who != null && who.wants(key)) who.changed(key, value, cause);
      }
      case Effect.Event event -> log(event);
      case Effect.Forgot(var marks) ->
          LOG.info(
              "forgot instances that are gone link={} origins={} until={}",
              name,
              marks.size(),
              marks.isEmpty() ? "" : marks.lastKey());
      case Effect.StartOver() ->
          LOG.error(
              "starting over from the peers, because this instance was apart from them for too long link={};"
                  + " what only it had is lost",
              name);
    }
  }

  @Override
  public void watch(@Nullable KeyWatcher who) {
    lock.lock();
    try {
      watcher = who;
      node.watch(who == null ? null : who::wants);
    } finally {
      lock.unlock();
    }
  }

  private void log(Effect.Event event) {
    String text = event.kind().name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    String peer = event.peer() == null ? "" : " peer=" + event.peer();
    String detail = event.detail().isEmpty() ? "" : " " + event.detail();
    if (event.kind() == Effect.Event.Kind.DIVERGENCE) Counter.DIVERGENCES.increment();
    if (event.kind() == Effect.Event.Kind.LIMIT_EXCEEDED) Counter.LIMITS_EXCEEDED.increment();
    switch (event.kind()) {
      case ALARM, DIVERGENCE -> LOG.error("{} link={}{}{}", text, name, peer, detail);
      case SNAPSHOT_FAILED, PEER_LOST, CLOCK_SKEW, FULL, LIMIT_EXCEEDED ->
          LOG.warn("{} link={}{}{}", text, name, peer, detail);
      default -> LOG.info("{} link={}{}{}", text, name, peer, detail);
    }
  }

  @Override
  public ReplicaStatus status() {
    lock.lock();
    try {
      ReplicaStatus status = node.status(now());
      return refusal == null ? status : status.hinderedBy(refusal);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    Thread stopped;
    lock.lock();
    try {
      if (!open) return;
      open = false;
      stopped = timer;
      timer = null;
      holdUntilTick = Long.MIN_VALUE;
    } finally {
      lock.unlock();
    }
    step(now -> {}); // held calls are answered while their mutations can still be published
    step(node::leave);
    await(Node::leaveHeard, LEAVE_NANOS);
    LockSupport.unpark(stopped);
  }

  @Override
  public boolean handOver(Duration patience) {
    close();
    return await(Node::writesHeard, patience.toNanos());
  }

  /** Waits until it holds of a node that left its group; a standalone one leaves none. */
  private boolean await(Predicate<Node> what, long nanos) {
    long deadline = System.nanoTime() + nanos;
    while (true) {
      lock.lock();
      try {
        if (node.state() != ReplicaStatus.State.LEFT || what.test(node)) return true;
      } finally {
        lock.unlock();
      }
      if (System.nanoTime() - deadline >= 0) return false;
      LockSupport.parkNanos(1_000_000);
    }
  }
}
