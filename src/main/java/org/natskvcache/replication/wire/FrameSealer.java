package org.natskvcache.replication.wire;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import javax.crypto.Mac;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.OriginId;

/**
 * Seals frames and checks their seals. The end of a frame is one of
 *
 * <pre>
 * without a key     crc32c u32, of everything before it
 * flag 128, KEYED   key id u32 | mac 16 bytes
 * </pre>
 *
 * The MAC is HMAC-SHA-256 (RFC 2104), cut to 16 bytes, of everything before it, the key's id
 * included, and of the logical channel: one byte, {@link Channel#code}, and on channels that have a
 * receiver its 16 bytes. So a frame counts on the channel it was made for only, and an answer with
 * its receiver only.
 *
 * <p>Frames begin with the 22 bytes of {@link FrameCodec}; nothing of them but the flags is looked
 * at here. Two frames cannot be told apart by this class: one with another key, and one whose id or
 * flag was damaged.
 *
 * <p>Not thread-safe: used by the node, under its lock.
 */
public final class FrameSealer {
  private static final int FLAGS_AT = 4;
  private static final int FLAG_KEYED = 128;
  private static final int HEADER = 22;
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** What a check came to. */
  public sealed interface Verdict {
    /** It is by one of our keys, or without one where that is allowed. */
    record Accepted(Seal seal) implements Verdict {}

    /** It is not for us. */
    enum Refused implements Verdict {
      /** Sealed with a key we do not have, or whole without one although ours are required. */
      OTHER_KEY,
      /** Not what was sealed, or not for this channel and receiver. */
      DAMAGED
    }
  }

  /** One secret at work. */
  private record Signer(int id, Mac mac, Verdict.Accepted accepted) {}

  private static final Verdict UNKEYED_ACCEPTED = new Verdict.Accepted(Seal.UNKEYED);

  private final List<FrameKeys.Entry> entries;
  private final List<Signer> signers = new ArrayList<>();
  private final boolean unkeyedAccepted;

  /** The receiver going in, the whole MAC coming out. */
  private final byte[] scratch = new byte[32];

  FrameSealer(FrameKeys keys) {
    entries = keys.entries();
    unkeyedAccepted = entries.contains(FrameKeys.Entry.NONE);
    for (int i = 0; i < entries.size(); i++) {
      add(entries.get(i).write(), new Seal(FrameKeys.Use.WRITE, i));
      add(entries.get(i).inspect(), new Seal(FrameKeys.Use.INSPECT, i));
    }
  }

  private void add(@Nullable FrameKey key, Seal seal) {
    if (key != null) signers.add(new Signer(key.id(), key.mac(), new Verdict.Accepted(seal)));
  }

  /**
   * How to seal what we say of our own accord: by the first entry of the setting.
   *
   * @throws IllegalStateException for writing with an inspection key
   */
  public Seal own(FrameKeys.Use use) {
    FrameKeys.Entry first = entries.getFirst();
    if (first.inspect() == null) return Seal.UNKEYED;
    if (use == FrameKeys.Use.WRITE && first.write() == null) {
      throw new IllegalStateException("an inspection key writes nothing");
    }
    return new Seal(use, 0);
  }

  /**
   * Fills in the last {@link Seal#trailerBytes} of a whole frame, and the flag KEYED.
   *
   * @param channel where it will go
   * @param receiver whom it is for; not looked at on channels without a receiver
   */
  public void seal(byte[] frame, Seal seal, Channel channel, @Nullable OriginId receiver) {
    if (!seal.isKeyed()) {
      frame[FLAGS_AT] &= (byte) ~FLAG_KEYED;
      int end = frame.length - Seal.CRC_BYTES;
      INTS.set(frame, end, crc(frame, end));
      return;
    }
    Signer signer = signer(seal);
    frame[FLAGS_AT] |= (byte) FLAG_KEYED;
    int end = frame.length - Seal.MAC_BYTES;
    INTS.set(frame, end - Seal.ID_BYTES, signer.id);
    sign(signer.mac, frame, end, channel, receiver);
    System.arraycopy(scratch, 0, frame, end, Seal.MAC_BYTES);
  }

  private Signer signer(Seal seal) {
    for (Signer signer : signers) {
      if (signer.accepted.seal().equals(seal)) return signer;
    }
    throw new IllegalStateException("there is no key for " + seal);
  }

  /**
   * Checks the seal of what arrived, of any content; a magic number and version of ours have been
   * seen already.
   *
   * @param length how many bytes of the array are the frame
   * @param channel where it came from
   * @param receiver the name under which it was received; not looked at on channels without one
   */
  public Verdict check(byte[] frame, int length, Channel channel, @Nullable OriginId receiver) {
    if (length < HEADER + Seal.CRC_BYTES) return Verdict.Refused.DAMAGED;
    return (frame[FLAGS_AT] & FLAG_KEYED) == 0
        ? checkUnkeyed(frame, length - Seal.CRC_BYTES)
        : checkKeyed(frame, length - Seal.MAC_BYTES, channel, receiver);
  }

  private Verdict checkUnkeyed(byte[] frame, int end) {
    if ((int) INTS.get(frame, end) != crc(frame, end)) return Verdict.Refused.DAMAGED;
    return unkeyedAccepted ? UNKEYED_ACCEPTED : Verdict.Refused.OTHER_KEY;
  }

  private Verdict checkKeyed(byte[] frame, int end, Channel channel, @Nullable OriginId receiver) {
    if (end < HEADER + Seal.ID_BYTES) return Verdict.Refused.DAMAGED;
    int id = (int) INTS.get(frame, end - Seal.ID_BYTES);
    Verdict verdict = Verdict.Refused.OTHER_KEY;
    for (Signer signer : signers) {
      if (signer.id != id) continue; // two keys may have one id, however rarely
      sign(signer.mac, frame, end, channel, receiver);
      if (isEqual(frame, end)) return signer.accepted;
      verdict = Verdict.Refused.DAMAGED;
    }
    return verdict;
  }

  /** In constant time. */
  private boolean isEqual(byte[] frame, int end) {
    byte[] given = new byte[Seal.MAC_BYTES];
    byte[] made = new byte[Seal.MAC_BYTES];
    System.arraycopy(frame, end, given, 0, Seal.MAC_BYTES);
    System.arraycopy(scratch, 0, made, 0, Seal.MAC_BYTES);
    return MessageDigest.isEqual(given, made);
  }

  /** Leaves the whole MAC in {@link #scratch}. */
  private void sign(Mac mac, byte[] frame, int end, Channel channel, @Nullable OriginId receiver) {
    mac.update(frame, 0, end);
    mac.update((byte) channel.code());
    if (channel == Channel.DIRECT || channel == Channel.OBSERVER) {
      if (receiver == null) throw new IllegalArgumentException("nobody to receive on " + channel);
      LONGS.set(scratch, 0, receiver.high());
      LONGS.set(scratch, 8, receiver.low());
      mac.update(scratch, 0, 16);
    }
    try {
      mac.doFinal(scratch, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("32 bytes hold no HMAC-SHA-256", e);
    }
  }

  private static int crc(byte[] frame, int end) {
    var crc = new CRC32C();
    crc.update(frame, 0, end);
    return (int) crc.getValue();
  }
}
