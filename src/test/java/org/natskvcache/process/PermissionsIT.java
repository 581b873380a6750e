package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.withoutBody;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.ObjectStore;
import io.nats.client.Options;
import io.nats.client.api.ObjectMeta;
import io.nats.client.impl.Headers;
import java.io.ByteArrayInputStream;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.DocumentedGrants;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.Waiting;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcCaller;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/** The server configuration in {@code docs/security.md} grants what is needed, and no more. */
class PermissionsIT {
  private static final String GRANTS =
      DocumentedGrants.text().replace("VPROVIDER", Vectors.key("provider_public"));

  private static final String STORE = "wrpc:keyvalue/store@0.2.0-draft";
  private static final String WATCHER = "wrpc:keyvalue/watcher@0.2.0-draft";
  private static final String REPLAY = "lattice.state.replay";
  private static final String ORIGIN = "01J00000000000000000000A01";
  private static final String VIOLATION = "Permissions Violation";

  private final ProviderFixture fixture =
      new ProviderFixture(NatsForTests.start(GRANTS, Map.of()), DocumentedGrants.login("host"));

  private Provider provider;

  private String url(String user) {
    return DocumentedGrants.url(fixture.nats, user);
  }

  private Map<String, String> replicatedAs(String user) {
    return ProviderFixture.replicated(url(user));
  }

  private Provider startWasmbus(Map<String, String> link) {
    return fixture.launch(
        fixture
            .hostData()
            .with("provider_key", Vectors.key("provider_public"))
            .with("lattice_rpc_url", url("wasmbus"))
            .withLink(Provider.ACTOR, link));
  }

  /** As a host of 1.9 would start it, with a calling and a watching component. */
  private ProviderProcess startWrpc() throws Exception {
    var json = new ObjectMapper();
    try (var in = PermissionsIT.class.getResourceAsStream("/wrpc-vectors.json")) {
      String vector = json.readTree(in).get("host_data").get("json").textValue();
      var data = (ObjectNode) json.readTree(vector);
      data.put("lattice_rpc_url", url("wrpc"));
      data.putObject("config").put("NATS_URL", url("replica")).put("REPLAY_HEARTBEAT_SECS", "1");
      data.putArray("link_definitions");
      String line = Base64.getEncoder().encodeToString(json.writeValueAsBytes(data)) + "\r\n";
      ProviderProcess process = fixture.open(ProviderProcess.start(Map.of(), line));
      process.awaitLog("door_open");
      String ours = "XA24NPZQSPDGAJR7CW2JTG2Z7WU3YVNAKDEPSK2YKSCWW2CAQAOXTKB7";
      for (String link :
          List.of(
              "{\"source_id\":\"counter\",\"target\":\"kv-cache\",\"wit_namespace\":\"wasi\","
                  + "\"wit_package\":\"keyvalue\",\"interfaces\":[\"store\"]}",
              "{\"source_id\":\"kv-cache\",\"target\":\"watcher\",\"wit_namespace\":\"wasi\","
                  + "\"wit_package\":\"keyvalue\",\"interfaces\":[\"watcher\"],"
                  + "\"source_config\":{\"watch\":\"SET@seen\"}}")) {
        fixture.host.publish("wasmbus.rpc.default." + ours + ".linkdefs.put", link.getBytes(UTF_8));
      }
      process.awaitLog("role=WATCHER");
      return process;
    }
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void bothDoorsAndReplicationWork() throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    var component =
        fixture.open(
            new WrpcServer(
                fixture.host, "default.watcher", WrpcLimits.DEFAULTS, (event, at, cause) -> {}));
    component.serve(
        WATCHER,
        "on-set",
        in -> in.string() + in.string() + in.bytes().length,
        (call, text) -> {
          heard.add(text);
          call.result(new byte[0]);
        });
    fixture.host.flush(Waiting.PATIENCE);
    Provider wasmbus = startWasmbus(replicatedAs("replica"));
    wasmbus.awaitHealth(true, "live");
    wasmbus.calls.set("early", "value");
    ProviderProcess wrpc = startWrpc();
    wasmbus.awaitPeers(1);
    wasmbus.calls.set("late", "value");
    String large = "x".repeat((1 << 20) - (16 << 10) - 100);
    assertEquals(1, call("set", "seen", large).length);
    assertEquals("0seen" + large.length(), heard.poll(10, TimeUnit.SECONDS));
    for (String key : List.of("early", "late")) {
      until(key, () -> new String(call("get", key), UTF_8).endsWith("value"));
    }
    until("the large value", () -> wasmbus.calls.contains("seen"));
    largeBodies(wasmbus, large);
    Connection monitor = connect("monitor", new LinkedBlockingQueue<>());
    for (String health : List.of(wasmbus.subject(), "wasmbus.rpc.default.kv-cache")) {
      Message reply = monitor.request(health + ".health", new byte[0], Waiting.PATIENCE);
      assertTrue(new String(reply.getData(), UTF_8).contains("live, peers=1"));
    }
    assertTrue(fixture.host.request(wasmbus.subject() + ".health", new byte[0]).get() != null);
    wasmbus.shutDown();
    assertEquals(0, wasmbus.process.awaitExit());
    wrpc.terminate();
    assertEquals(0, wrpc.awaitExit());
    for (ProviderProcess process : List.of(wasmbus.process, wrpc)) {
      assertEquals(
          List.of(), process.log().stream().filter(line -> line.contains(VIOLATION)).toList());
    }
  }

