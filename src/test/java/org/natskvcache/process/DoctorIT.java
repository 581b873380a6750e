package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.ProviderProcess;
import org.natskvcache.Waiting;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/** {@code nats-kvcache doctor} on real instances. */
class DoctorIT {
  private static final String A = "A".repeat(43);
  private static final String B = "B".repeat(42) + "A";

  private final ProviderFixture fixture = new ProviderFixture();
  private final HeartbeatListener heartbeats = fixture.openHeartbeats();

  @AfterEach
  void close() {
    fixture.close();
  }

  private ProviderProcess doctor(String... more) {
    return doctor(Map.of(), more);
  }

  private ProviderProcess doctor(Map<String, String> environment, String... more) {
    String[] args = {"doctor", "--nats-url", fixture.nats.url()};
    return fixture.open(
        ProviderProcess.start(
            environment, "", Stream.of(args, more).flatMap(Stream::of).toArray(String[]::new)));
  }

  private static String text(ProviderProcess doctor) {
    return String.join("\n", doctor.output()) + doctor.log();
  }

  @Test
  void healthyInstancesAgreeAndDoNotTakeItForOne() {
    Provider[] trio = fixture.startGroup(3);
    for (int i = 0; i < 100; i++) trio[i % 3].calls.set("key " + i, "value");
    heartbeats.awaitAgreement(3);
    var doctor = doctor("--wait", "1");
    assertEquals(0, doctor.awaitExit(), () -> text(doctor));
    assertEquals("verdict: all 3 instances agree", doctor.output().getLast());
    assertEquals(List.of(), doctor.log());
    for (OriginId origin : heartbeats.origins()) {
      assertTrue(text(doctor).contains(origin + "  live"), text(doctor));
    }
    for (Provider provider : trio) provider.awaitPeers(2);
    assertEquals(3, heartbeats.origins().size());
  }

  @Test
  void theKeyThatDiffersIsNamedByDoctorAndLocatedByTheInstances() throws Exception {
    Provider[] trio = {keyed(A + "," + B), keyed(A + "," + B), null};
    trio[0].awaitPeers(1);
    trio[2] = keyed(A); // the last one by name, too
    for (Provider provider : trio) provider.awaitPeers(2);
    for (int i = 0; i < 100; i++) trio[0].calls.set("key " + i, "value");
    heartbeats.awaitAgreement(3);
    // two histories under one name: the first is for those with the second key, to whom the other
    // one is no news then
    OriginId liar = OriginId.of(System.currentTimeMillis(), 1, 1);
    fixture.host.publish(CacheSettings.DEFAULT_STATE_SUBJECT, put(B, liar, "key\t7", "value"));
    fixture.host.publish(CacheSettings.DEFAULT_STATE_SUBJECT, put(A, liar, "key\t7", "other"));
    for (Provider provider : trio) {
      String line = provider.process.awaitLog("divergence link=default");
      assertTrue(line.contains("keys=1 key-hashes="), line);
      assertFalse(line.contains("key\\t7") || line.contains("value"), line);
      provider.awaitHealth(false, "key-hashes=");
    }
    var doctor = doctor(Map.of("REPLICATION_KEY", A), "--wait", "1");
    assertEquals(1, doctor.awaitExit(), () -> text(doctor));
    assertTrue(text(doctor).contains("key \"key\\t7\"  [1 2] "), text(doctor));
    assertTrue(doctor.output().getLast().startsWith("verdict: DIVERGED"), text(doctor));
    var json = doctor(Map.of("REPLICATION_KEY", A), "--wait", "0.5", "--json");
    assertEquals(1, json.awaitExit(), () -> text(json));
    assertEquals(1, json.output().size());
    assertTrue(json.output().getFirst().contains("\"keyHex\":\"6b65790937\""), text(json));
  }

  /** Three that have heard of each other, each of which has written. */
  private Provider[] trioThatHasWritten(Map<String, String> thirdLink) {
    var slow = ProviderFixture.with(thirdLink, "REPLAY_HEARTBEAT_SECS", "60");
    var here = ProviderFixture.with(slow, "NATS_URL", fixture.nats.url());
    Provider[] trio = {fixture.launch(here), fixture.launch(here), fixture.launch(slow)};
    for (int i = 0; i < 3; i++) {
      trio[i].awaitPeers(2);
      trio[i].calls.set("key " + i, "value");
    }
    for (Provider provider : trio) {
      Waiting.until(
          "all keys at each",
          () -> IntStream.range(0, 3).allMatch(i -> provider.calls.contains("key " + i)));
    }
    return trio;
  }

