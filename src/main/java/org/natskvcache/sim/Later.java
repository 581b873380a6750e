package org.natskvcache.sim;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.node.Effect;
import org.natskvcache.node.Node;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Op;

/**
 * In a few schedules one instance is of a later release. It writes one mutation with an operation
 * that the others do not know, and once it has, its snapshots have a facet that they do not know.
 * Here this is an ordinary mutation, of which the bytes are changed on the way out.
 */
final class Later {
  /** Writes the mutation: a member, because its removal is encoded alike but for the operation. */
  static final Command WRITE = new Command.SetAdd(Key.of("later"), Bytes.utf8("m"));

  private static final byte OPERATION = 11;
  private static final OriginId NOBODY = new OriginId(0, 0);

  /** How a bucket's section begins: one key, {@code x}, which has facet 16. */
  private static final byte[] UNKNOWN_FACET = {1, 1, 'x', 16};

  private static final int ONE_SCHEDULE_IN = 16;
  private static final int FIRST_STEPS = 1_000;
  private static final int CRC_BYTES = 4;

  private final FrameCodec codec = new FrameCodec(new Origins());

  /** Which host it is; -1 for none. */
  private final int host;

  private final int fromStep;
  private @Nullable OriginId author;
  private long sequence;

  /** Where in the frame being replayed the operation is; -1 for nowhere. */
  private int operationAt = -1;

  Later(SplittableRandom random, int hosts) {
    host = random.nextInt(ONE_SCHEDULE_IN) == 0 ? random.nextInt(hosts) : -1;
    fromStep = random.nextInt(FIRST_STEPS);
  }

  /** The host that is to {@link #WRITE} now; -1 for none. */
  int writer(int step) {
    return author == null && step >= fromStep ? host : -1;
  }

  /** It has written; the mutation is the last one of {@code node}. */
  void wrote(Node node) {
    author = node.id();
    sequence = node.applied().mark(node.origins().slot(node.id()));
  }

  /** Whether there is something that the others cannot follow. */
  boolean hasWritten() {
    return author != null;
  }

  /** Whether a host is of the release of the others and counts the mutation as applied. */
  boolean skippedBy(int who, Node node) {
    return author != null && who != host && mark(node, author) >= sequence;
  }

  /** Whether a host goes on although it met the mutation, which it has not applied. */
  boolean ignoredBy(Node node) {
    return author != null
        && mark(node, author) < sequence
        && !node.applied().forgot(author)
        && node.state() == ReplicaStatus.State.LIVE;
  }

  private static long mark(Node node, OriginId origin) {
    int slot = node.origins().find(origin);
    return slot < 0 ? 0 : node.applied().mark(slot);
  }

  /** The frame that one of the effects of a host publishes, as it is sent. */
  byte[] sent(int from, List<Effect> effects, int index) {
    Effect.Publish publish = (Effect.Publish) effects.get(index);
    if (from != host || author == null) return publish.frame();
    try {
      return switch (codec.decode(publish.frame(), publish.channel(), NOBODY)) {
        case Frame.Mutations mutations ->
            patched(publish.frame(), operationAt(mutations, frame -> encode(frame, publish)));
        case Frame.Replayed piece -> replayed(piece, effects, index);
        case Frame.SnapshotChunk chunk -> encode(withUnknownFacet(chunk), publish);
        default -> publish.frame();
      };
    } catch (MalformedFrameException malformed) {
      throw new IllegalStateException(malformed);
    }
  }

  private byte[] encode(Frame frame, Effect.Publish like) {
    return codec.encode(frame, like.channel(), like.target());
  }

  /** Where the operation is: there alone the encodings of two operations differ first. */
  private int operationAt(Frame.Mutations frame, Function<Frame.Mutations, byte[]> encode) {
    if (!frame.from().equals(author)) return -1;
    List<Mutation> others = new ArrayList<>();
    for (Mutation each : frame.mutations()) {
      boolean itself = Dot.sequence(each.dot()) == sequence;
      others.add(itself && each.op() instanceof Op.AddMember add ? removal(each, add) : each);
    }
    byte[] other = encode.apply(new Frame.Mutations(frame.from(), others));
    return Arrays.mismatch(encode.apply(frame), other);
  }

  private static Mutation removal(Mutation of, Op.AddMember add) {
    return new Mutation(
        of.dot(),
        of.hlc(),
        of.contextSlots(),
        of.contextDeltas(),
        of.contextForgotten(),
        of.rowHash(),
        new Op.RemoveMember(add.key(), add.member()));
  }

  private static byte[] patched(byte[] frame, int at) {
    if (at < 0) return frame;
    byte[] patched = frame.clone();
    patched[at] = OPERATION;
    CRC32C crc = new CRC32C();
    crc.update(patched, 0, patched.length - CRC_BYTES);
    ByteBuffer.wrap(patched).putInt(patched.length - CRC_BYTES, (int) crc.getValue());
    return patched;
  }

  private byte[] replayed(Frame.Replayed piece, List<Effect> effects, int index)
      throws MalformedFrameException {
    Effect.Publish publish = (Effect.Publish) effects.get(index);
    if (piece.offset() == 0) {
      byte[] whole = whole(piece.totalBytes(), effects, index);
      operationAt = operationAt(codec.decodeReplayed(whole), codec::encodeReplayed);
    }
    int at = operationAt - piece.offset();
    if (at < 0 || at >= piece.piece().size()) return publish.frame();
    byte[] bytes = piece.piece().array().clone();
    bytes[at] = OPERATION;
    Frame changed =
        new Frame.Replayed(
            piece.from(),
            piece.nonce(),
            piece.number(),
            piece.offset(),
            piece.totalBytes(),
            new Bytes(bytes));
    return encode(changed, publish);
  }

  /** The frame whose pieces are published one after the other from here on. */
  private byte[] whole(int totalBytes, List<Effect> effects, int index)
      throws MalformedFrameException {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = index; whole.size() < totalBytes; i++) {
      Effect.Publish publish = (Effect.Publish) effects.get(i);
      Frame frame = codec.decode(publish.frame(), publish.channel(), NOBODY);
      whole.writeBytes(((Frame.Replayed) frame).piece().array());
    }
    return whole.toByteArray();
  }

  /** The chunk, in which the first bucket begins with what the others do not know. */
  private static Frame withUnknownFacet(Frame.SnapshotChunk chunk) {
    List<Frame.Piece> pieces = new ArrayList<>();
    int section = chunk.section();
    int offset = chunk.offset();
    for (Frame.Piece piece : chunk.pieces()) {
      boolean first = section == 1 && offset == 0;
      pieces.add(first ? new Frame.Piece(piece.ends(), new Bytes(UNKNOWN_FACET)) : piece);
      offset = piece.ends() ? 0 : offset + piece.bytes().size();
      if (piece.ends()) section++;
    }
    return new Frame.SnapshotChunk(
        chunk.from(),
        chunk.nonce(),
        chunk.cut(),
        chunk.section(),
        chunk.offset(),
        chunk.last(),
        pieces);
  }
}
