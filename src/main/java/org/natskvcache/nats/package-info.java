/**
 * Everything this daemon does with NATS; the only package that imports {@code io.nats}.
 *
 * <p>In: {@link org.natskvcache.nats.ConnectionSettings}, messages from hosts and peers, frames to
 * publish. Out: commands and frames for a {@link org.natskvcache.node.Replica} on the thread that
 * read them, answers, and the news whether a connection is up.
 *
 * <p>Always true: a {@link org.natskvcache.nats.NatsConnector} never gives up before it is closed,
 * whatever the server answers; "up" is said only when the subscriptions are in place at the server;
 * an outage is one line in the log when it begins and one when it ends; no message, however broken,
 * ends in more than a counter, a log line and an error answer; what waits for the object store
 * ({@link org.natskvcache.nats.BodyStore}) never does so on a thread that delivers messages; no
 * credential reaches a log line, an exception or a {@code toString}.
 *
 * <p>Start reading at {@link org.natskvcache.nats.WasmbusDoor} for calls and at {@link
 * org.natskvcache.nats.ReplicationTransport} for peers.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.nats;