  @Test
  void anInstanceThatStandsStillIsMissedAndOneThatLeftIsNot() {
    Provider[] trio = trioThatHasWritten(ProviderFixture.replicated(fixture.nats.url()));
    var healthy = doctor("--wait", "1", "--expect", "3");
    assertEquals(0, healthy.awaitExit(), () -> text(healthy));
    assertEquals("verdict: all 3 instances agree", healthy.output().getLast());
    trio[2].process.pause();
    var missed = doctor("--wait", "1");
    assertEquals(1, missed.awaitExit(), () -> text(missed));
    assertTrue(text(missed).contains(", which counts as alive at [1 2]"), text(missed));
    assertEquals(
        "verdict: no answer from 1 that count as alive; those that answered do not differ",
        missed.output().getLast());
    trio[2].process.resume();
    trio[2].shutDown();
    assertEquals(0, trio[2].process.awaitExit());
    var left = doctor("--wait", "1");
    assertEquals(0, left.awaitExit(), () -> text(left));
    assertEquals("verdict: all 2 instances agree", left.output().getLast());
    var tooFew = doctor("--wait", "1", "--expect", "3", "--json");
    assertEquals(1, tooFew.awaitExit(), () -> text(tooFew));
    assertTrue(text(tooFew).contains("\"verdict\":\"missing\",\"expected\":3,\"answered\":2"));
  }

  @Test
  void anInstanceThatIsCutOffIsMissed() {
    var proxy = fixture.openProxy();
    trioThatHasWritten(ProviderFixture.replicated(proxy.url()));
    proxy.cut();
    var doctor = doctor("--wait", "1", "--expect", "3");
    assertEquals(1, doctor.awaitExit(), () -> text(doctor));
    assertTrue(text(doctor).contains("\nno answer from "), text(doctor));
    assertEquals(
        "verdict: expected 3 instances, 2 answered; no answer from 1 that count as alive;"
            + " those that answered do not differ",
        doctor.output().getLast());
  }

  private Provider keyed(String keys) {
    var link = ProviderFixture.replicated(fixture.nats.url());
    return fixture.launch(ProviderFixture.with(link, "REPLICATION_KEY", keys));
  }

  private static byte[] put(String keys, OriginId author, String key, String value) {
    Origins origins = new Origins();
    Op op = new Op.Put(Key.of(key), Bytes.utf8(value), 0, Observed.NOTHING);
    long dot = Dot.of(origins.slot(author), 1);
    var mutation = new Mutation(dot, 1, new int[0], new long[0], null, 0, op);
    FrameCodec codec = new FrameCodec(origins, FrameKeys.replication(keys), FrameKeys.Use.WRITE);
    return codec.encode(new Frame.Mutations(author, List.of(mutation)), Channel.MUTATIONS, null);
  }

  @Test
  void itIsOfUseUnderLoad() throws Exception {
    Provider[] pair = fixture.startGroup(2);
    AtomicBoolean stop = new AtomicBoolean();
    Thread load =
        Thread.ofPlatform()
            .start(() -> {
              for (int i = 0; !stop.get(); i++) pair[i % 2].calls.set("key " + i % 200, "v" + i);
            });
    var doctor = doctor("--wait", "3");
    int code = doctor.awaitExit();
    stop.set(true);
    load.join();
    assertTrue(text(doctor).contains("live, moving"), text(doctor));
    assertFalse(text(doctor).contains("DIVERGED"), text(doctor));
    String verdict = doctor.output().getLast();
    assertEquals(verdict.contains("agree") ? 0 : 1, code, () -> text(doctor));
    assertTrue(verdict.contains("agree") || verdict.contains("moving"), text(doctor));
  }

  @Test
  void nobodyAndNoServerAndNoSense() {
    var nobody = doctor("--wait", "0.3");
    assertEquals(1, nobody.awaitExit(), () -> text(nobody));
    assertEquals(
        "verdict: no instance answered; if the cache has a REPLICATION_KEY, give its INSPECTION_KEY",
        nobody.output().getLast());
    var wrong = doctor("--wait", "soon");
    assertEquals(2, wrong.awaitExit(), () -> text(wrong));
    fixture.nats.kill();
    var unreached = doctor();
    assertEquals(1, unreached.awaitExit(), () -> text(unreached));
    assertTrue(text(unreached).contains("no NATS server was reached"), text(unreached));
  }
}
