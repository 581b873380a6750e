package org.natskvcache.replication.wire;

import java.util.List;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Mutation;

/**
 * What peers say to each other. Vectors are in the slots of the replica that decoded or is to
 * encode the frame.
 */
public sealed interface Frame {
  /** Who sent the frame; for mutations their author, whoever replays them. */
  OriginId from();

  /** Consecutive mutations of one origin, at least one. */
  record Mutations(OriginId from, List<Mutation> mutations) implements Frame {}

  /**
   * "I have written this far", shortly after the last write, so that a lost last mutation is
   * noticed.
   *
   * @param sequence last sequence of the sender
   * @param wallMillis wall time of the sender, milliseconds since 1970
   */
  record Beacon(OriginId from, long sequence, long wallMillis) implements Frame {}

  /**
   * A replica's state, from which a peer sees what it lacks and whether the two agree.
   *
   * @param live false while the sender is joining
   * @param hello whether the sender asks its peers to answer with heartbeats of their own: it has
   *     just connected
   * @param outdated whether the sender cannot follow the group, because its release is too old
   * @param sequence last sequence of the sender
   * @param wallMillis wall time of the sender, milliseconds since 1970
   * @param active the sender's marks of the origins it counts as alive, and what it has forgotten
   * @param restCount how many more origins its vector has marks of
   * @param restHash the hash of its vector less the terms of the active marks
   * @param digest digest of everything the sender holds
   * @param entries keys held
   * @param samples some digest buckets in rotation
   * @param features what the sender understands beyond the first release of this version of the
   *     protocol, a bit each
   */
  record Heartbeat(
      OriginId from,
      boolean live,
      boolean hello,
      boolean outdated,
      long sequence,
      long wallMillis,
      long hlc,
      VersionVector active,
      long restCount,
      long restHash,
      long digest,
      long entries,
      List<Sample> samples,
      long features)
      implements Frame {}

  /**
   * One digest bucket of the sender.
   *
   * @param vectorHash hash of the bucket's vector; equal ones imply equal digests
   */
  record Sample(int bucket, long vectorHash, long digest) {}

  /**
   * "I am going; this was my last sequence." Not numbered itself.
   *
   * @param wallMillis wall time of the sender, milliseconds since 1970
   */
  record Leave(OriginId from, long finalSequence, long wallMillis) implements Frame {}

  /**
   * "Who has the data?" from one who joins.
   *
   * @param nonce a number that others cannot guess; comes back with the answers, as in all requests
   * @param attempt number of the request, from 1; the later ones are answered by more
   */
  record OfferRequest(OriginId from, long nonce, int attempt) implements Frame {}

  /**
   * A live replica's answer to that, with its whole vector.
   *
   * @param wallMillis wall time of the sender, milliseconds since 1970
   */
  record Offer(OriginId from, long nonce, long wallMillis, VersionVector vector, long entries)
      implements Frame {}

  /**
   * "Send me what this vector lacks."
   *
   * @param creditBytes how much the sender is ready to take at once
   */
  record ReplayRequest(OriginId from, long nonce, VersionVector vector, int creditBytes)
      implements Frame {}

  /**
   * Part of a frame of mutations that is being replayed, whoever wrote them.
   *
   * @param from who replays them
   * @param number which frame of the answer to {@code nonce} it is part of, from 0
   * @param offset where in that frame the piece begins, bytes
   * @param totalBytes how long that frame is
   */
  record Replayed(OriginId from, long nonce, int number, int offset, int totalBytes, Bytes piece)
      implements Frame {}

