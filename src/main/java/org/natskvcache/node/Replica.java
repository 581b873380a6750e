package org.natskvcache.node;

import java.util.function.Consumer;
import org.natskvcache.store.Command;
import org.natskvcache.store.Reply;

/**
 * One running cache: the pure node behind a single lock, with its timer and its ordered outbox. All
 * methods may be called from any thread.
 */
public interface Replica extends AutoCloseable {
  /**
   * Runs a command. The answer is given on the calling thread before this returns, or, while the
   * replica is joining, later on another thread (after a second at most). {@code answer} must not
   * throw.
   */
  void call(Command command, Consumer<Reply> answer);

  /**
   * Takes one frame from any of the replication subjects; malformed ones are counted and dropped.
   */
  void receive(byte[] frame);

  /**
   * The replication connection is up, for the first time or again; its subscriptions are in place.
   */
  void connected();

  /** The replication connection is down. */
  void disconnected();

  ReplicaStatus status();

  /**
   * Publishes what is owed and a leave notice, then stops the timer. The data stays. May be called
   * twice.
   */
  @Override
  void close();
}
