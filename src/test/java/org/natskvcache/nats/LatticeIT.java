package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.natskvcache.Waiting.until;

import io.nats.client.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.provider.HealthProblems;
import org.natskvcache.provider.Lifecycle;

class LatticeIT {
  private final HealthProblems problems = new HealthProblems();

  /** A door that listens to three subjects and takes no calls. */
  private record ThreeSubjects(Connection connection) implements Door {
    @Override
    public String protocol() {
      return "test";
    }

    @Override
    public boolean hears(String subject) {
      return true;
    }

    @Override
    public void listen() {}

    @Override
    public void up() {}

    @Override
    public void down() {}

    @Override
    public void start(boolean first) {
      var dispatcher = connection.createDispatcher(message -> {});
      for (String subject : List.of("a", "b", "c")) dispatcher.subscribe(subject);
    }

    @Override
    public CompletableFuture<Void> stopped() {
      return new CompletableFuture<>();
    }

    @Override
    public void stopCalls(Duration patience) {}

    @Override
    public void close() {}
  }

  /** The server does not say which; it is asked again whether there is room. */
  @Test
  void tooManySubscriptionsAreAProblemWhileTheyAre() {
    try (var nats = NatsForTests.start("max_subscriptions: 2\n", Map.of());
        var _ =
            new Lattice(
                ConnectionSettings.of(nats.url()),
                true,
                List.of(ThreeSubjects::new),
                new Lifecycle(),
                problems)) {
      until("told", () -> !problems.all().isEmpty());
      assertEquals(
          "lattice connection: maximum subscriptions exceeded",
          problems.all().values().iterator().next());
      nats.replaceFile(
          "nats.conf", "max_subscriptions: 9\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
      nats.restart();
      until("cleared", () -> problems.all().isEmpty());
    }
  }
}
