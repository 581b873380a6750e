package org.natskvcache.wrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.natskvcache.Waiting;

/**
 * A caller that speaks wRPC message by message and insists on the order of the answer: one
 * handshake, the result, one end, nothing else. One call at a time.
 */
public final class WrpcPeer {
  private final Connection connection;
  private final String inbox;
  private final Subscription subscription;
  private int calls = 1;

  public WrpcPeer(Connection connection) {
    this.connection = connection;
    inbox = connection.createInbox();
    subscription = connection.subscribe(inbox + ".>");
    flush();
  }

  /** {@code Rc}. */
  public String replyTo() {
    return inbox + "." + calls;
  }

  /** The next message that comes. */
  public Message next() {
    try {
      Message message;
      do {
        message = subscription.nextMessage(Waiting.PATIENCE);
        assertNotNull(message, "nothing came");
      } while (!(message.getSubject() + ".")
          .startsWith(replyTo() + ".")); // repeated for a call before
      return message;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** The next message that comes within this time; null when none does. */
  public @Nullable Message next(Duration patience) {
    try {
      return subscription.nextMessage(patience);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Whatever was published before has arrived now, since the server keeps the order. */
  public void assertSilent() {
    flush();
    try {
      assertNull(subscription.nextMessage(Duration.ofMillis(20)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private void flush() {
    try {
      connection.flush(Waiting.PATIENCE);
    } catch (TimeoutException | InterruptedException e) {
      throw new AssertionError("the server does not answer", e);
    }
  }

  /** A value cut into a first part and pieces, with the end behind it. */
  public static List<byte[]> cut(byte[] value, int first, int piece) {
    List<byte[]> parts = new ArrayList<>();
    int at = Math.min(first, value.length);
    parts.add(Arrays.copyOf(value, at));
    for (; at < value.length; at += piece) {
      parts.add(Arrays.copyOfRange(value, at, Math.min(value.length, at + piece)));
    }
    parts.add(Publisher.END);
    return parts;
  }

  /** Invokes with the first part, and returns where the others are to go. */
  public String begin(String subject, @Nullable Headers headers, byte[] first) {
    return ask(subject, headers, first)
        .orElseThrow(() -> new AssertionError("refused on " + subject));
  }

  /** Invokes with the first part; where the others are to go, or nothing when it was refused. */
  public Optional<String> ask(String subject, @Nullable Headers headers, byte[] first) {
    calls++;
    connection.publish(subject, replyTo(), headers, first);
    Message handshake = next();
    assertFalse(handshake.isStatusMessage(), () -> "nobody serves " + subject);
    assertEquals(replyTo(), handshake.getSubject());
    assertEquals(0, handshake.getData().length);
    assertFalse(handshake.hasHeaders());
    return Optional.ofNullable(handshake.getReplyTo()).map(rest -> rest + ".params");
  }

  /** Invokes as one who does not listen, or elsewhere. */
  public void publish(String subject, String replyTo, @Nullable Headers headers, byte[] first) {
    connection.publish(subject, replyTo, headers, first);
  }

  /** Sends some of the params of a call that was begun. */
  public void more(String params, byte[] part) {
    connection.publish(params, part);
  }

  /** Ends the params of a call that was begun. */
  public void end(String params) {
    connection.publish(params, Publisher.END);
  }

  /**
   * Invokes with the first part, sends the others and the end after the handshake, and returns the
   * result.
   */
  public byte[] call(String subject, @Nullable Headers headers, List<byte[]> parts) {
    String rest = begin(subject, headers, parts.getFirst());
    for (byte[] part : parts.subList(1, parts.size())) connection.publish(rest, part);
    if (parts.size() == 1 || parts.getLast().length > 0) end(rest);
    return results();
  }

  /** A result up to its end; empty when there is none. */
  public byte[] results() {
    var result = new ByteArrayOutputStream();
    while (true) {
      Message each = next();
      if (each.getReplyTo() != null) {
        result.reset(); // the handshake again, since we were slow: so is the result
        continue;
      }
      assertEquals(replyTo() + ".results", each.getSubject());
      assertFalse(each.hasHeaders());
      if (each.getData().length == 0) return result.toByteArray();
      try {
        result.write(each.getData());
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }
}
