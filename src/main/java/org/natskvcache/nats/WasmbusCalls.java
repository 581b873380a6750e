package org.natskvcache.nats;

import io.nats.client.Message;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.metrics.Failures;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.InvocationResponse;
import org.natskvcache.rpc.wasmbus.KeyValueCodec;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.Operation;
import org.natskvcache.rpc.wasmbus.Refusal;
import org.natskvcache.rpc.wasmbus.StoredObject;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Reply;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes and checks invocations, several at a time when several wait, since a signature costs far
 * more than all the rest; then calls the cache and answers, one invocation after the other in the
 * order in which they came. What has to wait for the object store is handed off. Whatever arrives
 * is answered, if it names a reply subject, since a caller that hears nothing waits for two
 * seconds.
 */
final class WasmbusCalls {
  private static final Logger LOG = LoggerFactory.getLogger(WasmbusCalls.class);

  /** Different troubles that are worth a line each. */
  private static final int LOGGED_MAX = 32;

  /** What an element of a long answer takes while it is made, bytes, about. */
  private static final int ELEMENT_BYTES = 64;

  private final String linkName;
  private final InvocationChecks checks;
  private final LinkedCaches links;
  private final LongSupplier epochSeconds;
  private final ReplyPublisher replies;
  private final BodyStore store;
  private final InOrder inOrder = new InOrder(InOrder.helpers());
  private final LongAnswers longAnswers = new LongAnswers();
  private final LargeBodies large = new LargeBodies();
  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  WasmbusCalls(
      String linkName,
      InvocationChecks checks,
      LinkedCaches links,
      LongSupplier epochSeconds,
      ReplyPublisher replies,
      BodyStore store) {
    this.linkName = linkName;
    this.checks = checks;
    this.links = links;
    this.epochSeconds = epochSeconds;
    this.replies = replies;
    this.store = store;
  }

  /**
   * Takes an invocation.
   *
   * @param moreFollows whether the next one is there already
   */
  void accept(Message message, boolean moreFollows) {
    inOrder.accept(() -> checked(message), moreFollows);
  }

  private Runnable checked(Message message) {
    byte[] payload = message.getData();
    String replyTo = message.getReplyTo();
    Invocation call;
    try {
      call = Invocation.decode(payload);
    } catch (MessagePackException e) {
      return () -> {
        Counter.MALFORMED_INVOCATIONS.increment();
        logFirst("malformed_invocation", "", payload.length + " bytes");
        respond(replyTo, InvocationResponse.error("", "deser error: " + e.getMessage()));
      };
    }
    BooleanSupplier answer = checked(call, replyTo);
    return () -> {
      var _ = answer.getAsBoolean();
    };
  }

  /**
   * Makes the checks. What is left answers the call, also when something goes wrong, and tells
   * whether it was admitted.
   */
  private BooleanSupplier checked(Invocation call, @Nullable String replyTo) {
    try {
      LinkedCaches.Route route = links.route(LinkId.caller(call.origin().publicKey(), linkName));
      Refusal refusal = checks.refusal(call, epochSeconds.getAsLong(), route != null);
      return () -> answer(call, replyTo, route, refusal);
    } catch (Throwable e) {
      return () -> failed(call, replyTo, e);
    }
  }

  private boolean answer(
      Invocation call,
      @Nullable String replyTo,
      LinkedCaches.@Nullable Route route,
      @Nullable Refusal refusal) {
    try {
      return admitted(call, replyTo, route, refusal);
    } catch (Throwable e) {
      return failed(call, replyTo, e);
    }
  }

  private boolean failed(Invocation call, @Nullable String replyTo, Throwable cause) {
    Failures.caught("call", cause);
    respond(replyTo, InvocationResponse.error(call.id(), "internal error"));
    return false;
  }

  private boolean admitted(
      Invocation call,
      @Nullable String replyTo,
      LinkedCaches.@Nullable Route route,
      @Nullable Refusal refusal) {
    if (refusal != null || route == null) {
      refuse(call, refusal, replyTo);
      return false;
    }
    if (call.bodyElsewhere()) {
      fetch(call, replyTo);
      return true;
    }
    switch (KeyValueCodec.decode(call.operation(), call.msg())) {
      case KeyValueCodec.Request.Refused(String error) -> {
        Counter.BAD_REQUESTS.increment();
        respond(replyTo, InvocationResponse.error(call.id(), error));
      }
      case KeyValueCodec.Request.Call(Operation operation, var command) ->
          route.replica().call(command, reply -> answer(call, replyTo, operation, reply, route));
    }
    return true;
  }

