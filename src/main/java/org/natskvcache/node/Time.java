package org.natskvcache.node;

/**
 * The moment of a step.
 *
 * @param wallMillis wall time, milliseconds since 1970: for the hybrid clock and expiry; may jump
 * @param tickMillis time that only grows, milliseconds since some moment: for timers
 */
public record Time(long wallMillis, long tickMillis) {}
