/**
 * Packs the executable for wasmCloud hosts: a provider archive, signed.
 *
 * <p>In: an executable, two nkey seeds, what the claims say. Out: a tar file, gzip where its name
 * ends in {@code .gz}. Always true: a file appears whole or not at all. Begin with {@link
 * org.natskvcache.archive.ProviderArchive}.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.archive;
