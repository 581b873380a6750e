/**
 * Messages of a NATS connection that are answered on the thread that reads its socket, past the
 * queues and threads of the client. Knows bytes only: whoever owns the socket lets them through
 * {@link org.natskvcache.direct.DirectSession}, which keeps what a {@link
 * org.natskvcache.direct.DirectLine} answers and gives the rest on, unchanged and in order.
 *
 * <p>The client stays the owner of everything else: it connects, authenticates, subscribes, drains
 * and reconnects, and it takes the same messages as ever where nobody answers them here.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.direct;
