package org.natskvcache.nats;

import io.nats.client.Connection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.natskvcache.provider.HealthProblems;

/** Subscriptions that the server refuses on one connection, told to health while it does. */
final class RefusedSubscriptions {
  private static final String KEY = "nats ";

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
    String subject = Refusal.of(complaint).subject();
    problems.set(
        KEY + complaint,
        subject == null
            ? connectionName + ": " + complaint
            : listener.apply(subject) + " was refused subject " + subject);
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
      if (Refusal.of(complaint).remains(connection)) return true;
    }
    return false;
  }
}
