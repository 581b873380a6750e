package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;

/** Messages that no program should believe, the same ones for the same seed. */
final class Garbage {
  /** What a server with default settings takes at most. */
  private static final int PAYLOAD_MAX = 1 << 20;

  private static final int FRAME_HEADER = 22;
  private static final int CRC = 4;

  private final Random random;

  Garbage(long seed) {
    random = new Random(seed);
  }

  /** Of many sizes, none and the largest included. */
  List<byte[]> noise() {
    List<byte[]> messages = new ArrayList<>();
    for (int size :
        new int[] {0, 1, 2, 3, 4, 8, 21, 22, 26, 27, 64, 255, 1_000, 65_536, PAYLOAD_MAX}) {
      for (int i = 0; i < (size > 1_000 ? 1 : 4); i++) {
        byte[] message = new byte[size];
        random.nextBytes(message);
        messages.add(message);
      }
    }
    messages.add(new byte[PAYLOAD_MAX]);
    return messages;
  }

  /** Texts and MessagePack that promise more than there is, or nest deeper than a stack. */
  List<byte[]> lies() {
    List<byte[]> messages = new ArrayList<>();
    for (String text : new String[] {"{}", "null", "\"", "[".repeat(100_000), "PING\r\n", "\r\n"}) {
      messages.add(text.getBytes(UTF_8));
    }
    for (int nesting : new int[] {0x91, 0x81, 0xdd, 0xdf, 0xde}) {
      byte[] deep = new byte[200_000];
      Arrays.fill(deep, (byte) nesting);
      messages.add(deep);
    }
    for (int type : new int[] {0xc6, 0xc9, 0xdb, 0xdd, 0xdf}) {
      messages.add(new byte[] {(byte) type, -1, -1, -1, -1, 1, 2, 3});
      messages.add(new byte[] {(byte) type, 0x7f, -1, -1, -1, 1, 2, 3});
    }
    return messages;
  }

  /** What is left of a message when its end, or a byte of it, is lost on the way. */
  List<byte[]> damaged(byte[] message, int copies) {
    List<byte[]> messages = new ArrayList<>();
    for (int i = 0; i < copies; i++) {
      messages.add(Arrays.copyOf(message, random.nextInt(message.length)));
      byte[] changed = message.clone();
      changed[random.nextInt(changed.length)] ^= (byte) (1 + random.nextInt(255));
      messages.add(changed);
      messages.add(Arrays.copyOf(message, message.length + 1 + random.nextInt(40)));
    }
    return messages;
  }

  /** As {@link #damaged}, but the checksum is right: as a faulty program would send them. */
  List<byte[]> wellSummed(byte[] frame, int copies) {
    List<byte[]> messages = new ArrayList<>();
    for (byte[] broken : damaged(Arrays.copyOf(frame, frame.length - CRC), copies)) {
      byte[] summed = withChecksum(broken);
      if (isMalformed(summed)) {
        messages.add(summed);
      }
    }
    for (int type = 0; type < 256; type += 17) {
      byte[] headerOnly = Arrays.copyOf(frame, FRAME_HEADER);
      headerOnly[3] = (byte) type;
      if (isMalformed(withChecksum(headerOnly))) {
        messages.add(withChecksum(headerOnly));
      }
    }
    return messages;
  }

  /** A frame of a later version of the protocol, from somebody never heard of. */
  byte[] ofLaterVersion(byte[] frame) {
    byte[] later = Arrays.copyOf(frame, frame.length - CRC);
    later[2] = 3;
    Arrays.fill(later, 6, FRAME_HEADER, (byte) 0x11);
    return withChecksum(later);
  }

  private static byte[] withChecksum(byte[] body) {
    var crc = new CRC32C();
    crc.update(body);
    byte[] frame = Arrays.copyOf(body, body.length + CRC);
    for (int i = 0; i < CRC; i++) {
      frame[body.length + i] = (byte) (crc.getValue() >>> 24 - 8 * i);
    }
    return frame;
  }

  /** Whether a reader must drop it: some changes make another frame that is none the worse. */
  private static boolean isMalformed(byte[] frame) {
    try {
      Frames.decode(new FrameCodec(new Origins()), frame);
      return false;
    } catch (MalformedFrameException e) {
      return e.kind() == MalformedFrameException.Kind.DAMAGED;
    }
  }
}
