/**
 * The keyspace: one flat map from key to entry, every entry a set of mergeable facets.
 *
 * <p>In: a {@link org.natskvcache.store.Command} with the wall time, which is <em>decided</em> into
 * a reply and, if it changes something, an {@link org.natskvcache.store.Op}; and a stamped {@link
 * org.natskvcache.store.Mutation}, our own or a peer's, which is <em>applied</em>. Out: replies,
 * and the digest of what is held.
 *
 * <p>An {@link org.natskvcache.store.Entry} has two shapes: most are one string that never expires,
 * packed into one array; what is more than that has a field for each facet. Which of them it is
 * follows from its content, and only the entries themselves and what changes them can tell.
 *
 * <p>Always true: a decision changes nothing; a rejected command has no operation; applying never
 * refuses, whatever type the key shows here, because its author saw another state; the digest of a
 * bucket is the sum over its live items.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.store;
