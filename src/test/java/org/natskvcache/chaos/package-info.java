/**
 * Trouble with the real thing: five processes of the built executable, a cluster of three NATS
 * servers, and a wire that can be cut between any two of them. A seed draws a plan of faults, all
 * kinds of calls go on meanwhile, then everything is healed and everything is compared.
 *
 * <p>Begin with {@link org.natskvcache.chaos.ChaosIT}. {@link org.natskvcache.chaos.Plan} says what
 * breaks when, {@link org.natskvcache.chaos.Cluster} what there is to break, {@link
 * org.natskvcache.chaos.Writer} what is called, {@link org.natskvcache.chaos.Ledger} what must be
 * found at the end.
 */
@NullMarked
package org.natskvcache.chaos;

import org.jspecify.annotations.NullMarked;
