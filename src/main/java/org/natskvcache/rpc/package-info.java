/**
 * What every door to the cache knows about its callers: keys that name them, links that admit them,
 * and how they want their mutations answered. The doors themselves are sub-packages, one for each
 * wire protocol.
 *
 * <p>In: text from a host or a caller. Out: checked records. Always true: nothing here touches a
 * network, a clock or a file, and no record prints a secret.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.rpc;
