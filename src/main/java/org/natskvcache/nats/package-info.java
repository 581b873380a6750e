/**
 * The edge to NATS, and the only package that imports its client: subjects, subscriptions, publishing, reconnecting.
 *
 * <p>In: messages. Out: commands for a replica, frames for it, and whatever it answers as messages. Always true: no
 * message, however broken, ends in more than a counter, a log line and an error answer; what cannot be published is
 * counted and forgotten, because callers time out and replay repairs replication.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.nats;
