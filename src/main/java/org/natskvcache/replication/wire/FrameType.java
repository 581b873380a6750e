package org.natskvcache.replication.wire;

/** The numbers of the frame types, and on which channels each of them counts. */
final class FrameType {
  static final int MUTATIONS = 1;
  static final int BEACON = 2;
  static final int HEARTBEAT = 3;
  static final int LEAVE = 4;
  static final int OFFER_REQUEST = 5;
  static final int OFFER = 6;
  static final int REPLAY_REQUEST = 7;
  static final int REPLAY_END = 8;
  static final int SNAPSHOT_REQUEST = 9;
  static final int SNAPSHOT_CHUNK = 10;
  static final int SNAPSHOT_REFUSED = 11;
  static final int VECTOR_REQUEST = 12;
  static final int VECTOR = 13;
  static final int DIGEST_REQUEST = 14;
  static final int DIGEST_RESPONSE = 15;

  // 16 to 19 are kept for later features

  static final int REPLAYED = 20;

  private FrameType() {}

  static boolean isKnown(int type) {
    return type >= MUTATIONS && type <= DIGEST_RESPONSE || type == REPLAYED;
  }

  /** Whether frames of a known type count on a channel. */
  static boolean on(Channel channel, int type) {
    return switch (type) {
      case MUTATIONS -> channel == Channel.MUTATIONS;
      case BEACON, LEAVE -> channel == Channel.HEARTBEATS;
      case HEARTBEAT -> channel == Channel.HEARTBEATS || channel == Channel.OBSERVER;
      case OFFER_REQUEST -> channel == Channel.REPLAY_ALL;
      case REPLAY_REQUEST -> channel == Channel.REPLAY_ANY || channel == Channel.DIRECT;
      case DIGEST_REQUEST -> channel == Channel.REPLAY_ALL || channel == Channel.DIRECT;
      case DIGEST_RESPONSE -> channel == Channel.DIRECT || channel == Channel.OBSERVER;
      default -> channel == Channel.DIRECT;
    };
  }
}
