package org.natskvcache.nats;

import io.nats.client.Connection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The features that one connection can do without: where the server refuses the subject of one,
 * that feature is switched off and the rest goes on. Nothing is sent for it until a new connection
 * is made. Any thread may use it.
 */
final class OptionalSubjects {
  /**
   * A feature that has a subject of its own.
   *
   * @param loss what does not work without it, a clause for the operator
   * @param subject its subject, or with {@code .>} at its end all below
   */
  record Feature(String loss, String subject) {
    private boolean uses(String used) {
      boolean below = subject.endsWith(".>");
      return below
          ? used.startsWith(subject.substring(0, subject.length() - 1))
          : used.equals(subject);
    }
  }

  private final List<Feature> features;
  private final Map<Feature, Refusal> refused = new ConcurrentHashMap<>();

  /** All features are on. */
  OptionalSubjects(List<Feature> features) {
    this.features = List.copyOf(features);
  }

  /** Whether a server's complaint is about the subject of a feature. */
  boolean concern(String complaint) {
    return feature(Refusal.of(complaint).subject()) != null;
  }

  /**
   * The server refuses something.
   *
   * @return whether a feature that was on is off now
   */
  boolean refuse(String complaint) {
    Refusal refusal = Refusal.of(complaint);
    Feature feature = feature(refusal.subject());
    return feature != null && refused.putIfAbsent(feature, refusal) == null;
  }

  private @Nullable Feature feature(@Nullable String subject) {
    if (subject == null) return null;
    for (Feature feature : features) if (feature.uses(subject)) return feature;
    return null;
  }

  /** Whether this is the subject of a feature that is off. */
  boolean isOff(String subject) {
    if (refused.isEmpty()) return false; // as almost always
    Feature feature = feature(subject);
    return feature != null && refused.containsKey(feature);
  }

  /** What does not work and why, a clause for each feature that is off. */
  List<String> losses() {
    return features.stream().filter(refused::containsKey).map(this::loss).toList();
  }

  private String loss(Feature feature) {
    Refusal refusal = refused.get(feature);
    String way = refusal != null && refusal.publish() ? "publish on " : "subscribe to ";
    return feature.loss + ": the server does not let us " + way + feature.subject;
  }

  /** Whether the server still refuses all that it refused. Takes 2 s for each at most. */
  boolean remain(Connection connection) {
    return refused.values().stream().allMatch(refusal -> refusal.remains(connection));
  }

  /** The connection is another, or lost: the server will say anew. */
  void clear() {
    refused.clear();
  }
}
