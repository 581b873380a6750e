/**
 * The types that merge: register, counter, set, list, and what they stand on: origins, dots,
 * version vectors.
 *
 * <p>In: operations stamped with a dot and the context (a version vector) their author had seen.
 * Out: merged state and the hashes of what changed. Nothing here knows keys, peers, clocks or bytes
 * on a wire.
 *
 * <p>The one idea behind all types: the state holds <em>live</em> dots only. An operation that
 * overwrites or removes drops every dot its author had seen ({@code covers}); an operation it had
 * not seen stays. Whoever holds a version vector therefore knows that a dot at or below it and
 * absent here was removed, so there are no tombstones, and two states can be joined exactly: a dot
 * stays if both have it, or if only one has it and the other has not seen it.
 *
 * <p>Always true: equal sets of applied operations give equal states, in whatever causal order they
 * came. Sources: optimised OR-set (Bieniusa et al., RR-8083), delta-state causal join (Almeida et
 * al., arXiv 1603.01529), pure operation-based types (Baquero et al., arXiv 1710.04469), node-wide
 * dot clocks (DottedDB, SRDS 2017).
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.crdt;
