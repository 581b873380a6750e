package org.natskvcache.wrpc;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.natskvcache.direct.DirectLine;
import org.natskvcache.wrpc.WrpcObserver.Event;

/**
 * Serves functions of WIT interfaces. All instances with one prefix share the calls.
 *
 * <pre>
 *   PREFIX.wrpc.0.0.1.INSTANCE.FUNCTION   queue group PREFIX; reply subject Rc, first part of the params
 *   Rc                                    we answer at once: empty, reply subject Rs
 *   Rs.params                             the rest of the params, then an empty message
 *   Rc.results                            our result at once; when the caller was heard, an empty
 *                                         message; only that: no result
 * </pre>
 *
 * <p>One thread receives everything and runs the handlers: a hand-off to another one costs more
 * than a call to memory. It is a dispatcher's; or, over a {@link DirectLine}, the one that reads
 * the socket, which saves two hand-offs more. A caller always sends something to {@code Rs.params},
 * if only the end of params that came in one message; until then the call is remembered as {@link
 * OpenCalls}.
 */
public final class WrpcServer implements AutoCloseable {
  /** Messages and bytes the client may hold for us; more would be answered too late anyway. */
  private static final int QUEUED_MESSAGES_MAX = 1 << 18;

  private static final long QUEUED_BYTES_MAX = 256L << 20;

  private static final String PARAMS = ".params";

  /** Params are decoded again and again while they arrive; this bounds how often. */
  private static final int DECODED_FACTOR = 4;

  private static final int DECODED_FREE = 64 << 10;

  /** A function and what serves it. */
  private record Served<P>(String subject, Decoder<P> decoder, Handler<P> handler) {}

  /** A call whose params have not arrived whole. */
  private static final class HalfSent {
    final Call call;
    final Served<?> served;
    final long deadlineNanos;
    byte[] bytes;
    int size;
    long wanted;
    long decoded;

    HalfSent(Call call, Served<?> served, byte[] first, long wanted, long deadlineNanos) {
      this.call = call;
      this.served = served;
      this.bytes = first;
      this.size = first.length;
      this.wanted = wanted;
      this.deadlineNanos = deadlineNanos;
    }
  }

  private final Connection connection;
  private final String prefix;
  private final WrpcLimits limits;
  private final WrpcObserver observer;
  private final @Nullable DirectLine line;
  private final CopyOnWriteArrayList<Handler<?>> handlers = new CopyOnWriteArrayList<>();
  private final Publisher publisher;
  private final Dispatcher dispatcher;

  /** Begins every {@code Rs}; a number of {@link OpenCalls} follows. */
  private final String inbox;

  private final ScheduledThreadPoolExecutor timer;

  /** By number. Guarded by this, as the sum of their sizes is. */
  private final Map<Long, HalfSent> halfSent = new HashMap<>();

  private final OpenCalls openCalls;
  private long halfSentBytes;
  private boolean repeating;
  private boolean stopped;

  /**
   * Serves nothing yet.
   *
   * @param connection stays the caller's
   * @param prefix {@code LATTICE.PROVIDER}, the queue group too
   */
  public WrpcServer(
      Connection connection, String prefix, WrpcLimits limits, WrpcObserver observer) {
    this(connection, null, prefix, limits, observer);
  }

