package org.natskvcache.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.LogLines;
import org.natskvcache.NatsForTests;
import org.natskvcache.TcpProxy;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.metrics.Counter;
import org.natskvcache.replication.wire.Channel;

class ReplicationTransportIT {
  private static final ReplicationSubjects SUBJECTS =
      new ReplicationSubjects("t.events", "t.replay");
  private static final OriginId ORIGIN_A = new OriginId(1, 1);
  private static final OriginId ORIGIN_B = new OriginId(2, 2);

  private static final Predicate<String> REFUSED = news -> news.startsWith("refused: ");

  private static final AtomicInteger PROBES = new AtomicInteger();

  private final NatsForTests nats = NatsForTests.start();
  private final List<AutoCloseable> open = new ArrayList<>(List.of(nats));

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
  }

  @Test
  void liveChannelsReachTheOthersInOrderAndNotOurselves() {
    var a = join(nats.url());
    var b = join(nats.url());
    List<String> sent = IntStream.range(0, 200).mapToObj(i -> "frame " + i).toList();
    for (int i = 0; i < sent.size(); i++) {
      a.publish(i % 10 == 9 ? Channel.HEARTBEATS : Channel.MUTATIONS, null, sent.get(i));
    }
    until("all frames", () -> b.replica.frames().size() == 200);
    assertEquals(sent, b.replica.frames());
    assertEquals(List.of(), a.replica.frames());
  }

  @Test
  void directFramesReachTheOneThatListensUnderThatName() {
    var a = join(nats.url());
    var b = join(nats.url());
    var c = join(nats.url());
    b.transport.listenAs(ORIGIN_A);
    c.transport.listenAs(ORIGIN_B);
    a.publishUntilHeard(Channel.DIRECT, ORIGIN_A, b);
    assertEquals(List.of(), c.replica.frames());
  }

  @Test
  void aFormerNameIsNotListenedOn() {
    var a = join(nats.url());
    var b = join(nats.url());
    b.transport.listenAs(ORIGIN_A);
    a.publishUntilHeard(Channel.DIRECT, ORIGIN_A, b);
    b.transport.listenAs(ORIGIN_B);
    a.publishUntilHeard(Channel.DIRECT, ORIGIN_B, b); // the change has reached the server
    a.publish(Channel.DIRECT, ORIGIN_A, "to the former name");
    a.publish(Channel.DIRECT, ORIGIN_B, "after it");
    until("the later frame", () -> b.replica.frames().contains("after it"));
    assertFalse(b.replica.frames().contains("to the former name"));
  }

  @Test
  void oneMemberOfTheQueueGroupAnswersAndNeverTheAsker() {
    var a = join(nats.url());
    var b = join(nats.url());
    var c = join(nats.url());
    var outsider = join(nats.url());
    for (Peer peer : List.of(a, b, c)) {
      peer.transport.answerReplays(true);
    }
    a.publishUntilHeard(Channel.REPLAY_ANY, null, b, c); // membership has reached the server
    for (int i = 0; i < 100; i++) {
      a.publish(Channel.REPLAY_ANY, null, "request");
    }
    until("each request at one member", () -> b.count("request") + c.count("request") == 100);
    assertEquals(List.of(), a.replica.frames());
    assertEquals(List.of(), outsider.replica.frames());
  }

  @Test
  void leavingTheQueueGroupEndsTheRequests() {
    var a = join(nats.url());
    var b = join(nats.url());
    b.transport.answerReplays(true);
    a.publishUntilHeard(Channel.REPLAY_ANY, null, b);
    b.transport.answerReplays(false);
    b.transport.listenAs(ORIGIN_B);
    a.publishUntilHeard(
        Channel.DIRECT, ORIGIN_B, b); // later on the same connection than the leaving
    a.publish(Channel.REPLAY_ANY, null, "request");
    a.publish(Channel.DIRECT, ORIGIN_B, "after it");
    until("the later frame", () -> b.replica.frames().contains("after it"));
    assertFalse(b.replica.frames().contains("request"));
  }

  @Test
  void requestsToAllReachAllOthers() {
    var a = join(nats.url());
    var b = join(nats.url());
    var c = join(nats.url());
    a.publish(Channel.REPLAY_ALL, null, "who has what?");
    until("b", () -> b.replica.frames().equals(List.of("who has what?")));
    until("c", () -> c.replica.frames().equals(List.of("who has what?")));
    assertEquals(List.of(), a.replica.frames());
  }

  @Test
  void serverTellsWhetherAnybodyHearsARequestToAll() {
    var a = join(nats.url());
    a.transport.listenAs(ORIGIN_A);
    a.publish(Channel.REPLAY_ALL, null, "anybody?");
    until("told", () -> a.replica.news().equals(List.of("connected", "nobody listens")));
    a.publish(Channel.REPLAY_ANY, null, "no question for the server");
    var b = join(nats.url());
    a.publish(Channel.REPLAY_ALL, null, "anybody now?");
    until("heard", () -> b.replica.frames().equals(List.of("anybody now?")));
    b.publish(Channel.DIRECT, ORIGIN_A, "later than any word of the server");
    until("answered", () -> a.replica.frames().size() == 1);
    assertEquals(List.of("connected", "nobody listens"), a.replica.news());
  }

  @Test
  void namesAndMembershipGivenBeforeTheStartHold() {
    var a = join(nats.url());
    var early = new Peer(nats.url());
    early.transport.listenAs(ORIGIN_A);
    early.transport.answerReplays(true);
    early.start();
    a.publish(Channel.DIRECT, ORIGIN_A, "direct");
    a.publish(Channel.REPLAY_ANY, null, "any");
    until("both", () -> early.replica.frames().equals(List.of("direct", "any")));
  }

  @Test
  void serverRestartIsToldAndEverythingListenedToAgain() {
    try (var log = LogLines.of(NatsConnector.class)) {
      var a = join(nats.url());
      var b = join(nats.url());
      b.transport.listenAs(ORIGIN_B);
      b.transport.answerReplays(true);
      nats.kill();
      until("a told", () -> a.replica.news().equals(List.of("connected", "disconnected")));
      until("b told", () -> b.replica.news().equals(List.of("connected", "disconnected")));
      long unsent = Counter.UNSENT_MESSAGES.value();
      until( // the connection that was lost first may not have been the one for mutations
          "counted",
          () -> {
            a.publish(Channel.MUTATIONS, null, "into the void");
            return Counter.UNSENT_MESSAGES.value() > unsent;
          });
      nats.restart();
      List<String> story = List.of("connected", "disconnected", "connected");
      until("a back", () -> a.replica.news().equals(story));
      until("b back", () -> b.replica.news().equals(story));
      a.publish(Channel.MUTATIONS, null, "mutation");
      until("live", () -> b.replica.frames().contains("mutation"));
      a.publish(Channel.DIRECT, ORIGIN_B, "direct");
      a.publish(Channel.REPLAY_ANY, null, "any");
      a.publish(Channel.REPLAY_ALL, null, "all");
      until("the rest", () -> b.replica.frames().containsAll(List.of("direct", "any", "all")));
      assertEquals(4, log.at(ch.qos.logback.classic.Level.WARN).size(), log.all()::toString);
      assertFalse(log.anyStackTrace());
    }
  }

  @Test
  void losingOneConnectionOnlyIsAnOutageToo() {
    try (var proxy = open(TcpProxy.to(nats.port()))) {
      var a = join(proxy.url());
      proxy.closeConnections();
      until("told of both", () -> a.replica.news().size() >= 3);
      until("up at last", () -> a.replica.news().getLast().equals("connected"));
      List<String> news = a.replica.news();
      for (int i = 0; i < news.size(); i++) {
        assertEquals(i % 2 == 0 ? "connected" : "disconnected", news.get(i), news::toString);
      }
    }
  }

  @Test
  void waitsForAServerThatIsNotThereYet() {
    nats.kill();
    try (var log = LogLines.of(NatsConnector.class)) {
      var late = new Peer(nats.url());
      late.transport.start(late.replica);
      until("said so", () -> log.at(ch.qos.logback.classic.Level.WARN).size() == 2);
      late.publish(Channel.MUTATIONS, null, "too early"); // must not throw
      nats.restart();
      until("connected", () -> late.replica.news().equals(List.of("connected")));
      List<String> warnings = log.at(ch.qos.logback.classic.Level.WARN);
      assertEquals(2, warnings.size(), "one line for each connection: " + log.all());
      assertTrue(warnings.getFirst().contains("ConnectException"), warnings::toString);
      assertFalse(log.anyStackTrace());
    }
  }

  @Test
  void cutWireIsAnOutageOnlyWhenNoticedAndPublishingNeverThrows() {
    try (var proxy = open(TcpProxy.to(nats.port()))) {
      var a = join(proxy.url());
      var b = join(nats.url());
      proxy.cut();
      byte[] large = new byte[512 << 10];
      long unsent = Counter.UNSENT_MESSAGES.value();
      // Far more than the client's queue and all socket buffers hold.
      for (int i = 0; i < 600; i++) {
        a.transport.publish(Channel.MUTATIONS, null, large);
      }
      assertTrue(Counter.UNSENT_MESSAGES.value() > unsent);
      proxy.heal();
      // The queue empties, and frames pass again.
      until(
          "frames pass",
          () -> {
            a.publish(Channel.MUTATIONS, null, "healed");
            return b.replica.frames().contains("healed");
          });
    }
  }

  @Test
  void framesDroppedForASlowReplicaAreCountedAndCatchUpGoesOn() {
    var a = join(nats.url());
    var b = join(nats.url());
    b.transport.listenAs(ORIGIN_B);
    long drops = Counter.SLOW_CONSUMER_DROPS.value();
    b.replica.hold();
    try (var log = LogLines.of(NatsConnector.class)) {
      byte[] large = new byte[512 << 10];
      for (int i = 0; i < 200; i++) { // 100 MiB, where 64 may wait
        a.transport.publish(Channel.MUTATIONS, null, large);
      }
      until(
          "told so", () -> log.at(ch.qos.logback.classic.Level.WARN).toString().contains("faster"));
    }
    b.replica.proceed();
    until(
        "drops counted",
        () -> {
          a.publish(Channel.MUTATIONS, null, "next");
          return Counter.SLOW_CONSUMER_DROPS.value() > drops;
        });
    a.publish(Channel.DIRECT, ORIGIN_B, "direct");
    until("catch-up", () -> b.replica.frames().contains("direct"));
    assertEquals(List.of("connected"), b.replica.news());
  }

  @Test
  void framesBeyondTheServersPayloadAreCountedAndToldNotThrown() {
    try (var small = open(NatsForTests.start("max_payload: 65536\n", Map.of()))) {
      var a = join(small.url());
      var b = join(small.url());
      assertEquals(65536, a.transport.maxPayload());
      long unsent = Counter.UNSENT_MESSAGES.value();
      a.transport.publish(Channel.MUTATIONS, null, new byte[65537]);
      assertTrue(Counter.UNSENT_MESSAGES.value() > unsent);
      assertEquals("unsendable: 65537", a.replica.news().getLast());
      a.publish(Channel.MUTATIONS, null, "small");
      until("small frame", () -> b.replica.frames().equals(List.of("small")));
    }
  }

  @Test
  void closeSendsWhatWasPublishedAndEndsTheCalls() {
    var a = join(nats.url());
    var b = join(nats.url());
    for (int i = 0; i < 100; i++) {
      a.publish(Channel.HEARTBEATS, null, "bye " + i);
    }
    a.transport.close();
    a.transport.close();
    until("all of it", () -> b.replica.frames().size() == 100);
    a.publish(Channel.MUTATIONS, null, "after the end"); // counted, not thrown
    b.publish(Channel.MUTATIONS, null, "to nobody");
    assertEquals(List.of("connected"), a.replica.heard());
  }

  @Test
  void closesWhileStillLookingForAServer() {
    nats.kill();
    var a = new Peer(nats.url());
    a.transport.start(a.replica);
    a.transport.close();
    nats.restart();
    var b = join(nats.url());
    b.publish(Channel.MUTATIONS, null, "anyone?");
    assertEquals(List.of(), a.replica.heard());
  }

  @Test
  void refusedSubscriptionIsToldAndTakenUpOnceItIsAllowed() {
    try (var log = LogLines.of(NatsConnector.class);
        var strict = open(NatsForTests.start(denying("subscribe", "t.events"), Map.of()))) {
      var a = new Peer(strict.url().replace("//", "//u:p@"));
      a.transport.start(a.replica);
      until("tried anew", () -> a.replica.news().stream().filter(REFUSED).count() == 2);
      assertTrue(refusedLast(a, "Subscription to \"t.events\""), a.replica.news()::toString);
      strict.replaceFile("nats.conf", denying("subscribe", "t.other").getBytes(UTF_8));
      strict.reload();
      var b = join(strict.url().replace("//", "//u:p@"));
      b.publishUntilHeard(Channel.MUTATIONS, null, a);
      assertEquals("connected", a.replica.news().getLast());
      assertEquals(1, log.at(ch.qos.logback.classic.Level.WARN).size(), log.all()::toString);
    }
  }

  /** The server does not say which one. */
  @Test
  void tooManySubscriptionsIsARefusalToo() {
    try (var strict = open(NatsForTests.start("max_subscriptions: 1\n", Map.of()))) {
      var a = new Peer(strict.url());
      a.transport.listenAs(ORIGIN_A);
      a.transport.start(a.replica);
      until("refused", () -> refusedLast(a, "maximum subscriptions exceeded"));
    }
  }

  @Test
  void refusedPublishIsToldOnce() {
    try (var log = LogLines.of(NatsConnector.class);
        var strict = open(NatsForTests.start(denying("publish", "t.events"), Map.of()))) {
      var a = join(strict.url().replace("//", "//u:p@"));
      for (int i = 0; i < 10; i++) a.publish(Channel.MUTATIONS, null, "unheard");
      until("refused", () -> refusedLast(a, "Publish to \"t.events\""));
      a.publish(Channel.MUTATIONS, null, "unheard");
      var b = join(strict.url().replace("//", "//u:p@"));
      a.publishUntilHeard(Channel.HEARTBEATS, null, b); // so the server's word on the last has come
      assertEquals(2, a.replica.news().size(), a.replica.news()::toString);
      assertEquals(1, log.at(ch.qos.logback.classic.Level.WARN).size(), log.all()::toString);
    }
  }

  @Test
  void refusedSubjectOfAFeatureCostsThatFeatureOnly() {
    String refused = "t.replay.observer.>";
    try (var connector = LogLines.of(NatsConnector.class);
        var log = LogLines.of(ReplicationTransport.class);
        var strict = open(NatsForTests.start(denying("publish", refused), Map.of()))) {
      var a = join(strict.url().replace("//", "//u:p@"));
      List<String> losses =
          List.of("doctor is not answered: the server does not let us publish on " + refused);
      a.publish(Channel.OBSERVER, ORIGIN_A, "unheard");
      until("switched off", () -> a.replica.losses().equals(losses));
      a.publish(Channel.OBSERVER, ORIGIN_B, "not even sent");
      var b = join(strict.url().replace("//", "//u:p@"));
      a.publishUntilHeard(Channel.MUTATIONS, null, b);
      assertEquals(List.of("connected"), a.replica.news());
      assertEquals(1, log.at(ch.qos.logback.classic.Level.WARN).size(), log.all()::toString);
      assertEquals(List.of(), connector.at(ch.qos.logback.classic.Level.WARN));
      strict.replaceFile("nats.conf", denying("publish", "t.other").getBytes(UTF_8));
      strict.reload();
      until("switched on", () -> a.replica.losses().isEmpty());
      var doctor = observer(strict.url().replace("//", "//u:p@"));
      a.publishUntilHeard(Channel.OBSERVER, ORIGIN_B, doctor);
    }
  }

  @Test
  void largestPayloadIsTheLeastOfBothConnections() {
    try (var small = open(NatsForTests.start("max_payload: 65536\n", Map.of()));
        var proxy = open(TcpProxy.to(nats.port()))) {
      proxy.forwardTo(nats.port(), small.port());
      List<Peer> peers = List.of(join(proxy.url()), join(proxy.url()), join(proxy.url()));
      for (Peer peer : peers) assertEquals(65_536, peer.transport.maxPayload());
      proxy.forwardTo(nats.port());
      proxy.closeConnections();
      for (Peer peer : peers) until("large", () -> peer.transport.maxPayload() == 1 << 20);
    }
  }

  private static boolean refusedLast(Peer peer, String what) {
    List<String> news = peer.replica.news();
    return !news.isEmpty() && REFUSED.test(news.getLast()) && news.getLast().contains(what);
  }

  private static String denying(String way, String subject) {
    return "authorization { users: [ { user: u, password: p, permissions: { %s: { deny: [ \"%s\" ] } } } ] }\n"
        .formatted(way, subject);
  }

  @Test
  void unusableSeedIsTheCallersMistake() {
    var settings = ConnectionSettings.of(nats.url()).withCredentials(null, "SUNONSENSE");
    var transport = new ReplicationTransport(settings, SUBJECTS, "default");
    var e =
        assertThrows(IllegalArgumentException.class, () -> transport.start(new RecordingReplica()));
    assertFalse(e.getMessage().contains("NONSENSE"));
    transport.close();
  }

  private <T extends AutoCloseable> T open(T one) {
    open.add(one);
    return one;
  }

  private Peer join(String url) {
    var peer = new Peer(url);
    peer.start();
    return peer;
  }

  /** As a doctor listens. */
  private Peer observer(String url) {
    var peer =
        new Peer(ReplicationTransport.observing(ConnectionSettings.of(url), SUBJECTS, "doctor"));
    peer.transport.listenAs(ORIGIN_B);
    peer.start();
    return peer;
  }

  /** One instance's end of the network. */
  private final class Peer {
    final RecordingReplica replica = new RecordingReplica();
    final ReplicationTransport transport;

    Peer(String url) {
      this(new ReplicationTransport(ConnectionSettings.of(url), SUBJECTS, "default"));
    }

    Peer(ReplicationTransport transport) {
      this.transport = open(transport);
    }

    void start() {
      transport.start(replica);
      until("connected", () -> replica.news().contains("connected"));
    }

    void publish(Channel channel, OriginId target, String text) {
      transport.publish(channel, target, text.getBytes(UTF_8));
    }

    long count(String text) {
      return replica.frames().stream().filter(text::equals).count();
    }

    /**
     * Repeats a probe until every listener got one: subscriptions reach the server in their time.
     */
    void publishUntilHeard(Channel channel, OriginId target, Peer... listeners) {
      String probe = "probe " + PROBES.incrementAndGet();
      until(
          "a probe heard",
          () -> {
            publish(channel, target, probe);
            return List.of(listeners).stream()
                .allMatch(listener -> listener.replica.frames().contains(probe));
          });
      // Sent after the last probe, so once it is heard no probe is on its way.
      String last = "after " + probe;
      publish(channel, target, last);
      until(
          "the last probe",
          () ->
              List.of(listeners).stream()
                  .anyMatch(listener -> listener.replica.frames().contains(last)));
    }
  }
}
