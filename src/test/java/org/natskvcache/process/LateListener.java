package org.natskvcache.process;

import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.impl.Headers;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Calls as hosts 1.4 to 1.9 do, which may begin to listen after the first messages of an answer
 * have come: one call in 16 drops as many as it draws. A host notes the subject of the result
 * before that of the handshake, answers the handshake at once, and takes the result when it has the
 * handshake; an end before the result is a failed call.
 *
 * <p>Source: wrpc-transport-nats 0.29, {@code Client::new} and {@code invoke}.
 */
final class LateListener implements AutoCloseable {
  private static final String RESULTS = ".results";
  private static final byte[] NOTHING = {};

  /** A call; all but its outcome is of the dispatcher's thread. */
  private static final class Call {
    final CompletableFuture<Boolean> answered = new CompletableFuture<>();
    final int resultsFrom;
    final int handshakeFrom;
    int came;
    boolean handshake;

    /** What was heard first of the results: 0 nothing, 1 the result, 2 its end. */
    int first;

    Call(int resultsFrom, int handshakeFrom) {
      this.resultsFrom = resultsFrom;
      this.handshakeFrom = handshakeFrom;
    }
  }

  private final Connection host;
  private final String subject;
  private final Headers headers;
  private final String inbox;
  private final SplittableRandom random;
  private final Dispatcher dispatcher;
  private final Map<String, Call> calls = new ConcurrentHashMap<>();
  private int count;

  LateListener(Connection host, String subject, Headers headers, long seed) {
    this.host = host;
    this.subject = subject;
    this.headers = headers;
    random = new SplittableRandom(seed);
    inbox = host.createInbox() + ".";
    dispatcher = host.createDispatcher(this::received);
    dispatcher.subscribe(inbox + ">");
  }

  /** A call whose params come in one message; completes with whether the host has the result. */
  synchronized CompletableFuture<Boolean> call(byte[] params) {
    int handshakeFrom = random.nextInt(16) == 0 ? 1 + random.nextInt(3) : 0;
    var call = new Call(random.nextInt(handshakeFrom + 1), handshakeFrom);
    String replyTo = inbox + count++;
    calls.put(replyTo, call);
    host.publish(subject, replyTo, headers, params);
    return call.answered;
  }

  private void received(Message message) {
    String on = message.getSubject();
    boolean ofResults = on.endsWith(RESULTS);
    String replyTo = ofResults ? on.substring(0, on.length() - RESULTS.length()) : on;
    Call call = calls.get(replyTo);
    if (call == null) return; // it is over
    int number = call.came++;
    if (number < (ofResults ? call.resultsFrom : call.handshakeFrom)) return;
    if (!ofResults) {
      call.handshake = true;
      host.publish(message.getReplyTo() + ".params", NOTHING);
    } else if (call.first == 0) {
      call.first = message.getData().length > 0 ? 1 : 2;
    }
    if (call.handshake && call.first > 0) {
      calls.remove(replyTo);
      call.answered.complete(call.first == 1);
    }
  }

  @Override
  public void close() {
    host.closeDispatcher(dispatcher);
  }
}
