package org.natskvcache.node;

import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;

/** What a step of the node wants done outside, in order. */
public sealed interface Effect {
  /**
   * @param target whom a frame on {@link Channel#DIRECT} or {@link Channel#OBSERVER} is for, else
   *     null
   */
  record Publish(Channel channel, @Nullable OriginId target, byte[] frame) implements Effect {
    @Override
    public String toString() {
      return "Publish[" + channel + ", " + frame.length + " bytes]";
    }
  }

  /**
   * A frame of mutations is larger than the server takes. It is not published: a beacon tells of
   * it, and peers get it in pieces when they ask.
   *
   * @param frame what would have been published
   */
  record Announced(byte[] frame) implements Effect {
    @Override
    public String toString() {
      return "Announced[" + frame.length + " bytes]";
    }
  }

  /** From now on this instance is called so. */
  record ListenAs(OriginId origin) implements Effect {}

  /** Enter or leave the queue group of those who answer replays. */
  record AnswerReplays(boolean member) implements Effect {}

  /**
   * A watched key was written, or is gone.
   *
   * @param value what it shows as a string or counter; null when it shows neither any more
   * @param cause what came with the call that did it; null from a node, which does not know
   */
  record Changed(Key key, @Nullable Bytes value, @Nullable Object cause) implements Effect {
    Changed by(Object caller) {
      return new Changed(key, value, caller);
    }
  }

  /**
   * These origins came and went long ago; nothing but a sum is remembered of them any more.
   *
   * @param marks how much was applied of each
   */
  record Forgot(SortedMap<OriginId, Long> marks) implements Effect {}

  /**
   * This node must be thrown away and a new one join in its place: while it was apart the group
   * forgot origins of which it holds something else. What only it had is lost. Effects that follow
   * are void.
   */
  record StartOver() implements Effect {}

  /**
   * Something an operator's log should tell.
   *
   * @param peer the peer it is about, or null
   * @param detail {@code key=value} pairs; no keys of the cache, no values
   */
  record Event(Kind kind, @Nullable OriginId peer, String detail) implements Effect {
    /** What happened. */
    public enum Kind {
      /** Fetching what the group has. */
      JOINING,
      /** Serving: in step with the group, or nobody made an offer. */
      LIVE,
      /** What an instance that had no offer found missing since it went live is here. */
      CAUGHT_UP,
      /** A peer was heard for the first time. */
      PEER_FOUND,
      /** A peer was not heard for three heartbeats. */
      PEER_LOST,
      /** A peer left on purpose. */
      PEER_LEFT,
      /**
       * This instance goes on under a new name; the peer is its old one. The detail says why the
       * old one would not do.
       */
      RENAMED,
      /** A snapshot is being fetched because a replay was not enough. */
      SNAPSHOT_STARTED,
      /** A snapshot was installed. */
      SNAPSHOT_INSTALLED,
      /** A snapshot could not be read or did not arrive whole; nothing was changed. */
      SNAPSHOT_FAILED,
      /** A peer's clock and ours are further apart than {@link ClockLimits#warnMillis}. */
      CLOCK_SKEW,
      /** Writes are refused, because they do not fit. */
      FULL,
      /** Keys are deleted to make room for writes. */
      EVICTING,
      /** Peers wrote more than the limits of this instance allow. */
      LIMIT_EXCEEDED,
      /** More instances are heard, or claim to hold more, than there is room to know. */
      TOO_MANY_PEERS,
      /** A peer writes what this release does not know; this instance stops. */
      CANNOT_FOLLOW,
      /** Another instance speaks another version of the protocol. */
      OTHER_VERSION,
      /**
       * A frame is more than the server takes, and cannot be cut. Once until one of its type is
       * not.
       */
      UNSENDABLE,
      /** What must not happen did; see the detail. */
      ALARM,
      /**
       * The peer claims the same history and holds different data; the detail says where, in
       * buckets and hashes of keys. Once for each pair of digests.
       */
      DIVERGENCE
    }
  }
}
