package org.natskvcache.replication.wire;

import java.util.function.IntUnaryOperator;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.store.Mutation;

/**
 * One mutation as bytes that never leave the process, so that they may name origins by their slots:
 *
 * <pre>
 * rowHash u64 | has forgotten u8 | (origin 16 bytes, sum u64) if so | as in a frame, hlc from 0
 * </pre>
 */
public final class MutationRecord {
  private MutationRecord() {}

  /** Writes all of a mutation but its dot. */
  public static void write(Mutation mutation, ByteWriter out) {
    Forgotten forgotten = mutation.contextForgotten();
    out.u64(mutation.rowHash());
    out.u8(forgotten == null ? 0 : 1);
    if (forgotten != null) {
      out.origin(forgotten.until());
      out.u64(forgotten.hash());
    }
    MutationCodec.encode(mutation, 0, IntUnaryOperator.identity(), out);
  }

  /** Reads back what was written of the mutation with this dot. */
  public static Mutation read(long dot, byte[] record) {
    var in = new ByteReader(record, 0, record.length);
    try {
      long rowHash = in.u64();
      Forgotten forgotten = in.u8() == 0 ? null : new Forgotten(in.origin(), in.u64());
      Mutation bare = MutationCodec.decode(dot, 0, IntUnaryOperator.identity(), in);
      in.end();
      Mutation whole = bare.withRowHash(rowHash);
      return forgotten == null ? whole : whole.withForgotten(forgotten);
    } catch (MalformedFrameException e) {
      throw new IllegalStateException("a record of our own cannot be read", e);
    }
  }
}
