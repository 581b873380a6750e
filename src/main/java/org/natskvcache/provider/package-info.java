/**
 * The provider's life as its host sees it: host data on standard input, links that come and go,
 * health, shutdown.
 *
 * <p>In: bytes and texts from the host. Out: checked settings, decisions about links as values, a
 * sentence about health. The doors carry the decisions out through {@link
 * org.natskvcache.provider.Caches}. Begin with {@link org.natskvcache.provider.HostData}, then
 * {@link org.natskvcache.provider.LinkTable}.
 *
 * <p>Always true: nothing here connects, waits or logs, and nothing here prints a seed, a token, a
 * password or another link value than an address, a subject or the name of a file. A link that is
 * refused leaves everything as it was.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.provider;