  /** How a replay ended, with the responder's whole vector. */
  record ReplayEnd(OriginId from, long nonce, Outcome outcome, VersionVector vector)
      implements Frame {
    /** What the requester is to do next. */
    public enum Outcome {
      /** Nothing: all that was lacking was sent. */
      DONE(0),
      /** Ask again, there is more. */
      MORE(1),
      /** Ask another: the responder has nothing the requester lacks. */
      BEHIND(2),
      /** Ask for a snapshot: what is lacking left the responder's ring. */
      SNAPSHOT_NEEDED(3);

      final int code;

      Outcome(int code) {
        this.code = code;
      }

      static Outcome of(int code) throws MalformedFrameException {
        for (Outcome outcome : values()) if (outcome.code == code) return outcome;
        throw new MalformedFrameException("unknown outcome " + code);
      }
    }
  }

  /**
   * "Send me the cut from here on."
   *
   * @param cut the cut's number at the responder; 0 asks for one for a new cut
   * @param section the section to go on with; all before it have arrived
   * @param offset where in the section, bytes
   * @param windowBytes how much may be sent before the next request
   */
  record SnapshotRequest(
      OriginId from, long nonce, long cut, int section, int offset, int windowBytes)
      implements Frame {}

  /**
   * Part of a cut: pieces of consecutive sections, the first one of {@code section} from {@code
   * offset} on.
   *
   * @param last whether the cut ends with the last piece
   */
  record SnapshotChunk(
      OriginId from,
      long nonce,
      long cut,
      int section,
      int offset,
      boolean last,
      List<Piece> pieces)
      implements Frame {}

  /** Some bytes of a section, and whether the section ends with them. */
  record Piece(boolean ends, Bytes bytes) {
    /** How many bytes these pieces have together. */
    public static int bytes(List<Piece> pieces) {
      int sum = 0;
      for (Piece piece : pieces) sum += piece.bytes.size();
      return sum;
    }
  }

  /**
   * No cut.
   *
   * @param cut the number asked for; if busy, the number to ask with for a new cut, or 0
   * @param busy whether the responder does not serve yet, because it wants to see its number again
   *     or serves too many already; otherwise the cut is gone
   */
  record SnapshotRefused(OriginId from, long nonce, long cut, boolean busy) implements Frame {}

  /** "Your heartbeat's hash of the silent origins differs from mine: send me your whole vector." */
  record VectorRequest(OriginId from, long nonce) implements Frame {}

  /**
   * The sender's whole vector.
   *
   * @param nonce that of the request; 0 from one who tells an instance that leaves that it has all
   */
  record Vector(OriginId from, long nonce, VersionVector vector) implements Frame {}

  /**
   * "What do you hold?" Whoever asks need not be an instance, and is not taken for one.
   *
   * @param observer whether the sender is no instance: its answers go to {@link Channel#OBSERVER}
   * @param question any number from 0; comes back with the answer
   * @param bucket the bucket whose keys are asked for; {@link #ALL_BUCKETS} for the digests of all
   *     buckets
   * @param start where to begin: a bucket, or the hash of a key
   */
  record DigestRequest(OriginId from, boolean observer, long question, int bucket, long start)
      implements Frame {
    /** Instead of a bucket. */
    public static final int ALL_BUCKETS = -1;
  }

  /**
   * An answer to that, all of one moment.
   *
   * @param live false while the sender is joining
   * @param last whether nothing comes after what is listed here
   * @param wallMillis wall time of the sender, milliseconds since 1970
   * @param vector the sender's whole vector
   * @param digest digest of everything the sender holds
   * @param entries keys held
   * @param buckets consecutive buckets, or the one bucket whose keys were asked for
   * @param keys keys of that bucket by unsigned hash, those left out that contribute nothing to its
   *     digest; all keys of one hash are in one answer
   */
  record DigestResponse(
      OriginId from,
      long question,
      boolean live,
      boolean last,
      long wallMillis,
      VersionVector vector,
      long digest,
      long entries,
      List<Sample> buckets,
      List<KeyDigest> keys)
      implements Frame {}

  /**
   * One key of the sender.
   *
   * @param key in its stored form
   * @param digest of all that is held under it
   */
  record KeyDigest(Bytes key, long digest) {}
}
