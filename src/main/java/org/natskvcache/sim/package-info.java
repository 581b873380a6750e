/**
 * The simulator: several whole nodes on one thread, with a fake clock and a network that loses,
 * repeats, reorders, damages and cuts. The nodes are the production class; only time, network and
 * seed are fake.
 *
 * <p>In: a seed. Out: counts of what was done and checked, or a {@link
 * org.natskvcache.sim.SimulationFailure} that names the seed. The oracle is {@link
 * org.natskvcache.sim.Specification}, which computes what a key must hold from the bare set of
 * mutations, sharing no code with the types that merge.
 *
 * <p>Always true: the same seed gives the same run, byte for byte.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.sim;
