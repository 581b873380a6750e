package org.natskvcache.replication.wire;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Chain;
import org.natskvcache.crdt.Dot;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.EntryLoader;
import org.natskvcache.store.Key;

/**
 * Reads the section of one digest bucket in pieces, cut anywhere: what is whole is handed on, the
 * rest waits for the next piece.
 */
public final class BucketReader {
  private static final int[] FACETS = {
    SnapshotCodec.REGISTER, SnapshotCodec.CHAINS, SnapshotCodec.LIST, SnapshotCodec.SET
  };

  private static final int KNOWN = IntStream.of(FACETS).sum();

  private final SnapshotCodec.Table table;
  private final Function<Key, @Nullable EntryLoader> loaders;

  /** Bytes not read yet, at the start of {@link #buffer}. */
  private int size;

  private byte[] buffer = {};

  /** How many bytes must wait before reading on makes sense. */
  private int wanted;

  private long entriesLeft = -1;
  private @Nullable EntryLoader entry;
  private int facetsLeft;

  /** The facet begun and how many of its elements are to come; 0 for none. */
  private int facet;

  private long elementsLeft;

  /** Whose versions or chains the facet has given so far, by slot. */
  private final BitSet owners = new BitSet();

  /**
   * @param loaders begins an entry; null for one that cannot be in this section
   */
  public BucketReader(SnapshotCodec.Table table, Function<Key, @Nullable EntryLoader> loaders) {
    this.table = table;
    this.loaders = loaders;
  }

  /** Reads on. */
  public void read(byte[] piece) throws MalformedFrameException {
    if (size == 0 && piece.length >= wanted) {
      int at = parse(piece, piece.length);
      keep(piece, at);
      return;
    }
    keep(piece, 0);
    if (size < wanted) return;
    int at = parse(buffer, size);
    size -= at;
    System.arraycopy(buffer, at, buffer, 0, size);
  }

  private void keep(byte[] piece, int from) {
    int more = piece.length - from;
    if (size + more > buffer.length) {
      buffer = Arrays.copyOf(buffer, Math.max(size + more, 2 * buffer.length));
    }
    System.arraycopy(piece, from, buffer, size, more);
    size += more;
  }

  /** The section ends here; fails if it is not whole. */
  public void end() throws MalformedFrameException {
    if (entriesLeft != 0 || entry != null || size > 0) throw new MalformedFrameException("cut off");
  }

  /** Reads as many whole elements as there are; how many bytes they take. */
  private int parse(byte[] bytes, int end) throws MalformedFrameException {
    ByteReader in = new ByteReader(bytes, 0, end);
    int at = 0;
    try {
      while (in.remaining() > 0 || facetDone()) {
        element(in);
        at = in.position();
      }
      wanted = 0;
    } catch (MalformedFrameException malformed) {
      if (malformed.bytesMissing() == 0) throw malformed;
      wanted = (int) Math.min(Integer.MAX_VALUE, (long) malformed.bytesMissing() + end - at);
    }
    return at;
  }

  /** Whether the next element takes no bytes: an end. */
  private boolean facetDone() {
    return entry != null && elementsLeft == 0 && (facet != 0 || facetsLeft == 0);
  }

  private void element(ByteReader in) throws MalformedFrameException {
    EntryLoader loader = entry;
    if (entriesLeft < 0) {
      entriesLeft = in.varint(Long.MAX_VALUE);
    } else if (loader == null) {
      if (entriesLeft == 0) throw new MalformedFrameException("bytes after the end");
      begin(in);
    } else if (elementsLeft > 0) {
      element(loader, in);
      elementsLeft--;
    } else if (facet != 0) {
      facetsLeft &= ~facet;
      facet = 0;
    } else if (facetsLeft != 0) {
      elementsLeft = in.varint(Long.MAX_VALUE);
      owners.clear();
      for (int each : FACETS) if (facet == 0 && (facetsLeft & each) != 0) facet = each;
    } else {
      loader.done();
      entry = null;
      entriesLeft--;
    }
  }

  private void begin(ByteReader in) throws MalformedFrameException {
    Key key = new Key(new Bytes(bytes(in)));
    int facets = in.u8();
    int unknown = facets & ~KNOWN;
    if (unknown != 0) {
      throw MalformedFrameException.unknownOperation("facet " + Integer.lowestOneBit(unknown));
    }
    EntryLoader loader = loaders.apply(key);
    if (loader == null) throw new MalformedFrameException("a key twice or of another bucket");
    entry = loader;
    facetsLeft = facets;
  }

  private void element(EntryLoader loader, ByteReader in) throws MalformedFrameException {
    boolean possible =
        switch (facet) {
          case SnapshotCodec.REGISTER -> register(loader, in);
          case SnapshotCodec.CHAINS -> chain(loader, in);
          case SnapshotCodec.LIST -> {
            long position = MutationCodec.position(in.u64());
            long dot = table.dot(in);
            yield loader.item(position, dot, bytes(in));
          }
          default -> member(loader, in);
        };
    if (!possible) throw new MalformedFrameException("an element twice or out of order");
  }

  /** Versions are concurrent, so no two are of one origin. */
  private boolean register(EntryLoader loader, ByteReader in) throws MalformedFrameException {
    long dot = table.dot(in);
    long hlc = MutationCodec.time(in.u64());
    long expireAt = in.varint(Long.MAX_VALUE - 1);
    loader.register(dot, hlc, expireAt, bytes(in));
    return isNew(Dot.slot(dot));
  }

  private boolean chain(EntryLoader loader, ByteReader in) throws MalformedFrameException {
    int owner = table.slot(in);
    Chain chain = new Chain(owner, table.sequence(owner, in));
    chain.last = table.sequence(owner, in);
    chain.base = in.varint(Dot.SEQUENCE_MAX); // beyond the last one if the author of the reset lied
    chain.sum = in.zigzag();
    chain.baseSum = in.zigzag();
    if (in.u8() != 0) chain.resetDot = table.dot(in);
    if (chain.start > chain.last) {
      throw new MalformedFrameException("a counter chain that cannot be");
    }
    loader.chain(chain);
    return isNew(owner);
  }

  private boolean isNew(int owner) {
    boolean isNew = !owners.get(owner);
    owners.set(owner);
    return isNew;
  }

  private boolean member(EntryLoader loader, ByteReader in) throws MalformedFrameException {
    Bytes member = new Bytes(bytes(in));
    int count = (int) in.varint(Integer.MAX_VALUE / 2);
    if (2 * count > in.remaining()) {
      throw MalformedFrameException.cutOff(2 * count - in.remaining());
    }
    long[] dots = new long[count];
    for (int i = 0; i < count; i++) dots[i] = table.dot(in);
    boolean isNew = true;
    for (long dot : dots) isNew &= loader.member(member, dot);
    return isNew;
  }

  /** A length and that many bytes, which need not be here yet. */
  private static byte[] bytes(ByteReader in) throws MalformedFrameException {
    return in.raw((int) in.varint(Integer.MAX_VALUE));
  }
}
