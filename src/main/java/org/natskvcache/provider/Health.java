package org.natskvcache.provider;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.rpc.Texts;

/**
 * How we are, for the host and for a person.
 *
 * @param healthy false exactly when there is a {@linkplain HealthProblems problem}, or a cache has
 *     one: its replication connection is down; it has been joining for more than {@link
 *     #JOINING_MILLIS_MAX}, or its clock keeps it from going live; a change could not be sent or
 *     does not arrive; it is outdated; its alarm is set. Calls are answered all the same, but by an
 *     outdated one
 * @param message one clause for each link name that matters, never empty
 */
public record Health(boolean healthy, String message) {
  /** Most clauses that the message lists; it tells how many more there are. */
  private static final int LISTED_MAX = 20;

  /** How long a cache may take to catch up before it counts as unhealthy. */
  public static final long JOINING_MILLIS_MAX = 5_000;

  /**
   * Judges all open caches, by link name, and what is wrong beside them. Whoever can ask us reached
   * us, so the lattice connection is up.
   */
  public static Health of(SortedMap<String, ReplicaStatus> statuses, HealthProblems problems) {
    var troubles = new ArrayList<String>(problems.all().values());
    var facts = new ArrayList<String>();
    for (Map.Entry<String, ReplicaStatus> entry : statuses.entrySet()) {
      String trouble = trouble(entry.getValue());
      (trouble.isEmpty() ? facts : troubles)
          .add(
              "link "
                  + Texts.shortened(entry.getKey())
                  + ": "
                  + (trouble.isEmpty() ? facts(entry.getValue()) : trouble));
    }
    if (!troubles.isEmpty()) {
      return new Health(false, listed(troubles));
    }
    return new Health(true, facts.isEmpty() ? "no links" : listed(facts));
  }

  /** A message of any number of links must fit into one of NATS. */
  private static String listed(List<String> clauses) {
    int more = clauses.size() - LISTED_MAX;
    String listed = String.join("; ", clauses.subList(0, Math.min(LISTED_MAX, clauses.size())));
    return more > 0 ? listed + "; and " + more + " more" : listed;
  }

  /** All that is wrong, the alarm first; empty for nothing. */
  private static String trouble(ReplicaStatus status) {
    List<String> troubles = new ArrayList<>();
    if (status.alarm() != null) troubles.add(status.alarm());
    String state = troubleOfState(status);
    if (!state.isEmpty()) troubles.add(state);
    troubles.addAll(status.problems());
    return String.join(", ", troubles);
  }

  private static String troubleOfState(ReplicaStatus status) {
    return switch (status.state()) {
      case STANDALONE, LEFT -> "";
      case OUTDATED -> "outdated: " + status.hindrance();
      case JOINING, LIVE -> {
        if (!status.connected()) {
          String down = "replication connection down";
          yield status.hindrance() == null ? down : down + ": " + status.hindrance();
        }
        if (status.hindrance() != null) yield "not joining: " + status.hindrance();
        boolean late =
            status.state() == ReplicaStatus.State.JOINING
                && status.stateMillis() > JOINING_MILLIS_MAX;
        yield late ? "still catching up after " + status.stateMillis() / 1000 + " s" : "";
      }
    };
  }

  private static String facts(ReplicaStatus status) {
    List<String> losses = status.losses();
    return fact(status) + (losses.isEmpty() ? "" : ", but " + String.join(", ", losses));
  }

  private static String fact(ReplicaStatus status) {
    return switch (status.state()) {
      case STANDALONE -> "standalone";
      case JOINING -> "catching up";
      case LIVE -> "live, peers=" + status.peers().size();
      case OUTDATED -> "outdated";
      case LEFT -> "not replicating";
    };
  }
}
