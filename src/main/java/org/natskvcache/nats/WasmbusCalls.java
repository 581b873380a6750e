package org.natskvcache.nats;

import io.nats.client.Message;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.InvocationResponse;
import org.natskvcache.rpc.wasmbus.KeyValueCodec;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.Operation;
import org.natskvcache.rpc.wasmbus.Refusal;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Reply;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One invocation after the other: decode, check, call the cache, answer, all on the thread that
 * delivers the message. A hand-off to another thread would cost a fifth of the throughput. Whatever
 * arrives is answered, if it names a reply subject, since a caller that hears nothing waits for two
 * seconds.
 */
final class WasmbusCalls {
  private static final Logger LOG = LoggerFactory.getLogger(WasmbusCalls.class);

  /** Different troubles that are worth a line each. */
  private static final int LOGGED_MAX = 32;

  private final String linkName;
  private final InvocationChecks checks;
  private final LinkedCaches links;
  private final LongSupplier epochSeconds;
  private final ReplyPublisher replies;
  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  WasmbusCalls(
      String linkName,
      InvocationChecks checks,
      LinkedCaches links,
      LongSupplier epochSeconds,
      ReplyPublisher replies) {
    this.linkName = linkName;
    this.checks = checks;
    this.links = links;
    this.epochSeconds = epochSeconds;
    this.replies = replies;
  }

  void accept(Message message) {
    byte[] payload = message.getData();
    Invocation call;
    try {
      call = Invocation.decode(payload);
    } catch (MessagePackException e) {
      Counter.MALFORMED_INVOCATIONS.increment();
      logFirst("malformed_invocation", "", payload.length + " bytes");
      respond(message.getReplyTo(), InvocationResponse.error("", "deser error: " + e.getMessage()));
      return;
    }
    try {
      answer(call, message.getReplyTo());
    } catch (RuntimeException e) {
      LOG.error("event=call_failed operation_bytes={}", call.operation().length(), e);
      respond(message.getReplyTo(), InvocationResponse.error(call.id(), "internal error"));
    }
  }

  private void answer(Invocation call, @Nullable String replyTo) {
    LinkedCaches.Route route = links.route(LinkId.caller(call.origin().publicKey(), linkName));
    Refusal refusal = checks.refusal(call, epochSeconds.getAsLong(), route != null);
    if (refusal != null || route == null) {
      refuse(call, refusal, replyTo);
      return;
    }
    switch (KeyValueCodec.decode(call.operation(), call.msg())) {
      case KeyValueCodec.Request.Refused(String error) -> {
        Counter.BAD_REQUESTS.increment();
        respond(replyTo, InvocationResponse.error(call.id(), error));
      }
      case KeyValueCodec.Request.Call(Operation operation, var command) ->
          route
              .replica()
              .call(
                  command, reply -> respond(replyTo, response(call.id(), operation, reply, route)));
    }
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
