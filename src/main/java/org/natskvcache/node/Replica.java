package org.natskvcache.node;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Reply;

/**
 * One running cache: the pure node behind a single lock, with its timer and its ordered outbox. All
 * methods may be called from any thread.
 */
public interface Replica extends Transport.Listener, AutoCloseable {
  /**
   * Runs a command. The answer is given on the calling thread before this returns, or, while the
   * replica is joining, later on another thread (after a second at most). {@code answer} must not
   * throw.
   *
   * @param cause told with the changes that the command makes, see {@link KeyWatcher#changed}; null
   *     for none
   */
  void call(Command command, @Nullable Object cause, Consumer<Reply> answer);

  /** As above, without a cause. */
  default void call(Command command, Consumer<Reply> answer) {
    call(command, null, answer);
  }

  /**
   * The same for one of several calls that follow each other: what they change may wait for {@link
   * #flush} to be published together, a millisecond at most while they go on.
   */
  default void callTogether(Command command, @Nullable Object cause, Consumer<Reply> answer) {
    call(command, cause, answer);
  }

  /** Publishes what waits. */
  default void flush() {}

  /** Malformed frames are counted and dropped. */
  @Override
  void receive(Channel channel, byte[] frame);

  ReplicaStatus status();

  /**
   * Tells of changes of keys from now on, in their order; null for nobody. Changes by peers are
   * told too, and those of a snapshot. A key that expires is gone when its removal is applied.
   */
  void watch(@Nullable KeyWatcher watcher);

  /** Who hears of changes. Its methods must not wait. */
  interface KeyWatcher {
    /** Whether changes of this key are to be told; always the same answer for the same key. */
    boolean wants(Key key);

    /**
     * A key was written, or is gone.
     *
     * @param value what it shows as a string or counter; null when it shows neither any more
     * @param cause what came with the call that made the change; null for changes by peers
     */
    void changed(Key key, @Nullable Bytes value, @Nullable Object cause);
  }

  /**
   * As {@link #close}, and waits until a peer has shown that it has everything written here.
   *
   * @param patience longest wait
   * @return whether one has, or nothing was written, or nothing is replicated
   */
  boolean handOver(Duration patience);

  /**
   * Publishes what is owed and a leave notice, then stops the timer. The data stays. May be called
   * twice.
   */
  @Override
  void close();
}
