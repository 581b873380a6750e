package org.natskvcache.process;

import static org.natskvcache.Waiting.until;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;

/**
 * Reads the heartbeats of a group, which tell version vector and digest of each instance, without
 * being an instance. Of a listener's own thread and the test's.
 */
public final class HeartbeatListener implements AutoCloseable {
  /** The suffix of the subject that carries them. */
  private static final String SUFFIX = ".hb";

  /**
   * @param vectorHash hash of everything the instance has applied
   * @param atNanos when it was heard
   */
  private record Heard(long vectorHash, long digest, long entries, boolean live, long atNanos) {
    /** Entries are no part of it: one may be left of a deleted counter, for a peer that crashed. */
    boolean sameDataAs(Heard other) {
      return vectorHash == other.vectorHash && digest == other.digest;
    }
  }

  private final Connection connection;
  private final Dispatcher dispatcher;
  private final FrameCodec codec = new FrameCodec(new Origins());
  private final Map<OriginId, Heard> latest = new HashMap<>();

  /** Listens on {@code stateSubject.hb}. */
  public HeartbeatListener(Connection connection, String stateSubject) {
    this.connection = connection;
    dispatcher = connection.createDispatcher(this::hear);
    dispatcher.subscribe(stateSubject + SUFFIX);
  }

  private synchronized void hear(Message message) {
    try {
      if (Frames.decode(codec, message.getData()) instanceof Frame.Heartbeat heartbeat) {
        long vectorHash = heartbeat.active().hash() + heartbeat.restHash();
        latest.put(
            heartbeat.from(),
            new Heard(
                vectorHash,
                heartbeat.digest(),
                heartbeat.entries(),
                heartbeat.live(),
                System.nanoTime()));
      }
    } catch (MalformedFrameException e) {
      // a test's own garbage
    }
  }

  /** Everyone heard so far. */
  synchronized Set<OriginId> origins() {
    return Set.copyOf(latest.keySet());
  }

  /**
   * Waits until {@code instances} of them, and no more, have told after this call that they hold
   * the same. The instances beat every second, so this takes two at most when all is well.
   */
  void awaitAgreement(int instances) {
    long begin = System.nanoTime();
    until(
        () -> instances + " instances that agree; heard " + story(begin),
        () -> agree(instances, begin));
  }

  /** Whether exactly {@code instances} have told since {@code begin} (nanoTime), all the same. */
  public synchronized boolean agree(int instances, long begin) {
    List<Heard> fresh = latest.values().stream().filter(heard -> heard.atNanos > begin).toList();
    return fresh.size() == instances
        && fresh.stream().allMatch(heard -> heard.live && heard.sameDataAs(fresh.getFirst()));
  }

  /** What everyone told last, for a person. */
  public synchronized String story(long begin) {
    var lines = new StringBuilder();
    latest.forEach((origin, heard) ->
        lines
            .append(origin)
            .append(heard.atNanos > begin ? " " : " (before) ")
            .append(heard)
            .append("; "));
    return lines.toString();
  }

  @Override
  public void close() {
    connection.closeDispatcher(dispatcher);
  }
}
