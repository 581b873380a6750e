package org.natskvcache.wrpc;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Calls functions that components or providers serve; the other side of {@link WrpcServer}. May be
 * used by several threads.
 */
public final class WrpcCaller implements AutoCloseable {
  private static final String RESULTS = ".results";

  /** Bytes of a header block before its first header, and of its end. */
  private static final int HEADERS_VERSION_BYTES = 12;

  private static final int NO_RESPONDERS = 503;

  /** What a call came to. */
  public sealed interface Outcome {
    /**
     * The callee answered.
     *
     * @param bytes the encoded result; empty for a function without one, and where the callee gave
     *     up, which looks the same
     */
    record Result(byte[] bytes) implements Outcome {}

    /** Nobody serves the function. */
    record NobodyServes() implements Outcome {}

    /** The answer did not arrive whole in time, was too long, or could not be asked for. */
    record Failed(String reason) implements Outcome {}
  }

  private final Connection connection;
  private final WrpcLimits limits;
  private final Publisher publisher;
  private final Dispatcher dispatcher;
  private final String inbox;
  private final AtomicLong calls = new AtomicLong();
  private final Map<String, Open> open = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor timer;

  /** A call under way. Its bytes are of the dispatcher's thread. */
  private static final class Open {
    final String subject;
    final byte[] params;
    final int sent;
    final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    final long deadlineNanos;
    final ByteArrayOutputStream result = new ByteArrayOutputStream(0);

    Open(String subject, byte[] params, int sent, long deadlineNanos) {
      this.subject = subject;
      this.params = params;
      this.sent = sent;
      this.deadlineNanos = deadlineNanos;
    }
  }

  /** Calls nothing yet; the connection stays the caller's. */
  public WrpcCaller(Connection connection, WrpcLimits limits, WrpcObserver observer) {
    this.connection = connection;
    this.limits = limits;
    publisher = new Publisher(connection, null, observer);
    inbox = connection.createInbox() + ".";
    dispatcher = connection.createDispatcher();
    dispatcher.subscribe(
        inbox + "*", message -> observer.guard("handshake", () -> onHandshake(message)));
    dispatcher.subscribe(
        inbox + "*" + RESULTS, message -> observer.guard(RESULTS, () -> onResult(message)));
    timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("wrpc-timer").factory());
    long period = Math.max(1, limits.timeout().toMillis() / 10);
    var _ =
        timer.scheduleWithFixedDelay(
            () -> observer.guard("timer", this::expire), period, period, TimeUnit.MILLISECONDS);
  }

  /**
   * Calls a function.
   *
   * @param subject see {@link WrpcServer#subject}
   * @param headers null for none
   * @param params encoded; must not change any more
   * @return completes on a thread of the client, never exceptionally
   */
  public CompletableFuture<Outcome> call(String subject, @Nullable Headers headers, byte[] params) {
    String replyTo = inbox + Long.toString(calls.getAndIncrement(), Character.MAX_RADIX);
    int room = publisher.payloadMax() - replyTo.length() - length(headers);
    int first = Math.max(0, Math.min(room, params.length));
    var call = new Open(subject, params, first, System.nanoTime() + limits.timeout().toNanos());
    if (open.size() >= limits.pendingCallsMax()) {
      call.outcome.complete(new Outcome.Failed("too many calls are under way"));
      return call.outcome;
    }
    open.put(replyTo, call);
    byte[] body = first == params.length ? params : Arrays.copyOf(params, first);
    if (!publisher.publish(subject, subject, replyTo, headers, body)) {
      end(replyTo, new Outcome.Failed("the NATS client did not take it"));
    }
    return call.outcome;
  }

  private static int length(@Nullable Headers headers) {
    if (headers == null || headers.isEmpty()) return 0;
    int[] length = {HEADERS_VERSION_BYTES};
    headers.forEach(
        (name, values) -> values.forEach(value -> length[0] += name.length() + value.length() + 4));
    return length[0];
  }

  private void onHandshake(Message message) {
    Open call = open.get(message.getSubject());
    if (call == null) return; // given up meanwhile
    if (message.isStatusMessage()) {
      end(
          message.getSubject(),
          message.getStatus().getCode() == NO_RESPONDERS
              ? new Outcome.NobodyServes()
              : new Outcome.Failed("status " + message.getStatus().getCode()));
      return;
    }
    String replyTo = message.getReplyTo();
    if (replyTo == null) {
      end(message.getSubject(), new Outcome.Failed("the handshake names no reply subject"));
      return;
    }
    call.result.reset(); // a handshake that is repeated brings the whole result again
    String rest = replyTo + ".params";
    publisher.pieces(call.subject, rest, call.params, call.sent);
    publisher.publish(call.subject, rest, null, Publisher.END);
  }

  private void onResult(Message message) {
    String subject = message.getSubject();
    String replyTo = subject.substring(0, subject.length() - RESULTS.length());
    Open call = open.get(replyTo);
    if (call == null) return;
    byte[] body = message.getData();
    if (body.length == 0) {
      end(replyTo, new Outcome.Result(call.result.toByteArray()));
    } else if (body.length > limits.valueBytesMax() - call.result.size()) {
      end(replyTo, new Outcome.Failed("the result is longer than the limit"));
    } else {
      call.result.writeBytes(body);
    }
  }

  private void expire() {
    long now = System.nanoTime();
    open.forEach((replyTo, call) -> {
      if (now - call.deadlineNanos >= 0) end(replyTo, new Outcome.Failed("no answer in time"));
    });
  }

  private void end(String replyTo, Outcome outcome) {
    Open call = open.remove(replyTo);
    if (call != null) call.outcome.complete(outcome);
  }

  /** How many calls wait for their end. */
  public int openCalls() {
    return open.size();
  }

  /** Gives up what is under way. */
  @Override
  public void close() {
    timer.shutdownNow();
    if (dispatcher.isActive()) connection.closeDispatcher(dispatcher);
    open.keySet().forEach(replyTo -> end(replyTo, new Outcome.Failed("closed")));
  }
}
