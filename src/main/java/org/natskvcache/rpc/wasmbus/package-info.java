/**
 * The wire contract of wasmCloud hosts 0.50 to 0.82: MessagePack envelopes, signed claims, and the
 * operations of {@code wasmcloud:keyvalue}.
 *
 * <p>In: the payload of a NATS message. Out: a {@link org.natskvcache.store.Command} and its
 * caller, or a text that says why not; then a {@link org.natskvcache.store.Reply} back into bytes.
 * The life of a call: {@link org.natskvcache.rpc.wasmbus.Invocation#decode}, {@link
 * org.natskvcache.rpc.wasmbus.InvocationChecks#refusal}, {@link
 * org.natskvcache.rpc.wasmbus.KeyValueCodec#decode}, the cache, {@link
 * org.natskvcache.rpc.wasmbus.KeyValueCodec#encode}, {@link
 * org.natskvcache.rpc.wasmbus.InvocationResponse#encode}. What is too large for a message lies in
 * the lattice's object store, described by {@link org.natskvcache.rpc.wasmbus.StoredObject}.
 *
 * <p>Always true: bytes in, records out; time is an argument. Whatever the bytes say, decoding ends
 * in a value or a {@link org.natskvcache.rpc.wasmbus.MessagePackException}, and allocates no more
 * than a small multiple of their length. We read more than we write: every integer width, text as
 * binary and binary as text, fields by name or by position.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.rpc.wasmbus;