  /**
   * Serves nothing yet.
   *
   * @param line of the connection; null for none
   */
  public WrpcServer(
      Connection connection,
      @Nullable DirectLine line,
      String prefix,
      WrpcLimits limits,
      WrpcObserver observer) {
    this.connection = connection;
    this.prefix = prefix;
    this.limits = limits;
    this.observer = observer;
    this.line = line;
    publisher = new Publisher(connection, line, observer);
    openCalls = new OpenCalls(limits.pendingCallsMax(), limits.silence().toNanos());
    inbox = connection.createInbox() + ".";
    dispatcher = connection.createDispatcher();
    dispatcher.setPendingLimits(QUEUED_MESSAGES_MAX, QUEUED_BYTES_MAX);
    if (line != null) {
      line.answerUnder(this, inbox, message -> onParams(message.subject(), message.body()));
      line.whenHandled(this, () -> handlers.forEach(Handler::handledTogether));
    }
    dispatcher.subscribe(
        inbox + "*" + PARAMS,
        message -> observer.guard(PARAMS, () -> onParams(message.getSubject(), message.getData())));
    timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("wrpc-timer").factory());
    long period = Math.max(1, limits.timeout().toMillis() / 10);
    var _ =
        timer.scheduleWithFixedDelay(
            () -> observer.guard("timer", this::expire), period, period, TimeUnit.MILLISECONDS);
  }

  /** The subject of a function. */
  public static String subject(String prefix, String instance, String function) {
    return prefix + ".wrpc.0.0.1." + instance + "." + function;
  }

  /**
   * Serves a function from now on; flush the connection to know that the server knows.
   *
   * @param instance such as {@code wrpc:keyvalue/store@0.2.0-draft}
   * @param function in kebab case, such as {@code list-keys}
   */
  public <P> void serve(String instance, String function, Decoder<P> decoder, Handler<P> handler) {
    var served = new Served<>(subject(prefix, instance, function), decoder, handler);
    handlers.addIfAbsent(handler);
    if (line != null) {
      line.answer(
          this,
          served.subject,
          message ->
              onInvocation(
                  served, message.replyTo(), message.headers()::first, message.body(), true));
    }
    dispatcher.subscribe(
        served.subject,
        prefix,
        message ->
            observer.guard(
                served.subject,
                () ->
                    onInvocation(
                        served,
                        message.getReplyTo(),
                        headersOf(message),
                        message.getData(),
                        false)));
  }

  private static Function<String, @Nullable String> headersOf(Message message) {
    Headers headers = message.getHeaders();
    return name -> {
      if (headers == null) return null;
      List<String> values = headers.get(name);
      if (values == null) values = headers.getIgnoreCase(name);
      return values == null || values.isEmpty() ? null : values.getFirst();
    };
  }

  private void onInvocation(
      Served<?> served,
      @Nullable String replyTo,
      Function<String, @Nullable String> headers,
      byte[] body,
      boolean together) {
    if (replyTo == null) {
      observer.happened(Event.NO_REPLY_SUBJECT, served.subject, null);
      return;
    }
    var call = new Call(publisher, served.subject, replyTo, headers, together);
    switch (served.handler.admit(call)) {
      case ADMIT -> begin(served, call, body);
      case REFUSE -> call.refuse();
      case IGNORE -> {}
    }
  }

  private void begin(Served<?> served, Call call, byte[] body) {
    long number = begin(call);
    if (!call.handshake(inboxOf(number))) {
      end(number);
      return;
    }
    long missing = run(served, call, body, body.length);
    if (missing == 0) return;
    long deadline = System.nanoTime() + limits.timeout().toNanos();
    var half = new HalfSent(call, served, body, body.length + missing, deadline);
    half.decoded = body.length;
    Event refusal = admit(number, half);
    if (refusal != null) giveUp(call, refusal);
  }

  private String inboxOf(long number) {
    return inbox + Long.toString(number, Character.MAX_RADIX);
  }

  /** The call that params are for; -1 for none. */
  private long numberOf(String params) {
    int end = params.length() - PARAMS.length();
    if (end <= inbox.length() || !params.endsWith(PARAMS)) return -1;
    try {
      return Long.parseLong(params, inbox.length(), end, Character.MAX_RADIX);
    } catch (NumberFormatException e) {
      return -1; // whoever sent it has it from elsewhere
    }
  }

  /** Keeps a call until its params are there; null, or why not. */
  private synchronized @Nullable Event admit(long number, HalfSent half) {
    if (stopped) return Event.TRUNCATED; // the rest is not listened for any more
    if (halfSent.size() >= limits.pendingCallsMax()
        || half.size > limits.pendingBytesMax() - halfSentBytes) {
      return Event.OVERLOADED;
    }
    halfSentBytes += half.size;
    halfSent.put(number, half);
    return null;
  }

  /** Decodes and handles; 0, or how many bytes the params need at least beyond these. */
  private <P> long run(Served<P> served, Call call, byte[] bytes, int length) {
    try {
      P params = served.decoder.decode(new ValueReader(bytes, length, limits));
      served.handler.handle(call, params);
    } catch (ValueException.Incomplete e) {
      return e.missing();
    } catch (ValueException e) {
      observer.happened(Event.MALFORMED, call.subject(), e);
      call.abort();
    } catch (RuntimeException | Error e) {
      call.abort();
      observer.happened(Event.FAILED, call.subject(), e);
    }
    return 0;
  }

  private synchronized long begin(Call call) {
    long number = openCalls.begin(call, System.nanoTime());
    if (stopped) openCalls.giveUpAll();
    else if (!repeating) repeatSoon();
    return number;
  }

  private synchronized void end(long number) {
    openCalls.ended(number);
  }

  /** Sends handshakes again, and looks again in a moment while any caller is silent. */
  private synchronized void repeat() {
    try {
      for (OpenCalls.Due due : openCalls.due(System.nanoTime())) {
        observer.happened(Event.UNHEARD, due.call().subject(), null);
        due.call().handshake(inboxOf(due.number()));
      }
    } finally {
      repeating = false;
      if (!openCalls.allHeard()) repeatSoon();
    }
  }

  private void repeatSoon() {
    if (timer.isShutdown()) return;
    repeating = true;
    var _ =
        timer.schedule(
            () -> observer.guard("timer", this::repeat),
            limits.silence().toMillis(),
            TimeUnit.MILLISECONDS);
  }

  private synchronized void stopTimer() {
    timer.shutdownNow();
  }

  private synchronized void onParams(String subject, byte[] body) {
    long number = numberOf(subject);
    openCalls.heard(number);
    if (body.length == 0) openCalls.ended(number);
    HalfSent half = halfSent.isEmpty() ? null : halfSent.get(number);
    if (half == null) return; // the usual end of params that were complete before
    boolean end = body.length == 0;
    if (!append(half, body)) {
      remove(number, half);
      giveUp(half.call, Event.OVERLOADED);
      return;
    }
    boolean worthwhile =
        half.size >= half.wanted
            && half.decoded <= (long) DECODED_FACTOR * half.size + DECODED_FREE;
    if (!end && !worthwhile) return;
    half.decoded += half.size;
    long missing = run(half.served, half.call, half.bytes, half.size);
    half.wanted = half.size + missing;
    if (missing > 0 && !end) return;
    remove(number, half);
    if (missing > 0) giveUp(half.call, Event.TRUNCATED);
  }

  /** Takes more bytes; false when that would be too many. */
  private boolean append(HalfSent half, byte[] more) {
    if (more.length > limits.valueBytesMax() - half.size
        || more.length > limits.pendingBytesMax() - halfSentBytes) {
      return false;
    }
    int size = half.size + more.length;
    if (size > half.bytes.length) {
      // at most twice what is there: what a caller announces it need not send
      half.bytes = Arrays.copyOf(half.bytes, (int) Math.min(limits.valueBytesMax(), 2L * size));
    }
    System.arraycopy(more, 0, half.bytes, half.size, more.length);
    half.size = size;
    halfSentBytes += more.length;
    return true;
  }

  private void remove(long number, HalfSent half) {
    halfSent.remove(number);
    halfSentBytes -= half.size;
  }

  private void giveUp(Call call, Event why) {
    observer.happened(why, call.subject(), null);
    call.abort();
  }

  private void expire() {
    long now = System.nanoTime();
    abandon(half -> now - half.deadlineNanos >= 0, Event.TIMED_OUT);
    forget(2 * limits.timeout().toNanos(), now);
  }

  private synchronized void forget(long ageNanos, long now) {
    openCalls.abandonOlder(ageNanos, now);
  }

  private synchronized void abandon(Predicate<HalfSent> which, Event why) {
    halfSent
        .values()
        .removeIf(half -> {
          if (!which.test(half)) return false;
          halfSentBytes -= half.size;
          giveUp(half.call, why);
          return true;
        });
  }

  /** How many calls wait for the rest of their params. */
  public synchronized int halfSentCalls() {
    return halfSent.size();
  }

  /**
   * Takes no more calls and waits for those that were received; calls whose params are not there by
   * then are aborted. May be called twice.
   *
   * @return whether all that was received could be handled in time
   */
  public boolean stop(Duration patience) throws InterruptedException {
    stopTimer();
    boolean drained = true;
    if (dispatcher.isActive()) {
      try {
        drained = drain().get(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException | TimeoutException e) {
        drained = false; // too much: our callers do not hear
      }
    }
    synchronized (this) {
      stopped = true;
      abandon(half -> true, Event.TRUNCATED);
      openCalls.giveUpAll(); // their ends have waited for them
    }
    if (line != null) line.forget(this);
    return drained;
  }

  /**
   * Drains without end for the client, which would throw away what is still to be aborted. It waits
   * for the server before it gives a future back, so for the thread that reads, which may be busy.
   */
  private CompletableFuture<Boolean> drain() {
    var drained = new CompletableFuture<Boolean>();
    Thread.startVirtualThread(() -> {
      try {
        drained.complete(dispatcher.drain(Duration.ZERO).get());
      } catch (InterruptedException | ExecutionException | IllegalStateException e) {
        drained.complete(false); // the connection is gone
      }
    });
    return drained;
  }

  /** Ends at once. */
  @Override
  public void close() {
    stopTimer();
    if (line != null) line.forget(this);
    if (dispatcher.isActive()) connection.closeDispatcher(dispatcher);
  }
}
