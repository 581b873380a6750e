package org.natskvcache.cli;

import org.natskvcache.crdt.Defect;

/**
 * What {@code sim} is to run.
 *
 * @param seed of the first schedule; the next ones have the next seeds
 * @param schedules how many at most, at least 1
 * @param minutes no schedule starts after so long; 0 for no bound
 * @param threads at least 1
 * @param steps actions of one schedule before all heals, at least 1
 * @param variant the broken variant that is to be caught; {@link Defect#NONE} for the design itself
 * @param variants whether every broken variant is to be caught, one after the other
 */
public record SimOptions(
    long seed,
    long schedules,
    int minutes,
    int threads,
    int steps,
    Defect variant,
    boolean variants) {}
