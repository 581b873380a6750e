package org.natskvcache.store;

/**
 * What an operation needs that the first release of this version of the protocol does not know. All
 * live instances must have it.
 *
 * @param bit one bit, by which heartbeats tell that their sender has it
 * @param name for callers and operators
 */
public record Feature(long bit, String name) {
  /** The bits of what this release has. */
  public static final long OURS = 0;

  /** Whether it is among these bits. */
  public boolean isIn(long features) {
    return (features & bit) != 0;
  }
}
