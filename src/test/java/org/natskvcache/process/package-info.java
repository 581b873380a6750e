/**
 * The built executable in its real surroundings: child processes with an empty environment, host
 * data on standard input, a real NATS server, and callers that sign as a host does.
 *
 * <p>Begin with {@link org.natskvcache.process.ProviderFixture}, which starts everything and ends
 * it; {@link org.natskvcache.process.Provider} is one instance, {@link
 * org.natskvcache.process.KeyValueClient} an actor's calls to it; {@link
 * org.natskvcache.process.WrpcProvider} and {@link org.natskvcache.process.WrpcComponent} are the
 * same under hosts 1.x; {@link org.natskvcache.process.HeartbeatListener} tells whether instances
 * hold the same.
 */
@NullMarked
package org.natskvcache.process;

import org.jspecify.annotations.NullMarked;
