package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wasmbus.SigningCaller;

/** A process at the limit of what it may hold. */
class LimitsIT {
  private static final String VALUE = "v".repeat(20_000);
  private static final int COUNT_MAX = 5_000;

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private static SigningCaller.Response set(Provider provider, String key) {
    return provider.calls.request("Set", struct("key", key, "value", VALUE, "expires", 0L));
  }

  /** Writes new keys until one is refused; how many were taken. */
  private static int fill(Provider provider) {
    for (int i = 0; i < COUNT_MAX; i++) {
      String error = set(provider, "k" + i).error();
      if (error.isEmpty()) continue;
      assertTrue(error.contains("full: used memory > MAX_MEMORY"), error);
      return i;
    }
    throw new AssertionError("never full");
  }

  @Test
  void aFullCacheRefusesWhatGrowsAndTakesTheRest() {
    Provider provider = fixture.start(Map.of("MAX_MEMORY", "1m"));
    int taken = fill(provider);
    assertEquals((1 << 20) * 95 / 100 / 20_150, taken, 1);
    assertEquals(Optional.of(VALUE), provider.calls.get("k0"));
    provider.calls.set("k0", VALUE);
    assertTrue(provider.calls.delete("k1"));
    provider.calls.set("other", VALUE);
    assertTrue(set(provider, "another").error().contains("full"));
    provider.awaitHealth(true, "");
    provider.awaitLogLines(1, "full link=default used_bytes=");
  }

  @Test
  void withEvictionEveryWriteIsTakenAndInstancesAgree() {
    Map<String, String> values = ProviderFixture.replicated(fixture.nats.url());
    values = ProviderFixture.with(values, "MAX_MEMORY", "2m");
    values = ProviderFixture.with(values, "EVICTION", "lru");
    Provider a = fixture.launch(values);
    Provider b = fixture.launch(values);
    a.awaitPeers(1);
    b.awaitPeers(1);
    a.calls.set("hot", VALUE);
    for (int i = 0; i < 300; i++) {
      Provider provider = i % 2 == 0 ? a : b;
      provider.calls.set("k" + i, VALUE);
      assertEquals(Optional.of(VALUE), a.calls.get("hot"), "after " + i);
      if (i % 10 == 0) b.calls.get("hot");
    }
    fixture.openHeartbeats().awaitAgreement(2);
    int left = 0;
    for (int i = 0; i < 300; i++) if (a.calls.contains("k" + i)) left++;
    assertEquals((2 << 20) * 95 / 100 / 20_150, left, 10);
    a.awaitLogLines(1, "evicting link=default");
  }

  /** Neither the content nor the log of what was overwritten outgrows a small heap. */
  @Test
  void withASmallHeapTheDefaultIsSafe() {
    HostDataLine data =
        fixture.hostData().withLink(Provider.ACTOR, ProviderFixture.replicated(fixture.nats.url()));
    var process = ProviderProcess.start(Map.of("PROVIDER_JAVA_OPTS", "-Xmx64m"), data.line());
    Provider provider = fixture.open(new Provider(fixture.host, data, process));
    provider.awaitPeers(0);
    int taken = fill(provider);
    assertEquals((16 << 20) * 95 / 100 / 20_150, taken, 60);
    for (int i = 0; i < COUNT_MAX; i++) provider.calls.set("k" + i % taken, VALUE);
    assertTrue(set(provider, "other").error().contains("full"));
    provider.awaitPeers(0);
  }
}
