package org.natskvcache.replication.wire;

import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/** Interns the origins that frames name, within the bounds of {@link Origins}. */
final class Names {
  private Names() {}

  /** The slot of an origin that a snapshot names. */
  static int held(Origins origins, OriginId id) throws MalformedFrameException {
    return within(origins, id, Origins.SNAPSHOT_NAMES_MAX);
  }

  /** The slot of an origin that a mutation names. */
  static int written(Origins origins, OriginId id) throws MalformedFrameException {
    return within(origins, id, Origins.NAMES_MAX);
  }

  private static int within(Origins origins, OriginId id, int inUseMax)
      throws MalformedFrameException {
    int slot = origins.slotWithin(id, inUseMax);
    if (slot < 0) throw MalformedFrameException.tooManyNames();
    return slot;
  }

  /** A vector that somebody claims to have. */
  static VersionVector claimed(Origins origins, ByteReader in) throws MalformedFrameException {
    long[] dots = new long[in.count(17)];
    for (int i = 0; i < dots.length; i++) {
      int slot = within(origins, in.origin(), Origins.CLAIMED_NAMES_MAX);
      dots[i] = Dot.of(slot, in.varint(Dot.SEQUENCE_MAX));
    }
    return VersionVector.of(origins, dots);
  }
}
