package org.natskvcache.wrpc;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One call to answer, exactly once: the first of {@link #result} and {@link #abort} counts, a
 * further one does nothing. May be answered on any thread.
 */
public final class Call {
  private final Publisher publisher;
  private final String subject;
  private final String replyTo;
  private final Function<String, @Nullable String> headers;
  private final boolean together;
  private @Nullable Object attachment;
  private final AtomicReference<byte @Nullable []> answer = new AtomicReference<>();

  /**
   * @param headers the first value of a header, by its name in lower case
   * @param together see {@link #together}
   */
  Call(
      Publisher publisher,
      String subject,
      String replyTo,
      Function<String, @Nullable String> headers,
      boolean together) {
    this.publisher = publisher;
    this.subject = subject;
    this.replyTo = replyTo;
    this.headers = headers;
    this.together = together;
  }

  /** Whether it came with others, so that {@link Handler#handledTogether} follows. */
  public boolean together() {
    return together;
  }

  /** The subject it came on. */
  public String subject() {
    return subject;
  }

  /** Where its caller awaits the handshake; the result goes below. */
  public String replyTo() {
    return replyTo;
  }

  /** Keeps what {@link Handler#admit} found out for {@link Handler#handle}. */
  public void attach(Object found) {
    attachment = found;
  }

  /** What was kept; null for nothing. Of the thread that receives all calls. */
  public @Nullable Object attachment() {
    return attachment;
  }

  /**
   * A header the caller sent, such as {@code source-id}, {@code link-name} or {@code traceparent};
   * null without it.
   *
   * @param name in lower case, found in any
   */
  public @Nullable String header(String name) {
    return headers.apply(name);
  }

  /** Answers with an encoded result; empty for a function without one. The array is given away. */
  public void result(byte[] encoded) {
    if (answer.compareAndSet(null, encoded)) send(encoded);
  }

  private void send(byte[] encoded) {
    publisher.stream(subject, replyTo + ".results", encoded);
  }

  /** Tells the caller that it gets no handshake. */
  void refuse() {
    publisher.publish(subject, replyTo, null, Publisher.END);
  }

  /** Tells the caller where to send the rest of its params. */
  boolean handshake(String inbox) {
    return publisher.publish(
        /* invocation= */ subject, /* subject= */ replyTo, /* replyTo= */ inbox, Publisher.END);
  }

  /** Answers once more what was answered, if it was; a caller that had it does not look again. */
  void repeatAnswer() {
    byte[] given = answer.get();
    if (given != null) send(given);
  }

  /** Answers that there is no result: the caller fails at once instead of waiting. */
  public void abort() {
    result(Publisher.END);
  }
}