  /** Encodes a reply and sends it; elsewhere when that takes long, so that others need not wait. */
  private void answer(
      Invocation call,
      @Nullable String replyTo,
      Operation operation,
      Reply reply,
      LinkedCaches.Route route) {
    int toCome = reply instanceof Reply.Values values ? values.elementsToCome() : 0;
    if (toCome == 0) {
      deliver(call, replyTo, response(call.id(), operation, reply, route));
      return;
    }
    boolean taken =
        longAnswers.run(
            (long) ELEMENT_BYTES * toCome,
            () -> {
              try {
                deliver(call, replyTo, response(call.id(), operation, reply, route));
              } catch (RuntimeException e) {
                var _ = failed(call, replyTo, e);
              }
            },
            () -> respond(replyTo, InvocationResponse.error(call.id(), "stopping")));
    if (!taken) {
      Counter.OVERLOADED_CALLS.increment();
      logFirst("long_answers_refused", "", "too many at once");
      respond(
          replyTo, InvocationResponse.error(call.id(), "too many long answers at once; try again"));
    }
  }

  /** Fetches the body, then begins anew: only now can the claims' hash be compared. */
  private void fetch(Invocation call, @Nullable String replyTo) {
    if (call.contentLength() > StoredObject.BODY_BYTES_MAX) {
      fail(call, replyTo, BodyStoreException.Kind.TOO_LARGE);
      return;
    }
    handOff(
        call,
        replyTo,
        call.contentLength(),
        () -> {
          BodyStore.Fetched fetched = store.fetch(call.id(), call.contentLength());
          // A body the claims do not cover may be that of another call, which still needs it.
          if (checked(call.withBody(fetched.body()), replyTo).getAsBoolean()) store.delete(fetched);
        });
  }

  /** Sends a response, after it has left a result that is too large for it in the object store. */
  private void deliver(Invocation call, @Nullable String replyTo, InvocationResponse response) {
    Bytes result = response.msg();
    if (result.size() <= InvocationResponse.INLINE_BYTES_MAX
        || replyTo == null
        || !call.callerFetches()) {
      respond(replyTo, response);
    } else if (result.size() > StoredObject.BODY_BYTES_MAX) {
      respond(replyTo, InvocationResponse.tooLarge(call.id(), StoredObject.BODY_BYTES_MAX));
    } else {
      handOff(
          call,
          replyTo,
          result.size(),
          () -> {
            store.put(
                StoredObject.resultName(call.id()), result.array(), call.callerMayUseRawNames());
            respond(replyTo, InvocationResponse.stored(call.id(), result.size()));
          });
    }
  }

  private void handOff(
      Invocation call, @Nullable String replyTo, long bodyBytes, LargeBodies.Work work) {
    boolean taken = large.run(bodyBytes, work, e -> fail(call, replyTo, e.kind()));
    if (!taken) {
      Counter.OVERLOADED_CALLS.increment();
      logFirst("large_bodies_refused", "", "too many at once");
      respond(
          replyTo, InvocationResponse.error(call.id(), "too many large bodies at once; try again"));
    }
  }

  private void fail(Invocation call, @Nullable String replyTo, BodyStoreException.Kind kind) {
    Counter.FAILED_LARGE_BODIES.increment();
    logFirst("large_body_failed", kind.name(), kind.text());
    respond(replyTo, InvocationResponse.error(call.id(), kind.text()));
  }

  /**
   * Waits for calls in work, so many nanoseconds at most; those that wait for the object store, or
   * for other long answers, are then answered with an error.
   *
   * @return whether all that need no store were answered
   */
  boolean stop(long nanosMax) {
    long end = System.nanoTime() + nanosMax;
    boolean all = inOrder.stop(nanosMax);
    longAnswers.stop(end - System.nanoTime());
    large.stop(end - System.nanoTime());
    return all;
  }

  private void refuse(Invocation call, @Nullable Refusal refusal, @Nullable String replyTo) {
    Counter.REFUSED_INVOCATIONS.increment();
    String text = refusal == null ? "unlinked actor" : refusal.text();
    logFirst("refused_invocation", text, text);
    respond(replyTo, InvocationResponse.error(call.id(), text));
  }

  private static InvocationResponse response(
      String id, Operation operation, Reply reply, LinkedCaches.Route route) {
    try {
      return switch (KeyValueCodec.encode(operation, reply, route.keys().mutationReplies())) {
        case KeyValueCodec.Answer.Result(Bytes bytes) -> InvocationResponse.ok(id, bytes);
        case KeyValueCodec.Answer.Failure(String error) -> InvocationResponse.error(id, error);
      };
    } catch (IllegalStateException e) {
      LOG.error(
          "event=reply_of_another_operation operation={}",
          operation,
          e); // an answer must not throw
      return InvocationResponse.error(id, "internal error");
    }
  }

  private void respond(@Nullable String replyTo, InvocationResponse response) {
    if (replyTo == null) {
      return;
    }
    byte[] payload = response.encode();
    long payloadBytesMax = replies.payloadBytesMax();
    if (payload.length > payloadBytesMax) {
      payload = InvocationResponse.tooLarge(response.invocationId(), payloadBytesMax).encode();
    }
    replies.publish(replyTo, payload);
  }

  /** Says that a kind of trouble began; the counters say how it goes on. */
  private void logFirst(String event, String kind, String detail) {
    if (logged.size() < LOGGED_MAX && logged.add(event + kind)) {
      LOG.warn("event={} link={} detail=\"{}\"", event, linkName, detail);
    }
  }
}
