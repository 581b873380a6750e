/**
 * The single writer: {@link org.natskvcache.node.Node}, pure and deterministic, and what runs it.
 *
 * <p>In: commands, frames as bytes, the state of the connection, time. Out: replies, and effects:
 * frames to publish and events to log. The node sees no NATS, clock, thread, logger or randomness
 * of its own; the simulator drives the very same class with a fake clock and a fake network.
 *
 * <p>Start reading at {@code Node.receive} and {@code Node.call}; {@code Repair} asks for what is
 * missing, {@code ReplicatedState} holds the data and the three ways to change it; {@code Peers}
 * remembers who has it, {@code SnapshotServer} serves those too far behind. What others claim is
 * bounded: {@code PeerClocks} judges times, {@code RequestLimits} requests, {@code Peers} numbers
 * of instances. {@code Payload} and {@code ReplayedPieces} are for what is larger than a message,
 * {@code Gaps} for what does not come. {@code Agreement} notices a peer that holds other data,
 * {@code Inquiry} finds where; {@code Examination} looks at all instances from outside. {@code
 * LockedReplica} is the door: one lock, an ordered outbox, one timer.
 *
 * <p>Always true: one thread at a time is inside a node; frames that carry our sequence numbers are
 * published in their order; an acknowledged call is applied here and queued for publication.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.node;
