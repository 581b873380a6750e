package org.natskvcache.bench;

import java.util.Arrays;

/**
 * A message where it lies in the connection's buffer; good until the receiver returns. Offsets and
 * lengths are in bytes.
 */
final class WireMessage {
  private static final int STATUS_AT = "NATS/1.0 ".length();

  byte[] buffer = {};
  int subjectAt;
  int subjectLength;
  int replyAt;

  /** 0: it names no reply subject. */
  int replyLength;

  int headersAt;
  int headersLength;
  int bodyAt;
  int bodyLength;

  /** Whether its subject ends so. */
  boolean isBelow(byte[] end) {
    int subjectEnd = subjectAt + subjectLength;
    return subjectLength >= end.length
        && Arrays.equals(buffer, subjectEnd - end.length, subjectEnd, end, 0, end.length);
  }

  /** Whether the server sent it instead of delivering ours: nobody listens. */
  boolean nobodyListens() {
    return headersLength >= STATUS_AT + 3
        && Arrays.equals(
            buffer,
            headersAt + STATUS_AT,
            headersAt + STATUS_AT + 3,
            new byte[] {'5', '0', '3'},
            0,
            3);
  }

  byte[] body() {
    return Arrays.copyOfRange(buffer, bodyAt, bodyAt + bodyLength);
  }
}
