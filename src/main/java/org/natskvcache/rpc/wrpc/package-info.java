/**
 * What hosts 1.0 to 1.9 say and ask, as bytes: links and the other control messages in JSON, and
 * {@code wrpc:keyvalue@0.2.0-draft} in the value encoding of {@link org.natskvcache.wrpc}.
 *
 * <p>In: payloads. Out: links, commands for a cache, encoded results. Begin with {@link
 * org.natskvcache.rpc.wrpc.KeyValueFunction}. Always true: nothing here touches a network or a
 * clock, and what cannot be read changes nothing.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.rpc.wrpc;
