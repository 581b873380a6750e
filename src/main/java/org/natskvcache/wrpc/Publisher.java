package org.natskvcache.wrpc;

import io.nats.client.Connection;
import io.nats.client.impl.Headers;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;

/** Publishes and never throws; what the client does not take is told to the observer. */
final class Publisher {
  /** The message that ends a stream. Data is never empty. */
  static final byte[] END = {};

  private final Connection connection;
  private final @Nullable DirectLine line;
  private final WrpcObserver observer;

  /**
   * @param line what does not go to the client first; null for none
   */
  Publisher(Connection connection, @Nullable DirectLine line, WrpcObserver observer) {
    this.connection = connection;
    this.line = line;
    this.observer = observer;
  }

  /** Largest body of one message, bytes. */
  int payloadMax() {
    long max = connection.getMaxPayload();
    return max > 0 && max < Integer.MAX_VALUE ? (int) max : Integer.MAX_VALUE;
  }

  /**
   * Publishes one message; false when it was not taken.
   *
   * @param invocation subject of the call it belongs to
   */
  boolean publish(String invocation, String subject, @Nullable String replyTo, byte[] body) {
    return publish(invocation, subject, replyTo, null, body);
  }

  /** The same with headers. */
  boolean publish(
      String invocation,
      String subject,
      @Nullable String replyTo,
      @Nullable Headers headers,
      byte[] body) {
    try {
      if (line == null || headers != null || !line.publish(subject, replyTo, body)) {
        connection.publish(subject, replyTo, headers, body);
      }
      return true;
    } catch (IllegalStateException | IllegalArgumentException e) {
      // its queue is full, it is closed, or the peer chose a subject that no server takes
      observer.happened(WrpcObserver.Event.UNSENT, invocation, e);
      return false;
    }
  }

  /**
   * Publishes pieces no longer than the server allows; without the end of the stream.
   *
   * @param from how many bytes went elsewhere
   */
  void pieces(String invocation, String subject, byte[] bytes, int from) {
    int most = payloadMax();
    for (int at = from; at < bytes.length; at += most) {
      byte[] piece =
          at == 0 && bytes.length <= most
              ? bytes
              : Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + most));
      if (!publish(invocation, subject, null, piece)) break; // the end tells what is missing
    }
  }
}
