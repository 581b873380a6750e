package org.natskvcache.sim;

/** A check of the simulation failed: the design or the code is wrong. */
public final class SimulationFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  SimulationFailure(String message) {
    super(message);
  }
}
