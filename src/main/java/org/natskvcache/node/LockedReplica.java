package org.natskvcache.node;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.metrics.Counter;
import org.natskvcache.metrics.Failures;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
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

  /** After a failure of the timer, which may come again at once. */
  private static final long TIMER_REST_NANOS = 1_000_000_000;

  private record HeldCall(Command command, @Nullable Object cause, Consumer<Reply> answer) {}

  private final String name;
  private final NodeSettings settings;
  private final long holdMillis;
  private final Consumer<Throwable> fatal;

  /** Nobody may guess the nonces of requests. */
  private final SecureRandom random = new SecureRandom();

  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicBoolean draining = new AtomicBoolean();

  // all below: under the lock
  private Node node;
  private final Queue<Effect> outbox = new ArrayDeque<>();
  private final Queue<HeldCall> held = new ArrayDeque<>();
  private final DroppedFrames dropped;
  private @Nullable Transport transport;
  private volatile @Nullable KeyWatcher watcher;
  private @Nullable Thread timer;
  private long holdUntilTick;
  private long timerTick;
  private long unsentSinceNanos;
  private final NodeCounts counts = new NodeCounts();
  private @Nullable String refusal;
  private List<String> losses = List.of();
  private boolean open;

  /**
   * Starts a replica whose broken invariants are only thrown to whoever called.
   *
   * @param name the link name, for logs
   * @param transport how to reach the peers; null for a standalone cache
   */
  public LockedReplica(String name, NodeSettings settings, @Nullable Transport transport) {
    this(name, settings, transport, broken -> {});
  }

  /**
   * Starts a replica.
   *
   * @param name the link name, for logs
   * @param transport how to reach the peers; null for a standalone cache
   * @param fatal ends the process: an invariant of the replica is broken, and a dead one is cheaper
   *     than a wrong one that replicates; called under its lock, on any thread
   * @throws OutOfMemoryError when its timer cannot be started
   */
  public LockedReplica(
      String name,
      NodeSettings settings,
      @Nullable Transport transport,
      Consumer<Throwable> fatal) {
    this(name, settings, transport, HOLD_MILLIS, fatal);
  }

  LockedReplica(
      String name, NodeSettings settings, @Nullable Transport transport, long holdMillis) {
    this(name, settings, transport, holdMillis, broken -> {});
  }

  LockedReplica(
      String name,
      NodeSettings settings,
      @Nullable Transport transport,
      long holdMillis,
      Consumer<Throwable> fatal) {
    this.name = name;
    this.settings = settings;
    this.holdMillis = holdMillis;
    this.fatal = fatal;
    dropped = new DroppedFrames(name);
    node = newNode();
    lock.lock();
    try {
      begin(transport, startTimer());
    } finally {
      lock.unlock();
    }
    drain();
  }

  private Node newNode() {
    return new Node(settings, newOrigin(), random, now());
  }

  private OriginId newOrigin() {
    return OriginId.of(System.currentTimeMillis(), random.nextLong(), random.nextLong());
  }

  private static Time now() {
    return new Time(System.currentTimeMillis(), System.nanoTime() / 1_000_000);
  }

  /** Before anything is changed, since a process may have no room for another thread. */
  private Thread startTimer() {
    return Thread.ofPlatform().daemon().name("cache-" + name).start(this::runTimer);
  }

  private void begin(@Nullable Transport to, Thread itsTimer) {
    transport = to;
    open = true;
    holdUntilTick = now().tickMillis() + holdMillis;
    timer = itsTimer;
    takeEffects();
  }

  /**
   * Joins the group again after {@link #close}, with the data at hand, under a new origin.
   *
   * @param to how to reach the peers; null for a standalone cache
   * @throws OutOfMemoryError when its timer cannot be started; nothing has changed
   */
  public void reopen(@Nullable Transport to) {
    lock.lock();
    try {
      if (open) throw new IllegalStateException("reopened while open");
      Thread itsTimer = startTimer();
      rejoin();
      // at once: a late frame of the life before must not carry out what is for this one
      begin(to, itsTimer);
    } finally {
      lock.unlock();
    }
    drain();
  }

  private void rejoin() {
    if (!settings.replicated()) return;
    try {
      node.rejoin(newOrigin(), now());
    } catch (Throwable broken) {
      throw fatal(broken);
    }
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
    } catch (Throwable broken) {
      throw fatal(broken);
    } finally {
      lock.unlock();
    }
    try {
      answer.accept(reply);
    } finally {
      if (!(moreFollow && nothingToCarryOut)) drain();
    }
  }

  /**
   * A step failed halfway, so nobody knows what is held: the only thing that ends the process. What
   * calls out of a step, or comes after one, is guarded by itself and never gets here.
   */
  private IllegalStateException fatal(Throwable broken) {
    try {
      LOG.error("the replica is broken and stops the process link={}", name, broken);
    } finally {
      fatal.accept(broken);
    }
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
    counts.addRisen(node);
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
    if (who != null) node.watch(key -> wants(who, key));
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
    } catch (Throwable broken) {
      throw fatal(broken);
    } finally {
      lock.unlock();
    }
    for (int i = 0; i < replies.size(); i++) answer(released.get(i), replies.get(i));
    drain();
  }

  private static void answer(HeldCall call, Reply reply) {
    try {
      call.answer.accept(reply);
    } catch (Throwable failure) {
      Failures.caught("answer of a held call", failure);
    }
  }

  @Override
  public void receive(Channel channel, byte[] frame) {
    step(now -> {
      try {
        node.receive(channel, frame, now);
      } catch (MalformedFrameException malformed) {
        dropped.malformed(malformed, frame.length);
      }
    });
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

  @Override
  public void without(List<String> itsLosses) {
    step(now -> losses = List.copyOf(itsLosses));
  }

  private void disconnected(@Nullable String reason) {
    step(now -> {
      refusal = reason;
      node.disconnected(now);
    });
  }

  @Override
  public void unsendable(int bytes) {
    Transport to = transport;
    step(now -> {
      if (to != null) node.payloadMax(to.maxPayload());
      node.unsendable(bytes, now);
    });
  }

  @Override
  public void nobodyListens() {
    step(node::nobodyListens);
  }

  /** Without its timer a cache would answer and tell nobody that it no longer replicates. */
  private void runTimer() {
    while (isTimer()) {
      try {
        step(node::tick);
        long sleepMillis = sleepMillis();
        if (sleepMillis > 0) LockSupport.parkNanos(sleepMillis * 1_000_000);
      } catch (Throwable failure) {
        Failures.caught("timer of a cache", failure);
        LockSupport.parkNanos(TIMER_REST_NANOS);
      }
    }
  }

  private boolean isTimer() {
    lock.lock();
    try {
      return open && Thread.currentThread() == timer;
    } finally {
      lock.unlock();
    }
  }

  private long sleepMillis() {
    lock.lock();
    try {
      if (!open) return 0;
      timerTick = held.isEmpty() ? node.nextTick() : Math.min(node.nextTick(), holdUntilTick);
      return Math.max(0, Math.min(timerTick - now().tickMillis(), 3_600_000));
    } finally {
      lock.unlock();
    }
  }

  /** Carries out what is in the outbox, in order, unless another thread is at it. */
  private void drain() {
    while (draining.compareAndSet(false, true)) {
      try {
        for (Effect effect = poll(); effect != null; effect = poll()) guarded(effect);
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
    } catch (Throwable broken) {
      throw fatal(broken);
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

  /** One effect's failure costs that effect; replay repairs what was not sent. */
  private void guarded(Effect effect) {
    try {
      carryOut(effect);
    } catch (Throwable failure) {
      Failures.caught("effect of a cache", failure);
    }
  }

  private void carryOut(Effect effect) {
    Transport to = transport;
    switch (effect) {
      case Effect.Publish(var channel, var target, var frame) -> {
        if (to != null) to.publish(channel, target, frame);
      }
      case Effect.Announced(var _) -> Counter.LARGE_MUTATIONS.increment();
      case Effect.ListenAs(var origin) -> {
        if (to != null) to.listenAs(origin);
      }
      case Effect.AnswerReplays(var member) -> {
        if (to != null) to.answerReplays(member);
      }
      case Effect.Changed(var key, var value, var cause) -> {
        KeyWatcher who = watcher;
        if (who != null && wants(who, key)) who.changed(key, value, cause);
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
      node.watch(who == null ? null : key -> wants(who, key));
    } finally {
      lock.unlock();
    }
  }

  /** Asked in the middle of a step, which a watcher's failure must not break. */
  private static boolean wants(KeyWatcher who, Key key) {
    try {
      return who.wants(key);
    } catch (Throwable failure) {
      Failures.caught("watcher", failure);
      return false;
    }
  }

  private void log(Effect.Event event) {
    String text = event.kind().name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    String peer = event.peer() == null ? "" : " peer=" + event.peer();
    String detail = event.detail().isEmpty() ? "" : " " + event.detail();
    if (event.kind() == Effect.Event.Kind.DIVERGENCE) Counter.DIVERGENCES.increment();
    if (event.kind() == Effect.Event.Kind.LIMIT_EXCEEDED) Counter.LIMITS_EXCEEDED.increment();
    switch (event.kind()) {
      case ALARM, DIVERGENCE, CANNOT_FOLLOW ->
          LOG.error("{} link={}{}{}", text, name, peer, detail);
      case SNAPSHOT_FAILED,
          PEER_LOST,
          CLOCK_SKEW,
          RENAMED,
          FULL,
          LIMIT_EXCEEDED,
          TOO_MANY_PEERS,
          OTHER_VERSION,
          UNSENDABLE ->
          LOG.warn("{} link={}{}{}", text, name, peer, detail);
      default -> LOG.info("{} link={}{}{}", text, name, peer, detail);
    }
  }

  @Override
  public ReplicaStatus status() {
    lock.lock();
    try {
      ReplicaStatus status = node.status(now());
      boolean outdated = status.state() == ReplicaStatus.State.OUTDATED;
      return status.with(outdated ? null : refusal, losses);
    } finally {
      lock.unlock();
    }
  }

  /**
   * What it keeps in memory, bytes: its content and the log of recent changes, not the few hundred
   * KiB that every replica takes.
   */
  public long keptBytes() {
    lock.lock();
    try {
      return node.status(now()).memory().bytes() + node.ring().bytes();
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
    detach();
  }

  /** Closed connections keep their buffers, and whoever keeps this replica would keep them. */
  private void detach() {
    lock.lock();
    try {
      if (!open) transport = null;
    } finally {
      lock.unlock();
    }
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
