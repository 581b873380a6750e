package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Subscription;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a server refuses one connection.
 *
 * @param complaint the server's words (nats-server 2.9 to 2.12)
 * @param subject what may not be used; null where the server does not say
 * @param publish whether it may not be published on; else it may not be subscribed to
 * @param queue the queue group of the subscription; null for none
 */
record Refusal(
    String complaint, @Nullable String subject, boolean publish, @Nullable String queue) {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(2);

  private static final Pattern WORDS =
      Pattern.compile("(Publish|Subscription) to \"([^\"]+)\"(?: using queue \"([^\"]+)\")?");

  static Refusal of(String complaint) {
    Matcher matcher = WORDS.matcher(complaint);
    if (!matcher.find()) return new Refusal(complaint, null, false, null);
    boolean publish = matcher.group(1).equals("Publish");
    return new Refusal(complaint, matcher.group(2), publish, matcher.group(3));
  }

  /**
   * Tries it once more, for a moment: publishes an empty message, or subscribes. Takes 2 s at most.
   *
   * @return whether the server still refuses it
   */
  boolean remains(Connection connection) {
    try {
      connection.clearLastError();
      Subscription probe = attempt(connection);
      connection.flush(ANSWER_MAX); // the client notes an error before it hears the answer
      boolean refused = complaint.equals(connection.getLastError());
      if (probe != null) probe.unsubscribe();
      return refused;
    } catch (TimeoutException | IllegalStateException e) {
      return true; // the connection is lost: whatever follows clears this
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private @Nullable Subscription attempt(Connection connection) {
    if (subject == null) return connection.subscribe(connection.createInbox());
    if (!publish) {
      return queue == null ? connection.subscribe(subject) : connection.subscribe(subject, queue);
    }
    connection.publish(subject, new byte[0]);
    return null;
  }
}
