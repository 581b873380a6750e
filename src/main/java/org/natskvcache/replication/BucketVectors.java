package org.natskvcache.replication;

import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/**
 * For each digest bucket, the last sequence of every origin that touched it. Equal bucket vectors
 * imply equal bucket content even while the whole vectors differ, so a divergence is noticed under
 * load too. Mutable; owned by the node.
 */
public final class BucketVectors {
  private final VersionVector[] vectors;

  public BucketVectors(Origins origins, int bucketBits) {
    vectors = new VersionVector[1 << bucketBits];
    for (int i = 0; i < vectors.length; i++) vectors[i] = new VersionVector(origins);
  }

  public int size() {
    return vectors.length;
  }

  public void touch(int bucket, int slot, long sequence) {
    vectors[bucket].raise(slot, sequence);
  }

  /** An origin was forgotten, or its slot gets another owner. */
  public void drop(int slot) {
    for (VersionVector vector : vectors) vector.drop(slot);
  }

  public VersionVector get(int bucket) {
    return vectors[bucket];
  }
}
