package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Subscription;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.natskvcache.provider.HealthProblems;

/** Subscriptions that the server refuses on one connection, told to health while it does. */
final class RefusedSubscriptions {
  private static final String KEY = "nats ";

  private static final Duration ANSWER_MAX = Duration.ofSeconds(2);

  private static final Pattern SUBJECT =
      Pattern.compile("Subscription to \"([^\"]+)\"(?: using queue \"([^\"]+)\")?");

  private final String connectionName;
  private final HealthProblems problems;
  private final Set<String> complaints = ConcurrentHashMap.newKeySet();

  /**
   * Nothing is refused yet.
   *
   * @param connectionName for health's message
   */
  RefusedSubscriptions(String connectionName, HealthProblems problems) {
    this.connectionName = connectionName;
    this.problems = problems;
  }

  /**
   * The server refuses one.
   *
   * @param complaint the server's words
   * @param listener names who subscribes to a subject, for health's message
   */
  void add(String complaint, UnaryOperator<String> listener) {
    complaints.add(complaint);
    Matcher matcher = SUBJECT.matcher(complaint);
    problems.set(
        KEY + complaint,
        matcher.find()
            ? listener.apply(matcher.group(1)) + " was refused subject " + matcher.group(1)
            : connectionName + ": " + complaint);
  }

  /** The subscriptions are gone; the server will say of new ones. */
  void clear() {
    complaints.forEach(complaint -> problems.clear(KEY + complaint));
    complaints.clear();
  }

  /**
   * Subscribes once more, for a moment, to see whether the server still refuses one. Takes 2 s at
   * most.
   */
  boolean remain(Connection connection) {
    for (String complaint : complaints) {
      if (isRefused(connection, complaint)) return true;
    }
    return false;
  }

  private static boolean isRefused(Connection connection, String complaint) {
    try {
      connection.clearLastError();
      Subscription probe = subscribe(connection, complaint);
      connection.flush(ANSWER_MAX); // the client notes an error before it hears the answer
      boolean refused = complaint.equals(connection.getLastError());
      probe.unsubscribe();
      return refused;
    } catch (TimeoutException | IllegalStateException e) {
      return true; // the connection is lost: whatever follows clears this
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private static Subscription subscribe(Connection connection, String complaint) {
    Matcher matcher = SUBJECT.matcher(complaint);
    if (!matcher.find()) return connection.subscribe(connection.createInbox());
    String queue = matcher.group(2);
    return queue == null
        ? connection.subscribe(matcher.group(1))
        : connection.subscribe(matcher.group(1), queue);
  }
}
