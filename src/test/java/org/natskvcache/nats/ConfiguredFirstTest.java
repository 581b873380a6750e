package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nats.client.Options;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ConfiguredFirstTest {
  private final ConfiguredFirst pool = new ConfiguredFirst();

  private static Options.Builder options(String... configured) {
    return Options.builder().servers(configured).noRandomize();
  }

  private List<Integer> ports(int count) {
    List<Integer> ports = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      var peeked = pool.peekNextServer();
      var next = Objects.requireNonNull(pool.nextServer());
      assertEquals(peeked, next);
      ports.add(next.getPort());
      pool.connectFailed(next);
    }
    return ports;
  }

  @Test
  void configuredServersAreTriedFirstAndBetweenTheOthers() throws Exception {
    pool.initialize(options("nats://a:1", "nats://a:2").build());
    assertEquals(List.of(1, 2, 1), ports(3));
    assertTrue(pool.acceptDiscoveredUrls(List.of("d:11", "d:12", "d:13", "a:2")));
    assertEquals(11, ports(1).getFirst());
    assertEquals(List.of(2, 1, 12, 2, 1, 13, 2, 1, 11), ports(9));
    var connected = Objects.requireNonNull(pool.nextServer());
    pool.connectSucceeded(connected);
    assertEquals(2, connected.getPort());
    assertEquals(List.of(1, 2, 12), ports(3));
  }

  @Test
  void othersAreIgnoredWhenToldSo() {
    pool.initialize(options("nats://a:1").ignoreDiscoveredServers().build());
    assertFalse(pool.acceptDiscoveredUrls(List.of("d:11")));
    assertEquals(List.of(1, 1, 1), ports(3));
  }
}
