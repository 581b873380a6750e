package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;

/**
 * Messages that end the reader of the NATS client, on every subject that any connection of ours
 * listens to: all connections stay, and hear what comes after.
 */
class UnreadableMessagesIT {
  private static final List<String> HEADERS =
      List.of(
          "NATS/1.0\r\nKey: caf\u00c3\u00a9\r\n\r\n",
          "NATS/1.0\r\nKey: \u00ff\u00fe\r\n\r\n",
          "NATS/1.0\r\nK\u00c3\u00a9y: value\r\n\r\n",
          "NATS/1.0\r\nKey: a\u0000b\u001b\u007f\r\n\r\n",
          "NATS/1.0\r\nKey: a\rb\r\n\r\n",
          "NATS/1.0\r\nno colon\r\n\r\n",
          "NATS/1.0\r\n: no name\r\n\r\n",
          "NATS/1.0\r\na name: value\r\n\r\n",
          "NATS/1.0\r\nKey: no end",
          "NATS/1.0\r\nKey: half an end\r\n",
          "NATS/1.0 no number\r\n\r\n",
          "NATS/1.0 99999999999 too many\r\n\r\n",
          "NATS/1.0 \r\n\r\n",
          "NATS/1.0x\r\n\r\n",
          "NATS/2.0\r\nKey: value\r\n\r\n",
          "NATS",
          "x");

  /** What a shutdown of somebody else's looks like: the subject of shutdowns gets it too. */
  private static final String BODY = "{\"host_id\":\"NOTHER\"}";

  private final int monitoring = NatsForTests.freePort();
  private final ProviderFixture fixture =
      new ProviderFixture(
          NatsForTests.start("http: \"127.0.0.1:" + monitoring + "\"\n", Map.of()), "");

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Subjects that connections with such a name listen to. */
  private List<String> subjects(String name) {
    var found = new TreeSet<String>();
    try (var in =
        URI.create("http://127.0.0.1:" + monitoring + "/connz?subs=1").toURL().openStream()) {
      for (JsonNode connection : new ObjectMapper().readTree(in).path("connections")) {
        if (!connection.path("name").asText().startsWith(name)) continue;
        for (JsonNode subject : connection.path("subscriptions_list")) {
          found.add(subject.asText().replace("*", "x").replace(">", "x.y"));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return List.copyOf(found);
  }

  /** Sends as no client library would; returns when the server has all of it. */
  private void attack(List<String> subjects) throws IOException {
    try (var socket = new Socket("127.0.0.1", fixture.nats.port())) {
      var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
      var out = new StringBuilder("CONNECT {\"verbose\":false,\"headers\":true}\r\n");
      for (String subject : subjects) {
        for (String reply :
            List.of("", " r", " r\rs", " \u0001", " " + "r".repeat(4070 - subject.length()))) {
          for (String headers : HEADERS) {
            String sizes = " " + headers.length() + " " + (headers.length() + BODY.length());
            out.append("HPUB " + subject + reply + sizes + "\r\n" + headers + BODY + "\r\n");
          }
          if (reply.length() > 2)
            out.append("PUB " + subject + reply + " " + BODY.length() + "\r\n" + BODY + "\r\n");
        }
      }
      socket.getOutputStream().write((out + "PING\r\n").getBytes(ISO_8859_1));
      String line = in.readLine();
      while (!line.equals("PONG")) {
        assertFalse(line.startsWith("-ERR"), line);
        line = in.readLine();
      }
    }
  }

  private static void assertNothingLost(ProviderProcess process) {
    assertEquals(
        List.of(), process.log().stream().filter(line -> line.contains("lost NATS")).toList());
    assertTrue(process.isAlive());
  }

  private ProviderProcess start(String callThread, HostDataLine hostData) {
    return ProviderProcess.start(Map.of("CALL_THREAD", callThread), hostData.line());
  }

  @ParameterizedTest
  @ValueSource(strings = {"reader", "dispatcher"})
  void underAHostBeforeOne(String callThread) throws Exception {
    Map<String, String> values = ProviderFixture.replicated(fixture.nats.url());
    HostDataLine hostData = fixture.hostData().withLink(Provider.ACTOR, values);
    var victim = fixture.open(new Provider(fixture.host, hostData, start(callThread, hostData)));
    Provider peer = fixture.start(values);
    victim.awaitPeers(1);
    peer.awaitPeers(1);
    List<String> subjects = subjects("nats-kvcache");
    assertTrue(subjects.contains("lattice.state.events"), subjects::toString);
    assertTrue(subjects.contains(victim.subject() + ".health"), subjects::toString);
    attack(subjects);
    victim.awaitHealth(true, "live");
    peer.calls.set("after", "value");
    until("replicated", () -> victim.calls.get("after").equals(Optional.of("value")));
    victim.calls.set("before", "value");
    until("replicated", () -> peer.calls.get("before").equals(Optional.of("value")));
    assertNothingLost(victim.process);
    assertNothingLost(peer.process);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reader", "dispatcher"})
  void underAHostOfOne(String callThread) throws Exception {
    HostDataLine hostData = HostDataLine.ofOne(fixture.nats).withoutLinks();
    var victim =
        fixture.open(new WrpcProvider(fixture.host, hostData, start(callThread, hostData)));
    victim.awaitHealth(true, "");
    List<String> subjects = subjects("nats-kvcache");
    assertTrue(subjects.contains(victim.control("health")), subjects::toString);
    attack(subjects);
    victim.awaitHealth(true, "");
    assertNothingLost(victim.process);
  }

  @Test
  void whileDoctorLooks() throws Exception {
    Provider[] pair = fixture.startGroup(2);
    var doctor =
        fixture.open(
            ProviderProcess.start(
                Map.of(), "", "doctor", "--nats-url", fixture.nats.url(), "--wait", "3"));
    int before = subjects("nats-kvcache").size();
    until("it listens", () -> subjects("nats-kvcache").size() > before);
    attack(subjects("nats-kvcache"));
    assertEquals(0, doctor.awaitExit(), () -> doctor.output() + " " + doctor.log());
    assertEquals("verdict: all 2 instances agree", doctor.output().getLast());
    assertEquals(List.of(), doctor.log());
    for (Provider provider : pair) assertNothingLost(provider.process);
  }
}
