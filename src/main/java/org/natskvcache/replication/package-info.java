/**
 * Orders the mutations that arrive from peers, keeps the recent ones for replay, and serves and
 * stages snapshots.
 *
 * <p>In: mutations and snapshot sections, in whatever order the network gives. Out: which mutation
 * may be applied now, which are missing, and a consistent cut of the whole state for those who are
 * too far behind to replay.
 *
 * <p>Always true: {@code VV[o]} is how many of origin {@code o}'s mutations this replica has
 * applied, none missing; a mutation is applied only when everything its author had seen is applied;
 * nothing here grows past a named limit.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.replication;
