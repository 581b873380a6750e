/**
 * The bytes of replication: frames between peers and the sections of a snapshot, which {@code
 * docs/replication-protocol.md} draws; the keys that sign them; and the records that a replica
 * keeps for replay.
 *
 * <p>In: frames as records, or arrays of bytes. Out: the other. Nothing here decides anything.
 *
 * <p>Always true: whatever bytes come in, decoding ends with a frame or a {@link
 * org.natskvcache.replication.wire.MalformedFrameException}; no length is believed before it is
 * compared with what is there.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.replication.wire;
