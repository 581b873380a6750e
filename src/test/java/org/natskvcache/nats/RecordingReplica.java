package org.natskvcache.nats;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.natskvcache.node.Replica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Command;
import org.natskvcache.store.Reply;

/**
 * Keeps what a transport tells it, in order: "connected", "disconnected", "refused: " with the
 * reason, "unsendable: " with the size, "nobody listens" and each frame's text.
 */
final class RecordingReplica implements Replica {
  private final List<String> heard = new CopyOnWriteArrayList<>();
  private volatile List<String> losses = List.of();
  private volatile CountDownLatch held = new CountDownLatch(0);

  List<String> heard() {
    return List.copyOf(heard);
  }

  /** Frames only. */
  List<String> frames() {
    return heard.stream().filter(text -> !isNews(text)).toList();
  }

  /** Connection news only. */
  List<String> news() {
    return heard.stream().filter(RecordingReplica::isNews).toList();
  }

  private static boolean isNews(String text) {
    return text.equals("connected")
        || text.equals("disconnected")
        || text.startsWith("refused: ")
        || text.startsWith("unsendable: ")
        || text.equals("nobody listens");
  }

  /** From now on whoever hands over a frame waits, until {@link #proceed}. */
  void hold() {
    held = new CountDownLatch(1);
  }

  void proceed() {
    held.countDown();
  }

  @Override
  public void receive(Channel channel, byte[] frame) {
    try {
      held.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the connection is being closed
    }
    heard.add(new String(frame, StandardCharsets.UTF_8));
  }

  @Override
  public void connected() {
    heard.add("connected");
  }

  @Override
  public void disconnected() {
    heard.add("disconnected");
  }

  @Override
  public void refused(String reason) {
    heard.add("refused: " + reason);
  }

  @Override
  public void without(List<String> itsLosses) {
    losses = itsLosses;
  }

  /** What it was told last that does not work. */
  List<String> losses() {
    return losses;
  }

  @Override
  public void unsendable(int bytes) {
    heard.add("unsendable: " + bytes);
  }

  @Override
  public void nobodyListens() {
    heard.add("nobody listens");
  }

  @Override
  public void call(Command command, Object cause, Consumer<Reply> answer) {
    throw new UnsupportedOperationException();
  }

  @Override
  public ReplicaStatus status() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void watch(KeyWatcher watcher) {}

  @Override
  public boolean handOver(Duration patience) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
