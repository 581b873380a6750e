package org.natskvcache.nats;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.metrics.Failures;
import org.natskvcache.node.Replica;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.Texts;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.KeyValueRequest;
import org.natskvcache.rpc.wrpc.KeyValueResult;
import org.natskvcache.store.Reply;
import org.natskvcache.telemetry.Tracing;
import org.natskvcache.wrpc.Call;
import org.natskvcache.wrpc.Handler;
import org.natskvcache.wrpc.WrpcObserver;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the cache of a component's call, asks it, and answers; all on the thread that delivers the
 * call, but for long answers. Counts what went wrong.
 */
final class WrpcCalls implements Handler<KeyValueRequest>, WrpcObserver {
  private static final Logger LOG = LoggerFactory.getLogger(WrpcCalls.class);

  /** Different troubles that are worth a line each. */
  private static final int LOGGED_MAX = 32;

  /** An admitted call. */
  private record Admitted(String source, String link, LinkedCaches.Route route) {}

  /** A longer batch of values is encoded and sent apart. */
  private static final int AT_ONCE_BYTES_MAX = 64 << 10;

  private final LongAnswers longAnswers = new LongAnswers();
  private final LinkedCaches links;
  private final ReplyPublisher replies;
  private final Tracing tracing;

  /** Called since the last {@link #handledTogether}. */
  private final Set<Replica> together = ConcurrentHashMap.newKeySet();

  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  /** Apart, since strangers give themselves any name. */
  private final Set<String> loggedStrangers = ConcurrentHashMap.newKeySet();

  WrpcCalls(LinkedCaches links, ReplyPublisher replies, Tracing tracing) {
    this.links = links;
    this.replies = replies;
    this.tracing = tracing;
  }

  /** Only linked components get a handshake: it goes where the caller wants it. */
  @Override
  public Admission admit(Call call) {
    if (!replies.allows(call.replyTo())) return Admission.IGNORE;
    String source = or(call.header("source-id"), "<unknown>");
    String link = or(call.header("link-name"), "default");
    LinkedCaches.Route route = links.route(LinkId.caller(source, link));
    if (route != null) {
      call.attach(new Admitted(source, link, route));
      return Admission.ADMIT;
    }
    Counter.REFUSED_INVOCATIONS.increment();
    logFirst(
        loggedStrangers,
        "refused_call",
        "source=" + Texts.shortened(source) + " link=" + Texts.shortened(link));
    KeyValueFunction function = KeyValueFunction.ofSubject(call.subject());
    tracing
        .called(function.instance(), function.function(), source, link, call::header)
        .end("access_denied");
    return Admission.REFUSE;
  }

  @Override
  public void handle(Call call, KeyValueRequest request) {
    var admitted = (Admitted) Objects.requireNonNull(call.attachment());
    String link = admitted.link;
    LinkedCaches.Route route = admitted.route;
    KeyValueFunction function = request.function();
    Tracing.Span span =
        tracing.called(
            function.instance(), function.function(), admitted.source, link, call::header);
    Reply refusal = request.refusal();
    if (refusal != null) answer(call, request, refusal, span);
    else if (call.together()) {
      together.add(route.replica());
      route
          .replica()
          .callTogether(
              request.command(link), span, reply -> answerApart(call, request, reply, span));
    } else {
      route
          .replica()
          .call(request.command(link), span, reply -> answerApart(call, request, reply, span));
    }
  }

  @Override
  public void handledTogether() {
    for (var each = together.iterator(); each.hasNext(); ) {
      Replica replica = each.next();
      each.remove(); // first: another thread that adds it meanwhile flushes it again
      var _ = Guarded.run("flush of a cache", replica::flush);
    }
  }

  private static String or(@Nullable String text, String otherwise) {
    return text == null ? otherwise : text;
  }

  /** Answers; elsewhere when that takes long, so that others need not wait. */
  private void answerApart(Call call, KeyValueRequest request, Reply reply, Tracing.Span span) {
    long bytes = reply instanceof Reply.Batch(var replies) ? bytes(replies) : 0;
    if (bytes <= AT_ONCE_BYTES_MAX) {
      answer(call, request, reply, span);
      return;
    }
    Runnable abort =
        () -> {
          call.abort();
          span.end("overloaded");
        };
    if (!longAnswers.run(bytes, () -> answer(call, request, reply, span), abort)) {
      happened(Event.OVERLOADED, call.subject(), null);
      abort.run();
    }
  }

  private static long bytes(List<Reply> replies) {
    long bytes = 0;
    for (Reply reply : replies) if (reply instanceof Reply.Value(var value)) bytes += value.size();
    return bytes;
  }

  /** Aborts the long answers that are not made within so many nanoseconds. */
  void stop(long nanosMax) {
    longAnswers.stop(nanosMax);
  }

  private static void answer(Call call, KeyValueRequest request, Reply reply, Tracing.Span span) {
    String error = "internal";
    try {
      call.result(KeyValueResult.encode(request, reply));
      error = error(reply);
    } catch (IllegalStateException e) {
      LOG.error(
          "event=reply_of_another_function function={}",
          request.function(),
          e); // an answer must not throw
      call.abort();
    } finally {
      span.end(error);
    }
  }

  private static @Nullable String error(Reply reply) {
    return switch (reply) {
      case Reply.Rejected(var reason, _) -> reason.name().toLowerCase(Locale.ROOT);
      case Reply.Batch(var replies) ->
          replies.stream().map(WrpcCalls::error).filter(Objects::nonNull).findFirst().orElse(null);
      default -> null;
    };
  }

  @Override
  public void happened(Event event, String subject, @Nullable Throwable cause) {
    switch (event) {
      case NO_REPLY_SUBJECT, MALFORMED -> Counter.MALFORMED_INVOCATIONS.increment();
      case TRUNCATED, TIMED_OUT -> Counter.UNFINISHED_CALLS.increment();
      case UNHEARD -> Counter.REPEATED_HANDSHAKES.increment();
      case OVERLOADED -> Counter.OVERLOADED_CALLS.increment();
      case UNSENT -> Counter.UNSENT_MESSAGES.increment();
      case FAILED -> {
        if (cause != null) Failures.caught("call", cause);
        return;
      }
    }
    logFirst(
        logged,
        "call_" + event.name().toLowerCase(Locale.ROOT),
        "subject="
            + Texts.shortened(subject)
            + (cause == null ? "" : " cause=\"" + cause.getMessage() + '"'));
  }

  /** Says that a kind of trouble began; the counters say how it goes on. */
  private static void logFirst(Set<String> logged, String event, String detail) {
    if (logged.size() < LOGGED_MAX && logged.add(event + detail)) {
      LOG.warn("event={} {}; more of these are only counted", event, detail);
    }
  }
}
