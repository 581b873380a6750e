package org.natskvcache.node;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.natskvcache.Thrown;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Capacity;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/**
 * A real standalone cache that remembers what it was asked, and poses in whatever state a test
 * wants.
 */
public final class PosingReplica implements Replica {
  public static final OriginId ORIGIN = new OriginId(1, 2);

  /** What was asked, in order. */
  public final List<Command> commands = Collections.synchronizedList(new ArrayList<>());

  /** What {@link #status} answers; null for the cache's own. */
  public volatile @Nullable ReplicaStatus status;

  /** Whether answers come on another thread, after {@link #call} has returned. */
  public volatile boolean answersLater;

  /** Whether no peer ever shows that it has what was written. */
  public volatile boolean unheard;

  /** Whether calls get no answer, as if it were on its way without end. */
  public volatile boolean silent;

  /** What {@link #call} and {@link #status} throw; null for nothing. */
  public volatile @Nullable Throwable thrown;

  private final LockedReplica cache;

  public PosingReplica() {
    this(Limits.DEFAULTS);
  }

  public PosingReplica(Limits limits) {
    cache = new LockedReplica("test", NodeSettings.standalone(limits), null);
  }

  /** A status with some numbers in it. */
  public static ReplicaStatus status(
      ReplicaStatus.State state,
      boolean connected,
      List<ReplicaStatus.Peer> peers,
      @Nullable String alarm) {
    return status(state, connected, peers, List.of(), alarm);
  }

  /** One that is live and has a problem. */
  public static ReplicaStatus troubled(String problem) {
    return status(ReplicaStatus.State.LIVE, true, List.of(), List.of(problem), null);
  }

  private static ReplicaStatus status(
      ReplicaStatus.State state,
      boolean connected,
      List<ReplicaStatus.Peer> peers,
      List<String> problems,
      @Nullable String alarm) {
    return new ReplicaStatus(
        ORIGIN,
        state,
        connected,
        1234,
        3,
        new TreeMap<>(Map.of(ORIGIN, 7L)),
        0xabcL,
        2,
        new ReplicaStatus.Memory(300, 1_000, Capacity.NONE, 4, 5),
        peers,
        null,
        problems,
        alarm,
        List.of());
  }

  /** A status with some numbers in it; connected unless it is joining. */
  public static ReplicaStatus status(
      ReplicaStatus.State state, List<ReplicaStatus.Peer> peers, @Nullable String alarm) {
    return status(state, state != ReplicaStatus.State.JOINING, peers, alarm);
  }

  /** The bytes under a key of the default namespace; null if there are none. */
  public @Nullable Bytes value(String key) {
    Bytes[] value = new Bytes[1];
    cache.call(
        new Command.Get(Key.of(key)),
        reply -> value[0] = reply instanceof Reply.Value(var bytes) ? bytes : null);
    return value[0];
  }

  @Override
  public void call(Command command, Object cause, Consumer<Reply> answer) {
    if (thrown != null) Thrown.raise(thrown);
    commands.add(command);
    cache.call(
        command,
        reply -> {
          if (silent) return;
          if (answersLater) Thread.ofPlatform().start(() -> answer.accept(reply));
          else answer.accept(reply);
        });
  }

  @Override
  public ReplicaStatus status() {
    if (thrown != null) Thrown.raise(thrown);
    ReplicaStatus posed = status;
    return posed == null ? cache.status() : posed;
  }

  @Override
  public void receive(Channel channel, byte[] frame) {
    cache.receive(channel, frame);
  }

  @Override
  public void connected() {
    cache.connected();
  }

  @Override
  public void disconnected() {
    cache.disconnected();
  }

  @Override
  public void unsendable(int bytes) {
    cache.unsendable(bytes);
  }

  @Override
  public void nobodyListens() {
    cache.nobodyListens();
  }

  @Override
  public void watch(KeyWatcher watcher) {}

  @Override
  public boolean handOver(Duration patience) {
    return cache.handOver(patience) && !unheard;
  }

  @Override
  public void close() {
    cache.close();
  }
}
