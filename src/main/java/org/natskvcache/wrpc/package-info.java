/**
 * wRPC over NATS for Java providers: serve and call the functions of a WIT interface as hosts of
 * wasmCloud 1.x do. Needs a jnats connection and knows nothing of this project.
 *
 * <pre>{@code
 * var server = new WrpcServer(connection, "default.kv-cache", WrpcLimits.DEFAULTS, observer);
 * server.serve(
 *     "wrpc:keyvalue/store@0.2.0-draft",
 *     "get",
 *     in -> new Key(in.string(), in.string()),           // params, in the order of the WIT
 *     (call, key) -> {
 *       String caller = call.header("source-id");        // null when it was not sent
 *       byte[] value = lookUp(key);                      // or later, on any thread
 *       call.result(new ValueWriter(16 + value.length)
 *           .variant(0).option(true).bytes(value)        // ok(some(value))
 *           .toByteArray());
 *     });
 * }</pre>
 *
 * <p>In: invocations, in any chunking. Out: a handshake for each, then the result, and the end
 * marker when the caller was heard; the end marker alone where there is no result. Handshake and
 * result are repeated for a caller that is not heard. Always true: what a peer announces is checked
 * against {@link org.natskvcache.wrpc.WrpcLimits} before memory is taken for it.
 *
 * <p>Source: bytecodealliance/wrpc, {@code crates/transport-nats} 0.29.0 and {@code
 * crates/transport} 0.28.4; values: wrpc/wasm-tokio 0.6.0.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.wrpc;
