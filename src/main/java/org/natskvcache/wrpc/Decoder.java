package org.natskvcache.wrpc;

/**
 * Reads the parameters of a function. May run several times over a growing prefix of the same
 * bytes, so it must have no effect but its result.
 *
 * @param <P> what the parameters come to
 */
@FunctionalInterface
public interface Decoder<P> {
  /** Reads the parameters, in the order of the WIT. */
  P decode(ValueReader in) throws ValueException;
}
