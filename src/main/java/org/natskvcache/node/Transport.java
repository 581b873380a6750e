package org.natskvcache.node;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Channel;

/**
 * How a {@link Replica} reaches its peers. Calls come in order from one thread at a time, never
 * while the replica's lock is held, so they may block for a moment. They must not throw: what
 * cannot be sent is counted and forgotten, and replay repairs it.
 */
public interface Transport {
  /** Who is told what arrives and how the connection is. May be called from several threads. */
  interface Listener {
    /**
     * Takes one frame; the array is given away.
     *
     * @param channel whose subject it came on
     */
    void receive(Channel channel, byte[] frame);

    /**
     * The replication connection is up, for the first time or again; its subscriptions are in
     * place.
     */
    void connected();

    /** The replication connection is down. */
    void disconnected();

    /**
     * The server does not let this instance on a replication subject: as {@link #disconnected},
     * until {@link #connected}, whatever else may come through.
     *
     * @param reason for the operator; names the subject
     */
    default void refused(String reason) {
      disconnected();
    }

    /**
     * Features that go without their subjects, because the server refuses these; the connection is
     * up all the same. Told at every change.
     *
     * @param losses what does not work and why, a clause for the operator each; empty for nothing
     */
    default void without(List<String> losses) {}

    /**
     * A frame was lost, because the server takes no message of its size; {@link #maxPayload} tells
     * the limit.
     *
     * @param bytes its size
     */
    void unsendable(int bytes);

    /** What was last sent on {@link Channel#REPLAY_ALL} had no one to go to, the server says. */
    void nobodyListens();
  }

  /**
   * Sends one encoded frame; the array is given away.
   *
   * @param target whom a frame on {@link Channel#DIRECT} or {@link Channel#OBSERVER} is for, else
   *     null
   */
  void publish(Channel channel, @Nullable OriginId target, byte[] frame);

  /** The largest payload that all servers take that this instance is connected to, bytes. */
  int maxPayload();

  /**
   * Called when this instance takes a new name: {@code R.<origin>} is to be listened on, any former
   * one no longer.
   */
  void listenAs(OriginId origin);

  /** Enters or leaves the queue group on {@code R}: only live instances answer there. */
  void answerReplays(boolean member);
}
