package org.natskvcache.node;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.FrameCodec;

/**
 * The instances heard lately that speak another version of the protocol. The first {@link
 * #SENDERS_MAX} are remembered, each until it has been silent for a while. Owned by the node.
 */
final class OtherVersions {
  static final int SENDERS_MAX = 64;

  private final long rememberedMillis;
  private final Map<OriginId, Heard> senders = new LinkedHashMap<>();

  private record Heard(long version, long tick) {}

  /**
   * @param rememberedMillis how long an instance must be silent to be no longer told of,
   *     milliseconds
   */
  OtherVersions(long rememberedMillis) {
    this.rememberedMillis = rememberedMillis;
  }

  /** Notes who was heard; whether that is new and to be told. */
  boolean heard(OriginId from, long version, long tick) {
    dropSilent(tick);
    boolean isNew = !senders.containsKey(from);
    if (isNew && senders.size() == SENDERS_MAX) return false;
    senders.put(from, new Heard(version, tick));
    return isNew;
  }

  private void dropSilent(long tick) {
    senders.values().removeIf(heard -> heard.tick < tick - rememberedMillis);
  }

  /** One clause about them for health; null when there are none. */
  @Nullable String text(long tick) {
    dropSilent(tick);
    if (senders.isEmpty()) return null;
    Map.Entry<OriginId, Heard> first = senders.entrySet().iterator().next();
    int more = senders.size() - 1;
    return about(first.getValue().version)
        + ": "
        + first.getKey()
        + (more == 0 ? "" : " and " + more + " more");
  }

  /** What is wrong with an instance of another version. */
  static String about(long version) {
    return "an instance speaks version "
        + version
        + " of the protocol, this one speaks "
        + FrameCodec.VERSION;
  }
}
