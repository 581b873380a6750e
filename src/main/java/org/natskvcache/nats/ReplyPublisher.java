package org.natskvcache.nats;

import io.nats.client.Connection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.AnswerSubjects;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.Texts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Publishes answers and never throws; a caller whose answer is lost times out. For any thread. */
final class ReplyPublisher {
  private static final Logger LOG = LoggerFactory.getLogger(ReplyPublisher.class);

  /** Subjects in the log. */
  private static final int LOGGED_MAX = 16;

  /** What the client puts behind the part that all inboxes of a connection share, characters. */
  private static final int INBOX_NUMBER_LENGTH = 10;

  private final Connection connection;
  private final AnswerSubjects subjects;
  private final AtomicBoolean failing = new AtomicBoolean();
  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  ReplyPublisher(Connection connection, String lattice, LinkedCaches links) {
    this.connection = connection;
    String inbox = connection.createInbox();
    String shared = inbox.substring(0, inbox.length() - INBOX_NUMBER_LENGTH);
    subjects = new AnswerSubjects(lattice, shared, links::isReplicationSubject);
  }

  /** Whether an answer may go there; counts where it may not. */
  boolean allows(String replyTo) {
    if (subjects.allows(replyTo)) return true;
    Counter.REFUSED_REPLY_SUBJECTS.increment();
    String shown = Texts.shortened(replyTo);
    if (logged.size() < LOGGED_MAX && logged.add(shown)) {
      LOG.warn("event=reply_subject_refused subject={}; more of these are only counted", shown);
    }
    return false;
  }

  /**
   * Hands an answer to the client, if it may go where the caller wants it; the array is given away.
   *
   * @param replyTo null when the caller wants no answer
   */
  void publish(@Nullable String replyTo, byte[] payload) {
    if (replyTo == null || !allows(replyTo)) {
      return;
    }
    try {
      connection.publish(replyTo, payload);
      failing.set(false);
    } catch (IllegalStateException | IllegalArgumentException e) {
      // the client's queue is full, the connection closed, or the reply subject is one only a
      // server accepts
      Counter.UNSENT_MESSAGES.increment();
      if (failing.compareAndSet(false, true)) {
        LOG.warn(
            "event=answers_unsent bytes={} cause={}", payload.length, e.getClass().getSimpleName());
      }
    }
  }

  /** Largest payload the server takes, bytes. */
  long payloadBytesMax() {
    long max = connection.getMaxPayload();
    return max > 0 ? max : Long.MAX_VALUE;
  }
}
