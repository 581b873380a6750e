package org.natskvcache.crdt;

/**
 * What is left in a version vector of origins that are long gone.
 *
 * @param until every origin up to this one that has no mark of its own is included whole
 * @param hash the sum of the terms that their marks contributed to the vector's hash
 */
public record Forgotten(OriginId until, long hash) implements Comparable<Forgotten> {
  /** Whether an origin without a mark counts as forgotten. */
  public boolean includes(OriginId id) {
    return id.compareTo(until) <= 0;
  }

  /** By how far the forgetting reaches; then anyhow, so that two sides agree who is ahead. */
  @Override
  public int compareTo(Forgotten other) {
    int order = until.compareTo(other.until);
    return order != 0 ? order : Long.compareUnsigned(hash, other.hash);
  }
}
