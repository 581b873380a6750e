package org.natskvcache.wrpc;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One call to answer, exactly once: the first of {@link #result} and {@link #abort} counts, a
 * further one does nothing. May be answered on any thread.
 *
 * <p>The result leaves at once. Its end waits until the caller has shown that it hears: a host that
 * missed the result and heard the end would fail the call, and could not be helped any more.
 */
public final class Call {
  private static final AtomicIntegerFieldUpdater<Call> STATE =
      AtomicIntegerFieldUpdater.newUpdater(Call.class, "state");

  /** Somebody answers. */
  private static final int ANSWERED = 1;

  /** The result has left, and its end has not if the caller was not heard. */
  private static final int SENT = 2;

  /** The caller has shown that it hears, or is not waited for any longer. */
  private static final int HEARD = 4;

  /** It was heard after a repeated handshake: what was sent before may be lost. */
  private static final int LATE = 8;

  private final Publisher publisher;
  private final String subject;
  private final String replyTo;
  private final Function<String, @Nullable String> headers;
  private final boolean together;
  private @Nullable Object attachment;
  private byte[] answer = Publisher.END;
  private volatile int state;

  /** Where the rest of the params goes. */
  private volatile @Nullable String inbox;

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
    int before = enter(ANSWERED);
    if ((before & ANSWERED) != 0) return;
    answer = encoded;
    send();
    int meanwhile = enter(SENT);
    if ((meanwhile & HEARD) == 0) return; // whoever hears it ends it
    if ((before & HEARD) == 0 && (meanwhile & LATE) != 0) sendAgain();
    end();
  }

  /** Adds to the state; what it was. */
  private int enter(int more) {
    return STATE.getAndAccumulate(this, more, (was, is) -> was | is);
  }

  private void send() {
    publisher.pieces(subject, replyTo + ".results", answer, 0);
  }

  /**
   * A caller that missed the handshake may have the result or not. The handshake goes before it, so
   * that one that has it knows that this is the result from its beginning.
   */
  private void sendAgain() {
    String before = inbox;
    if (before != null) handshake(before);
    send();
  }

  private void end() {
    publisher.publish(subject, replyTo + ".results", null, Publisher.END);
  }

  /**
   * The caller has shown that it hears, or is not waited for any longer. The first time counts.
   *
   * @param late whether the handshake had to be repeated, so that the result has to be, too
   */
  void heard(boolean late) {
    int before = enter(late ? HEARD | LATE : HEARD);
    if ((before & HEARD) != 0 || (before & SENT) == 0) return;
    if (late) sendAgain();
    end();
  }

  /** Tells the caller that it gets no handshake. */
  void refuse() {
    publisher.publish(
        /* invocation= */ subject, /* subject= */ replyTo, /* replyTo= */ null, Publisher.END);
  }

  /** Tells the caller where to send the rest of its params. */
  boolean handshake(String restInbox) {
    inbox = restInbox;
    return publisher.publish(
        /* invocation= */ subject, /* subject= */ replyTo, /* replyTo= */ restInbox, Publisher.END);
  }

  /** Answers that there is no result: the caller fails at once instead of waiting. */
  public void abort() {
    result(Publisher.END);
  }
}
