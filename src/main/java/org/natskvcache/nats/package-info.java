/**
 * Everything this daemon does with NATS; the only package that imports {@code io.nats}.
 *
 * <p>In: {@link org.natskvcache.nats.ConnectionSettings} and frames to publish. Out: frames
 * received, handed to a {@link org.natskvcache.node.Replica} on the thread that read them, and the
 * news whether the connection is up.
 *
 * <p>Always true: a {@link org.natskvcache.nats.NatsConnector} never gives up before it is closed,
 * whatever the server answers; "up" is said only when the subscriptions are in place at the server;
 * an outage is one line in the log when it begins and one when it ends; no credential reaches a log
 * line, an exception or a {@code toString}.
 *
 * <p>Start reading at {@link org.natskvcache.nats.ReplicationTransport}.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.nats;
