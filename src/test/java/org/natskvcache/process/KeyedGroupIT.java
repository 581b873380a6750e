package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.ProviderProcess;

/** Real instances with a replication key, and {@code doctor} with and without what it takes. */
class KeyedGroupIT {
  private static final String KEY =
      Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[32]);

  private final ProviderFixture fixture = new ProviderFixture();
  private final HeartbeatListener heartbeats = fixture.openHeartbeats();

  @AfterEach
  void close() {
    fixture.close();
  }

  private Provider launch(String key) {
    var link = ProviderFixture.replicated(fixture.nats.url());
    return fixture.launch(ProviderFixture.with(link, "REPLICATION_KEY", key));
  }

  private ProviderProcess run(Map<String, String> environment, String... args) {
    return fixture.open(ProviderProcess.start(environment, "", args));
  }

  private String verdict(Map<String, String> environment, int exit) {
    String[] args = {"doctor", "--nats-url", fixture.nats.url(), "--wait", "1"};
    ProviderProcess doctor = run(environment, args);
    assertEquals(exit, doctor.awaitExit(), () -> doctor.output() + "" + doctor.log());
    return doctor.output().getLast();
  }

  @Test
  void doctorLooksWithTheInspectionKeyAndSaysSoWithoutIt() {
    Provider[] pair = {launch(KEY), launch(KEY)};
    for (Provider each : pair) each.awaitPeers(1);
    pair[0].calls.set("k", "v");
    heartbeats.awaitAgreement(2);
    ProviderProcess inspect = run(Map.of("REPLICATION_KEY", KEY), "key", "inspect");
    assertEquals(0, inspect.awaitExit());
    String inspection = inspect.output().getLast();
    String agree = "verdict: all 2 instances agree";
    assertEquals(agree, verdict(Map.of("INSPECTION_KEY", inspection), 0));
    assertEquals(agree, verdict(Map.of("REPLICATION_KEY", KEY), 0));
    String without = verdict(Map.of(), 1);
    assertTrue(without.contains("INSPECTION_KEY"), without);
    for (Provider each : pair) each.awaitHealth(true, "live");
  }

  @Test
  void instancesWithAnotherKeyAreApartAndSaySo() {
    byte[] other = new byte[32];
    other[0] = 1;
    Provider one = launch(KEY);
    one.awaitHealth(true, "live");
    one.calls.set("k", "v");
    Provider two = launch(Base64.getUrlEncoder().withoutPadding().encodeToString(other));
    for (Provider each : new Provider[] {one, two}) {
      each.awaitHealth(false, "others use another REPLICATION_KEY");
    }
    two.process.terminate();
    assertEquals(0, two.process.awaitExit());
    one.awaitHealth(true, "live");
    assertEquals("v", one.calls.get("k").orElseThrow());
  }

  @Test
  void scriptWithoutTheKeyIsNotRunBesideTheGroup() {
    Provider one = launch(KEY);
    one.awaitHealth(true, "live");
    one.calls.set("k", "v");
    String[] shell = {"shell", "--nats-url", fixture.nats.url()};
    ProviderProcess without = fixture.open(ProviderProcess.start(Map.of(), "GET k\n", shell));
    assertEquals(1, without.awaitExit());
    String said = without.output() + "" + without.log();
    assertTrue(said.contains("others use another REPLICATION_KEY"), said);
    ProviderProcess with =
        fixture.open(ProviderProcess.start(Map.of("REPLICATION_KEY", KEY), "GET k\n", shell));
    assertEquals(0, with.awaitExit(), () -> with.output() + "" + with.log());
    assertTrue(with.output().contains("\"v\""), () -> with.output().toString());
  }
}
