package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.metrics.Counter;
import org.natskvcache.node.Transport;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Limits;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The network of one cache: two connections, so that a flood of catch-up traffic cannot make the
 * server or the client drop live mutations.
 *
 * <table>
 * <caption>Which subject is on which connection</caption>
 * <tr><th>live</th><td>{@code E} mutations, {@code E.hb} heartbeats</td></tr>
 * <tr><th>catch-up</th><td>{@code R} as a member of queue group {@code R}, {@code R.all}, {@code
 * R.<origin>}; sends on them too, so a request never overtakes the subscription its answer needs</td>
 * </tr>
 * </table>
 *
 * <p>Neither hears itself. The replica is told {@code connected} when both connections have their
 * subscriptions in place, {@code disconnected} when one is lost, {@code refused} when the server
 * does not let one on a subject, or takes only messages that are too small for replication; that
 * one is made anew every 10 s, until it does. A refused subject of an {@linkplain OptionalSubjects
 * optional} feature costs that feature only. Frames are handed to the replica on the thread that
 * read them, one thread for each connection.
 */
public final class ReplicationTransport implements Transport, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicationTransport.class);

  /** What may wait in one connection for the replica; the newest beyond it are dropped. */
  private static final long PENDING_MESSAGES_MAX = 512 << 10;

  private static final long PENDING_BYTES_MAX = 64L << 20;

  /** How long closing may wait for the server to take what was published. */
  private static final Duration FLUSH_MAX = Duration.ofMillis(100);

  /** After the client's queue was full, how long nothing is offered to it: each offer waits. */
  private static final long REST_NANOS = Duration.ofMillis(100).toNanos();

  private record News(boolean connected, @Nullable String refusal) {}

  private final ConnectionSettings settings;
  private final ReplicationSubjects subjects;
  private final String name;
  private final Sender liveSender;
  private final Sender catchUpSender;

  /** Guards the order of what the replica is told; held while it is told. */
  private final ReentrantLock newsLock = new ReentrantLock();

  private List<Side> sides = List.of();
  private News told = new News(false, null);
  private List<String> lossesTold = List.of();

  /** Guards what the catch-up connection listens to; never held while the replica is called. */
  private final ReentrantLock listeningLock = new ReentrantLock();

  private @Nullable Dispatcher catchUp;
  private @Nullable OriginId origin;
  private boolean member;

  private volatile int payloadMax = Limits.DEFAULT_PAYLOAD_MAX;
  private final boolean observing;
  private @Nullable NatsConnector liveConnector;
  private @Nullable NatsConnector catchUpConnector;

  /** Nothing is connected before {@link #start}. */
  public ReplicationTransport(
      ConnectionSettings settings, ReplicationSubjects subjects, String linkName) {
    this(settings, subjects, linkName, false);
  }

  private ReplicationTransport(
      ConnectionSettings settings,
      ReplicationSubjects subjects,
      String linkName,
      boolean observing) {
    this.settings = settings;
    this.subjects = subjects;
    this.observing = observing;
    name = "nats-kvcache " + linkName;
    liveSender = new Sender("live");
    catchUpSender = new Sender("catch-up");
  }

  /** For one who asks and is answered, but takes no part: without the live connection. */
  static ReplicationTransport observing(
      ConnectionSettings settings, ReplicationSubjects subjects, String linkName) {
    return new ReplicationTransport(settings, subjects, linkName, true);
  }

  /**
   * Connects in the background and feeds {@code replica} from then on. Once.
   *
   * @throws IllegalArgumentException when the credentials cannot be used, naming the reason only
   */
  public void start(Transport.Listener replica) {
    if (catchUpConnector != null) {
      throw new IllegalStateException("started twice");
    }
    var live = new Live(replica);
    var catchUpSide = new CatchUp(replica);
    sides = observing ? List.of(catchUpSide) : List.of(live, catchUpSide);
    if (!observing) {
      liveConnector =
          NatsConnector.open(settings, ConnectionTuning.replication(name + " live"), live);
    }
    catchUpConnector =
        NatsConnector.open(settings, ConnectionTuning.replication(name + " catch-up"), catchUpSide);
  }

  /** The least of all connections; NATS' default of 1 MiB until a server has told. */
  @Override
  public int maxPayload() {
    return payloadMax;
  }

  @Override
  public void publish(Channel channel, @Nullable OriginId target, byte[] frame) {
    Sender sender =
        switch (channel) {
          case MUTATIONS, HEARTBEATS -> liveSender;
          case REPLAY_ANY, REPLAY_ALL, DIRECT, OBSERVER -> catchUpSender;
        };
    // a server that has nobody to give a message to tells so where its answers would go
    String answers = channel == Channel.REPLAY_ALL ? ownSubject() : null;
    sender.send(subjects.of(channel, target), answers, frame);
  }

  /** Where answers to this one go. */
  private String own(OriginId name) {
    return observing ? subjects.observer(name) : subjects.direct(name);
  }

  private @Nullable String ownSubject() {
    listeningLock.lock();
    try {
      return origin == null ? null : own(origin);
    } finally {
      listeningLock.unlock();
    }
  }

  @Override
  public void listenAs(OriginId newOrigin) {
    listening(() -> {
      Dispatcher dispatcher = catchUp;
      OriginId former = origin;
      origin = newOrigin;
      if (dispatcher != null && !newOrigin.equals(former)) {
        dispatcher.subscribe(own(newOrigin));
        if (former != null) {
          dispatcher.unsubscribe(own(former));
        }
      }
    });
  }

  @Override
  public void answerReplays(boolean newMember) {
    listening(() -> {
      Dispatcher dispatcher = catchUp;
      boolean change = member != newMember;
      member = newMember;
      if (dispatcher != null && change) {
        if (newMember) {
          dispatcher.subscribe(subjects.replay(), subjects.replay());
        } else {
          dispatcher.unsubscribe(subjects.replay());
        }
      }
    });
  }

  /** Sends what was published, within 100 ms, and disconnects. May be called twice. */
  @Override
  public void close() {
    long end = System.nanoTime() + FLUSH_MAX.toNanos();
    for (NatsConnector connector : new NatsConnector[] {liveConnector, catchUpConnector}) {
      if (connector != null) {
        connector.flush(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
      }
    }
    liveSender.use(null);
    catchUpSender.use(null);
    for (NatsConnector connector : new NatsConnector[] {liveConnector, catchUpConnector}) {
      if (connector != null) {
        connector.close();
      }
    }
  }

  /** Runs a change of subscriptions; a connection that is gone gets them when it is replaced. */
  private void listening(Runnable change) {
    listeningLock.lock();
    try {
      change.run();
    } catch (IllegalStateException e) {
      LOG.debug("subscriptions wait for the next connection link=\"{}\"", name);
    } finally {
      listeningLock.unlock();
    }
  }

  /** What the server of a connection takes; 0 when it has not told. */
  private static int payloadMax(Connection connection) {
    return Math.clamp(connection.getServerInfo().getMaxPayload(), 0, Integer.MAX_VALUE);
  }

  /** The connections may be to two servers of a cluster, with limits of their own. */
  private void learnPayloadMax() {
    int least = Integer.MAX_VALUE;
    for (Side side : sides) {
      int max = side.payloadMax;
      if (max > 0) least = Math.min(least, max);
    }
    if (least < Integer.MAX_VALUE) payloadMax = least;
  }

  private static Dispatcher dispatcher(Connection connection, Receiver receiver) {
    Dispatcher dispatcher = connection.createDispatcher(Guarded.handler(receiver::receive));
    dispatcher.setPendingLimits(PENDING_MESSAGES_MAX, PENDING_BYTES_MAX);
    receiver.of(dispatcher);
    return dispatcher;
  }

  /** One of the connections. The replica hears of them what holds for all. */
  private abstract class Side implements NatsConnector.Listener {
    private final Transport.Listener replica;
    private final Sender sender;

    // changed by its connector's thread, under newsLock
    private boolean up;
    private @Nullable String refusal;

    /** What its server takes, bytes; 0: not known yet. */
    private volatile int payloadMax;

    Side(Transport.Listener replica, Sender sender) {
      this.replica = replica;
      this.sender = sender;
      sender.of(this);
    }

    abstract void subscribe(Dispatcher dispatcher);

    @Override
    public void attached(Connection connection) {
      subscribe(dispatcher(connection, new Receiver(replica)));
      sender.optional.clear();
      sender.use(connection);
      news(up, null);
    }

    @Override
    public @Nullable String unfit(Connection connection) {
      int max = payloadMax(connection);
      if (observing || max == 0 || max >= Limits.PAYLOAD_LEAST) return null;
      return "the server's max_payload of %d bytes is less than the %d that replication needs"
          .formatted(max, Limits.PAYLOAD_LEAST);
    }

    @Override
    public void up(Connection connection) {
      learn(connection);
      news(true, refusal);
    }

    void learn(Connection connection) {
      newsLock.lock(); // two connections may learn at once
      try {
        payloadMax = payloadMax(connection);
        learnPayloadMax();
      } finally {
        newsLock.unlock();
      }
    }

    @Override
    public void down() {
      sender.optional.clear();
      news(false, null);
    }

    @Override
    public void outOfReach(@Nullable String words) {
      news(false, words);
    }

    @Override
    public boolean notAllowed(String reason) {
      if (logs(reason)) without(reason);
      else news(up, reason);
      return true;
    }

    /** What is no reason to be down needs no line for each subject either. */
    @Override
    public boolean logs(String reason) {
      return sender.optional.concern(reason);
    }

    private void without(String reason) {
      if (!sender.optional.refuse(reason)) return;
      LOG.warn(
          "a feature is switched off link=\"{}\" losses=\"{}\" error=\"{}\"",
          name,
          String.join(", ", sender.optional.losses()),
          reason);
      news(up, refusal);
    }

    /** A connection that is up is not risked in vain. */
    @Override
    public boolean stillRefused(Connection connection) {
      return refusal == null && sender.optional.remain(connection);
    }

    private void news(boolean nowUp, @Nullable String nowRefused) {
      newsLock.lock();
      try {
        up = nowUp;
        refusal = nowRefused;
        tell(replica);
      } finally {
        newsLock.unlock();
      }
    }
  }

  /** Under newsLock. */
  private void tell(Transport.Listener replica) {
    boolean allUp = true;
    String refusal = null;
    List<String> losses = new ArrayList<>();
    for (Side side : sides) {
      allUp &= side.up;
      if (refusal == null) refusal = side.refusal;
      losses.addAll(side.sender.optional.losses());
    }
    if (!losses.equals(lossesTold)) {
      lossesTold = losses;
      replica.without(losses);
    }
    var now = new News(allUp && refusal == null, refusal);
    if (now.equals(told)) return;
    told = now;
    if (now.connected) replica.connected();
    else if (refusal == null) replica.disconnected();
    else replica.refused(refusal);
  }

  private final class Live extends Side {
    Live(Transport.Listener replica) {
      super(replica, liveSender);
    }

    @Override
    void subscribe(Dispatcher dispatcher) {
      dispatcher.subscribe(subjects.events());
      dispatcher.subscribe(subjects.heartbeats());
    }
  }

  private final class CatchUp extends Side {
    CatchUp(Transport.Listener replica) {
      super(replica, catchUpSender);
    }

    @Override
    void subscribe(Dispatcher dispatcher) {
      listeningLock.lock();
      try {
        if (!observing) {
          dispatcher.subscribe(subjects.replayAll());
        }
        if (origin != null) {
          dispatcher.subscribe(own(origin));
        }
        if (member) {
          dispatcher.subscribe(subjects.replay(), subjects.replay());
        }
        catchUp = dispatcher;
      } finally {
        listeningLock.unlock();
      }
    }
  }

  /** Hands frames to the replica; of one dispatcher's thread. */
  private final class Receiver {
    private final Transport.Listener replica;
    private volatile @Nullable Dispatcher dispatcher;
    private long dropsCounted;

    Receiver(Transport.Listener replica) {
      this.replica = replica;
    }

    void of(Dispatcher its) {
      dispatcher = its;
    }

    void receive(Message message) {
      Dispatcher its = dispatcher;
      // Where messages were dropped there is a full queue behind this one, so no drop goes unseen.
      long drops = its == null ? 0 : its.getDroppedCount();
      if (drops != dropsCounted) {
        Counter.SLOW_CONSUMER_DROPS.add(drops - dropsCounted);
        dropsCounted = drops;
      }
      if (message.isStatusMessage() && message.getStatus().isNoResponders()) {
        replica.nobodyListens();
      } else {
        String subscribed = message.getSubscription().getSubject();
        replica.receive(subjects.channel(subscribed), message.getData());
      }
    }
  }

  /** Publishes on one connection, or counts what it could not. */
  private final class Sender {
    private final String which;
    private final OptionalSubjects optional;
    private volatile @Nullable Connection connection;
    private volatile boolean failing;
    private volatile boolean tooLargeLogged;
    private volatile @Nullable Side side;
    private volatile long restUntilNanos = System.nanoTime();

    Sender(String which) {
      this.which = which;
      optional = new OptionalSubjects(observing ? List.of() : subjects.optional());
    }

    void of(Side its) {
      side = its;
    }

    void use(@Nullable Connection newConnection) {
      connection = newConnection;
    }

    void send(String subject, @Nullable String answers, byte[] frame) {
      Connection now = connection;
      if (now == null || now.getStatus() != Connection.Status.CONNECTED) {
        Counter.UNSENT_MESSAGES.increment(); // the connector has told of it
        return;
      }
      if (optional.isOff(subject)) {
        Counter.UNSENT_MESSAGES.increment(); // health tells of it
        return;
      }
      if (failing && System.nanoTime() - restUntilNanos < 0) {
        Counter.UNSENT_MESSAGES.increment();
        return;
      }
      try {
        now.publish(subject, answers, frame);
        sent();
      } catch (IllegalArgumentException e) {
        tooLarge(now, frame.length);
      } catch (IllegalStateException e) {
        restUntilNanos = System.nanoTime() + REST_NANOS;
        unsent("the connection is closed or far behind");
      }
    }

    private void unsent(String reason) {
      Counter.UNSENT_MESSAGES.increment();
      if (!failing) {
        failing = true;
        LOG.warn("replication cannot be sent link=\"{}\" on={} reason=\"{}\"", name, which, reason);
      }
    }

    /** The limit is lower than when the replica was last told, or the frame cannot be cut. */
    private void tooLarge(Connection now, int bytes) {
      Counter.UNSENT_MESSAGES.increment();
      if (!tooLargeLogged) {
        tooLargeLogged = true;
        LOG.warn("a frame is more than the server takes link=\"{}\" bytes={}", name, bytes);
      }
      Side its = side;
      if (its == null) return;
      its.learn(now);
      its.replica.unsendable(bytes);
    }

    private void sent() {
      if (failing) {
        failing = false;
        LOG.info("replication is sent again link=\"{}\" on={}", name, which);
      }
    }
  }
}
