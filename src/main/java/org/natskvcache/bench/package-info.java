/**
 * Measures a provider by calling it through NATS, as hosts do: {@code bench} on the command line.
 *
 * <p>In: {@link org.natskvcache.cli.BenchOptions}. Out: figures on stdout, progress on stderr, an
 * exit code. {@link org.natskvcache.bench.Load} is one measurement: a thread for each connection
 * with a NATS client of a few hundred lines, because a client library costs more than the provider
 * does. Always true: each call that was sent is counted once, as answered or by what became of it.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.bench;