  private byte[] call(String function, String... params) {
    var writer = new ValueWriter(64).string("");
    for (String param : params) writer.string(param);
    try (var caller = new WrpcCaller(fixture.host, WrpcLimits.DEFAULTS, (event, at, cause) -> {})) {
      var outcome =
          caller
              .call(
                  WrpcServer.subject("default.kv-cache", STORE, function),
                  new Headers().add("source-id", "counter"),
                  writer.toByteArray())
              .get(10, TimeUnit.SECONDS);
      return outcome instanceof WrpcCaller.Outcome.Result(byte[] bytes) ? bytes : new byte[0];
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The answer first: it makes the stream. */
  private void largeBodies(Provider provider, String large) throws Exception {
    Invocation get = provider.caller().signed("KeyValue.Get", text("seen"));
    SigningCaller.Response response = provider.send(SigningCaller.encode(get));
    assertEquals("", response.error());
    assertTrue(response.contentLength() > large.length());
    ObjectStore store = fixture.host.objectStore("default");
    byte[] argument = struct("key", "stored", "value", large, "expires", 0);
    Invocation whole = provider.caller().signed("KeyValue.Set", argument);
    store.put(ObjectMeta.objectName(whole.id()), new ByteArrayInputStream(argument));
    assertEquals("", provider.send(SigningCaller.encode(withoutBody(whole))).error());
    until("its deletion", () -> deleted(store, whole.id()));
  }

  private static boolean deleted(ObjectStore store, String name) {
    try {
      return store.getInfo(name) == null;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private Connection connect(String user, BlockingQueue<String> errors) throws Exception {
    var listener =
        new ErrorListener() {
          @Override
          public void errorOccurred(Connection connection, String error) {
            errors.add(error);
          }
        };
    return fixture.open(
        Nats.connect(new Options.Builder().server(url(user)).errorListener(listener).build()));
  }

  @Test
  void linksThatWereLostAreFoundThroughTheControlInterface() throws Exception {
    var ofOne = StandInHost.ofOne(fixture.host);
    ofOne.configurations.put("cache", replicatedAs("replica"));
    ofOne.links.add(
        StandInHost.listed(
            WrpcProvider.link("lost", "kv-cache", "default", Map.of()),
            List.of(),
            List.of("cache")));
    var ofZero = StandInHost.ofZero(fixture.host);
    Provider wasmbus = startWasmbus(replicatedAs("replica"));
    ofZero.links.add(StandInHost.listed("MLOST", wasmbus, Map.of()));
    wasmbus.process.awaitLog("event=link_recovered link=default peer=MLOST");
    ProviderProcess wrpc = startWrpc();
    wrpc.awaitLog("event=link_recovered link=default peer=lost");
    for (ProviderProcess process : List.of(wasmbus.process, wrpc)) {
      assertEquals(
          List.of(), process.log().stream().filter(line -> line.contains(VIOLATION)).toList());
    }
  }

  @Test
  void aRefusedControlInterfaceIsALineInTheLogAndNoMore() throws Exception {
    String without = GRANTS.replaceAll("(?m)^.*\"wasmbus\\.ctl\\..*$", "");
    try (var refusing =
        new ProviderFixture(
            NatsForTests.start(without, Map.of()), DocumentedGrants.login("host"))) {
      String url = DocumentedGrants.url(refusing.nats, "wasmbus");
      Provider provider =
          refusing.launch(
              refusing
                  .hostData()
                  .with("provider_key", Vectors.key("provider_public"))
                  .with("lattice_rpc_url", url)
                  .withLink(Provider.ACTOR, Map.of()));
      provider.process.awaitLog(VIOLATION + " for Publish to \"wasmbus.ctl.default.get.links\"");
      provider.awaitHealth(true, "link default: standalone");
      provider.calls.set("k", "v");
      assertEquals(Optional.of("v"), provider.calls.get("k"));
      assertEquals(1, provider.logLines(VIOLATION).size());
    }
  }

  @Test
  void everythingElseIsRefused() throws Exception {
    String calls = "wasmbus.rpc.default." + Vectors.key("provider_public") + ".default";
    String component = "default.kv-cache.wrpc.0.0.1." + STORE + ".set";
    String events = "lattice.state.events";
    assertRefused(
        "wasmbus",
        List.of(calls, ">", "wasmbus.rpc.default.*.*", "wasmbus.ctl.default.>"),
        List.of(calls, component, "wasmbus.ctl.default.linkdefs.put"));
    assertRefused(
        "wrpc",
        List.of(component, "default.>", calls, "$O.default.>", "wasmbus.ctl.v1.default.>"),
        List.of(
            calls,
            component,
            "wasmbus.ctl.v1.default.link.put",
            "wasmbus.ctl.v1.default.config.put.x"));
    assertRefused("monitor", List.of(calls, component), List.of(calls, component, "$O.default.x"));
    assertRefused(
        "replica",
        List.of(">", events + ".>", events + ".link.other", "_INBOX.>", "lattice.state.replay"),
        List.of(events + ".link.other", "lattice.state.replay.link.other", "_INBOX.x"));
    assertRefused(
        "doctor",
        List.of(events, events + ".hb", REPLAY, REPLAY + ".all", REPLAY + ".*", "_INBOX.x"),
        List.of(events, events + ".hb", REPLAY, REPLAY + "." + ORIGIN));
    assertRefused("observer", List.of(events, "lattice.state.replay.all"), List.of(events + ".hb"));
  }

  private void assertRefused(String user, List<String> subscribe, List<String> publish)
      throws Exception {
    BlockingQueue<String> errors = new LinkedBlockingQueue<>();
    Connection connection = connect(user, errors);
    var dispatcher = connection.createDispatcher(message -> {});
    for (String subject : subscribe) {
      dispatcher.subscribe(subject);
      assertViolation(user, subject, errors);
    }
    for (String subject : publish) {
      connection.publish(subject, new byte[0]);
      assertViolation(user, subject, errors);
    }
  }

  private static void assertViolation(String user, String subject, BlockingQueue<String> errors)
      throws InterruptedException {
    Optional<String> error = Optional.ofNullable(errors.poll(10, TimeUnit.SECONDS));
    assertTrue(
        error.filter(text -> text.contains(VIOLATION) && text.contains(subject)).isPresent(),
        () -> user + " on " + subject + ": " + error);
  }

  @Test
  void theLatticesAccountHearsNothingOfReplication() throws Exception {
    BlockingQueue<String> lattice = new LinkedBlockingQueue<>();
    BlockingQueue<String> cache = new LinkedBlockingQueue<>();
    fixture
        .host
        .createDispatcher(message -> lattice.add(message.getSubject()))
        .subscribe("lattice.>");
    connect("observer", new LinkedBlockingQueue<>())
        .createDispatcher(message -> cache.add(message.getSubject()))
        .subscribe("lattice.state.events.hb");
    Provider provider = startWasmbus(replicatedAs("replica"));
    provider.awaitHealth(true, "live");
    assertEquals("lattice.state.events.hb", cache.poll(10, TimeUnit.SECONDS));
    assertEquals(List.of(), List.copyOf(lattice));
  }

  @Test
  void whatIsRefusedShowsInHealthAndOnceInTheLog() {
    Provider provider = startWasmbus(replicatedAs("observer"));
    provider.awaitHealth(false, "link default: replication connection down: " + VIOLATION);
    String complaint = VIOLATION + " for Subscription to \"lattice.state.events\"";
    provider.process.awaitLog(complaint);
    assertEquals(1, provider.logLines(complaint).size());
  }

  @Test
  void doctorLooksAsItsUserAndTellsAsAnotherWhatIsRefused() throws Exception {
    Provider provider = startWasmbus(replicatedAs("replica"));
    provider.awaitHealth(true, "live");
    ProviderProcess doctor = doctorAs("doctor");
    assertEquals(0, doctor.awaitExit(), () -> String.join("\n", doctor.log()));
    assertEquals("verdict: one instance, nobody to compare it with", doctor.output().getLast());
    assertEquals(List.of(), doctor.log());
    ProviderProcess observer = doctorAs("observer");
    assertEquals(1, observer.awaitExit());
    assertEquals(List.of(), observer.output());
    observer.awaitLog(
        "NATS cannot be used: " + VIOLATION + " for Subscription to \"" + REPLAY + ".observer.");
  }

  /** The server of these grants, with one instance that is live. */
  private ProviderFixture with(String grants) {
    var other =
        fixture.open(
            new ProviderFixture(
                NatsForTests.start(grants, Map.of()), DocumentedGrants.login("host")));
    Map<String, String> link =
        ProviderFixture.replicated(DocumentedGrants.url(other.nats, "replica"));
    provider =
        other.launch(
            other
                .hostData()
                .with("provider_key", Vectors.key("provider_public"))
                .with("lattice_rpc_url", DocumentedGrants.url(other.nats, "wasmbus"))
                .withLink(Provider.ACTOR, link));
    provider.awaitHealth(true, "live");
    return other;
  }

  @Test
  void doctorTellsWhichSubjectItMayNotAskOn() throws Exception {
    String asks = "publish: { allow: [ \"" + REPLAY + ".all\" ] }";
    var server = with(GRANTS.replace(asks, "publish: { deny: [ \">\" ] }"));
    ProviderProcess doctor = doctorAs("doctor", server, "--wait", "0.3");
    assertEquals(1, doctor.awaitExit());
    doctor.awaitLog("NATS cannot be used: " + VIOLATION + " for Publish to \"" + REPLAY + ".all\"");
  }

  @Test
  void instancesThatMayNotAnswerTheDoctorDoAllElse() throws Exception {
    String answers = "\"" + REPLAY + ".observer.*\"           #";
    var server = with(GRANTS.replace(answers, "#"));
    ProviderProcess doctor = doctorAs("doctor", server);
    assertEquals(1, doctor.awaitExit());
    assertEquals(
        "verdict: no instance answered; if the cache has a REPLICATION_KEY, give its INSPECTION_KEY",
        doctor.output().getLast());
    provider.awaitHealth(
        true,
        "live, peers=0, but doctor is not answered: the server does not let us publish on "
            + REPLAY
            + ".observer.>");
    assertEquals(1, provider.logLines("a feature is switched off").size());
    assertEquals(0, provider.logLines("NATS complains").size());
  }

  private ProviderProcess doctorAs(String user) {
    return doctorAs(user, fixture);
  }

  private ProviderProcess doctorAs(String user, ProviderFixture server, String... more) {
    String[] args = Stream.concat(Stream.of("doctor"), Stream.of(more)).toArray(String[]::new);
    String url = DocumentedGrants.url(server.nats, user);
    return fixture.open(ProviderProcess.start(Map.of("NATS_URL", url), "", args));
  }
}
